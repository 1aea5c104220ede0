"""An inference's way from keeper to worker and back."""

from behave import then
from behave.runner import Context

from harness.checks import cold_start, flow
from harness.evidence import made_up


@then("these hops were seen, in this order:")
def these_hops_were_seen(context: Context) -> None:
    flow.expect_hops(context.evidence, context.table)


@then('a worker runs on "{node}" with backend "{backend}" and device "{device}"')
def a_worker_runs(context: Context, node: str, backend: str, device: str) -> None:
    flow.expect_worker(context.evidence, node, backend, device)


@then("{count:d} tokens were printed to stdout, as the worker sent them")
def tokens_were_printed(context: Context, count: int) -> None:
    flow.expect_tokens(context.evidence, count)


@then('the queen answered the task with status {status:d} and code "{code}"')
def the_queen_answered_the_task(context: Context, status: int, code: str) -> None:
    flow.expect_task_refused(context.evidence, status, code)


@then("the queen ended the task with the error:")
def the_queen_ended_the_task(context: Context) -> None:
    flow.expect_task_error(context.evidence, context.table)


@then('nobody logged in to "{node}"')
def nobody_logged_in(context: Context, node: str) -> None:
    login = made_up.event("login", node=node, user="rbee", key=None, granted=True)
    context.evidence.none(f"login to {node}", context.evidence.of_kind("login", node=node), login)


@then('nobody asked the hive of "{node}"')
def nobody_asked_the_hive(context: Context, node: str) -> None:
    asked, request = context.evidence.exchanges(role="hive", node=node), made_up.exchange(role="hive", node=node)
    context.evidence.none(f"request to the hive of {node}", asked, request)


@then('the queen logged in to "{node}" as "{user}", with the key in its row, and started the hive there by:')
def the_queen_started_the_hive(context: Context, node: str, user: str) -> None:
    cold_start.expect_hive_started(context.evidence, node, user, context.text)


@then('the registry row of "{node}" was last connected during the task')
def last_connected_during_the_task(context: Context, node: str) -> None:
    cold_start.expect_connected(context.evidence, node)


@then('the worker on "{node}" said that it is loading and where to follow that, and afterwards that it is ready')
def the_worker_was_awaited(context: Context, node: str) -> None:
    cold_start.expect_awaited(context.evidence, node)
