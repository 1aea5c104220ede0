"""What the sentences of the scenarios call: the stage, and the evidence that programs leave on it."""
