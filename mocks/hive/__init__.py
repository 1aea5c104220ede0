"""The stand-in of rbee-hive: one on each node, it brings models and workers there and looks after the workers."""
