"""What products live in: network, nodes, model hub, clock. One process for a run, one event loop."""

STAND_INS = "RBEE_BDD_STAND_INS"
"""The variable of the world's environment that names a directory with other program files than the project's bin."""
