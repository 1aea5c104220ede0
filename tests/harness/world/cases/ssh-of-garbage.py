"""Asks over SSH for what is no command, and for one with a name that is too long."""

import subprocess

for command in ("'", "\x01\x02 |&;()<>", "/" + "x" * 500, ";" * 1000):
    subprocess.run(["ssh", "workstation.home.arpa", command], stdin=subprocess.DEVNULL)
