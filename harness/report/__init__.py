"""What people read about a run. All of it comes from the event log, which docs/runner.md describes."""
