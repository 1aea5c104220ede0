"""The workers that a hive knows."""

from behave import given, then
from behave.runner import Context

from harness.acts import arrange, registration
from harness.checks import reuse


@given('worker "{worker_id}" is idle on "{node}"')
def a_worker_is_idle(context: Context, worker_id: str, node: str) -> None:
    arrange.worker_is_idle(context.stage, node, worker_id)


@given('node "{node}" is registered and runs idle worker "{worker_id}"')
def a_node_runs_an_idle_worker(context: Context, node: str, worker_id: str) -> None:
    registration.register(context.stage, node)
    arrange.worker_is_idle(context.stage, node, worker_id)


@then('the hive of "{node}" told the queen of these workers:')
def the_hive_told_of_workers(context: Context, node: str) -> None:
    reuse.expect_told(context.evidence, node, context.table)


@then(
    'the queen found "{worker_id}" {state} on "{node}" and went straight to inference: '
    "no preflight, no provisioning, no start-up"
)
def the_queen_went_straight_to_inference(context: Context, worker_id: str, state: str, node: str) -> None:
    reuse.expect_straight_to_inference(context.evidence, node, worker_id, state)
