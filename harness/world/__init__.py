"""What products live in: network, nodes, model hub, clock. One process for a run, one event loop."""
