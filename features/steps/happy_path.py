"""An inference's way from keeper to worker and back."""

from behave import then
from behave.runner import Context

from harness import flow_seen


@then("these hops were seen, in this order:")
def these_hops_were_seen(context: Context) -> None:
    flow_seen.expect_hops(context.evidence, context.table)


@then('a worker runs on "{node}" with backend "{backend}" and device "{device}"')
def a_worker_runs(context: Context, node: str, backend: str, device: str) -> None:
    flow_seen.expect_worker(context.evidence, node, backend, device)


@then("{count:d} tokens were printed to stdout, as the worker sent them")
def tokens_were_printed(context: Context, count: int) -> None:
    flow_seen.expect_tokens(context.evidence, count)


@then('the queen answered the task with status {status:d} and code "{code}"')
def the_queen_answered_the_task(context: Context, status: int, code: str) -> None:
    flow_seen.expect_task_refused(context.evidence, status, code)


@then('nobody logged in to "{node}"')
def nobody_logged_in(context: Context, node: str) -> None:
    context.evidence.none(f"login to {node}", context.evidence.of_kind("login", node=node))


@then('nobody asked the hive of "{node}"')
def nobody_asked_the_hive(context: Context, node: str) -> None:
    context.evidence.none(f"request to the hive of {node}", context.evidence.exchanges(role="hive", node=node))
