"""The stand-in of queen-rbee, the orchestrator: knows the nodes, reaches their hives, carries tasks through."""
