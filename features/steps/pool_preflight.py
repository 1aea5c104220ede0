"""The queen's check of a node's hive before anything is provisioned there."""

from behave import given, then
from behave.runner import Context

from harness.checks import pool


@given('port {port:d} of "{host}" accepts connections and never says a word')
def a_port_is_silent(context: Context, port: int, host: str) -> None:
    context.stage.arrange("swallow", host=host, port=port)


@then('the hive of "{node}" answered the queen\'s "{request}" with {status:d} and {body}')
def the_hive_answered_the_queen(context: Context, node: str, request: str, status: int, body: str) -> None:
    pool.expect_answer(context.evidence, node, request, status, body)


@then('the queen ended the task with "{code}" before anything was provisioned on "{node}"')
def nothing_was_provisioned(context: Context, code: str, node: str) -> None:
    pool.expect_nothing_provisioned(context.evidence, node, code)


@then("the user was told that rbee-keeper is v{keeper} and rbee-hive v{hive}, and how to upgrade")
def the_user_was_told_to_upgrade(context: Context, keeper: str, hive: str) -> None:
    pool.expect_upgrade_advice(context.evidence, keeper, hive)


@then("the task took {took_s:g} s")
def the_task_took(context: Context, took_s: float) -> None:
    pool.expect_task_took(context.evidence, took_s)
