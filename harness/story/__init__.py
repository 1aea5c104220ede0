"""The story of a red scenario: which program did what wrong, from what the world told and the step that failed."""
