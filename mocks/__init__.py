"""The stand-ins: rbee's four programs, faithful on the wire, knowing nothing of a harness."""
