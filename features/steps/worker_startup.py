"""How a worker starts: its process, its port, its key, its report to the hive."""

from behave import then, when
from behave.runner import Context

from harness.acts import arrange
from harness.checks import worker


@when('the user asks "{node}" for {count:d} tokens, up to the ready callback of the worker')
def the_user_asks_up_to_the_callback(context: Context, node: str, count: int) -> None:
    called_back = {"event": "ended", "path": "/v1/workers/ready", "how": "complete"}
    context.stage.start_until(arrange.infer(node, max_tokens=count), {"event": called_back})


@then('the command line of the worker on "{node}" has:')
def the_command_line_has(context: Context, node: str) -> None:
    worker.expect_command_line(context.evidence, node, context.table)


@then('the process of the worker on "{node}" listens at port {port:d}')
def the_worker_listens(context: Context, node: str, port: int) -> None:
    worker.expect_listening(context.evidence, node, port)


@then('all who ask the worker on "{node}" show the API key of its command line, which is in no log')
def the_key_is_in_no_log(context: Context, node: str) -> None:
    worker.expect_key(context.evidence, node)


@then('the hive of "{node}" answered the request for a worker before any layer was loaded, with:')
def the_hive_answered_at_once(context: Context, node: str) -> None:
    worker.expect_spawned(context.evidence, node, context.table)


@then('the worker on "{node}" showed its hive its key and sent it, once, "{request}" with exactly:')
def the_worker_called_back(context: Context, node: str, request: str) -> None:
    worker.expect_callback(context.evidence, node, request, context.table)


@then('the worker on "{node}" began to load its model after that was answered')
def loading_began_after_the_callback(context: Context, node: str) -> None:
    worker.expect_loading_after_callback(context.evidence, node)
