"""The workers that a hive knows."""

from behave import given
from behave.runner import Context

from harness import arrange


@given('worker "{worker_id}" is idle on "{node}"')
def a_worker_is_idle(context: Context, worker_id: str, node: str) -> None:
    arrange.worker_is_idle(context.stage, node, worker_id)
