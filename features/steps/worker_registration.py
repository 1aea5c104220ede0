"""What a hive keeps of its workers in its memory."""

from behave import then, when
from behave.runner import Context

from harness.acts import arrange
from harness.checks import hive_list, worker


@when('the operator asks the hive of "{node}" for its workers')
def the_operator_asks_for_workers(context: Context, node: str) -> None:
    context.stage.ask("GET", arrange.hive_url(context.stage, node, "/v1/workers/list"))


@when('the hive of "{node}" is killed and started again')
def the_hive_is_restarted(context: Context, node: str) -> None:
    arrange.hive_restarts(context.stage, node)


@then('the hive of "{node}" acknowledged the ready callback with {status:d} and "{message}"')
def the_hive_acknowledged(context: Context, node: str, status: int, message: str) -> None:
    worker.expect_acknowledged(context.evidence, node, status, message)


@then('the hive of "{node}" listed:')
def the_hive_listed(context: Context, node: str) -> None:
    hive_list.expect_listed(context.evidence, node, context.table)


@then('the hive of "{node}" listed no worker')
def the_hive_listed_no_worker(context: Context, node: str) -> None:
    hive_list.expect_nothing_listed(context.evidence, node)
