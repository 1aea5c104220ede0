"""The behave runner plug-in: every planned scenario gets a verdict, several run at a time, nothing is left behind."""

from harness.runner import standard_streams

standard_streams.complete()  # before anything else opens a file

from harness.runner.plugin import Runner  # noqa: E402

__all__ = ["Runner"]
