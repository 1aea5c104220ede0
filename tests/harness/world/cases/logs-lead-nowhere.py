"""Moves the logs of its stage away, and puts a link there that leads nowhere."""

import pathlib

logs = pathlib.Path.home().parents[1] / "logs"
logs.rename(logs.with_name("away"))
logs.symlink_to("/nowhere/at/all")
