"""Leaves a process behind that has emptied its environment, has a session of its own and works elsewhere."""

import os

if os.fork() == 0:
    os.setsid()
    os.chdir("/")
    if os.fork() == 0:
        os.execve("/bin/sleep", ["hidden", "600"], {})
