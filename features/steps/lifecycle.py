"""Hives and workers that live on, and that end."""

from behave import given, when
from behave.runner import Context

from harness import arrange


@given('the hive runs on "{node}"')
def the_hive_runs(context: Context, node: str) -> None:
    arrange.hive_runs(context.stage, node)


@when("{seconds:d} seconds pass")
def seconds_pass(context: Context, seconds: int) -> None:
    context.stage.let_pass(seconds)


@when("{minutes:d} minutes and {seconds:d} seconds pass")
def minutes_and_seconds_pass(context: Context, minutes: int, seconds: int) -> None:
    context.stage.let_pass(minutes * 60 + seconds)
