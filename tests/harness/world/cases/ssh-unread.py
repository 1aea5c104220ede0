"""Sends 200 MB to a command over SSH that reads nothing."""

import os
import subprocess

with open("input", "wb") as file:
    os.truncate(file.fileno(), 200 << 20)
with open("input", "rb") as file:
    subprocess.run(["ssh", "workstation.home.arpa", "sleep 2"], stdin=file)
