"""Hives and workers that live on, and that end."""

from behave import given
from behave.runner import Context

from harness import arrange


@given('the hive runs on "{node}"')
def the_hive_runs(context: Context, node: str) -> None:
    arrange.hive_runs(context.stage, node)
