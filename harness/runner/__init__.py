"""The behave runner plug-in: every planned scenario gets a verdict, several run at a time, nothing is left behind."""

from harness.runner.plugin import Runner

__all__ = ["Runner"]
