"""llm-worker-rbee: holds one model and answers one inference at a time (docs/contract.md, section 2.3)."""
