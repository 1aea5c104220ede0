"""What Then steps want to see, a module for each matter. Every function raises AssertionError with what was seen."""
