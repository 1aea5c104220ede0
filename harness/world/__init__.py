"""What products live in: network, nodes, model hub, clock. One process for a run, one event loop."""

STAND_INS = "RBEE_BDD_STAND_INS"
"""The variable of the world's environment that names a directory with other program files than the project's bin."""

BARE = {"PATH": "", "LANG": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1"}
"""The environment of the world and its warm parent: no PATH, since asyncssh would have a compiler look for libraries
that it can do without; and no threads of numpy's, since what forks must have one."""

WORLD_LOG = "world.log"
"""The file beside the world's socket with what the world has to say."""
