"""Errors, as programs tell them to each other."""

from behave import then
from behave.runner import Context

from harness.checks import errors


@then('the hive of "{node}" answered the request for a worker with status {status:d} and this error:')
def the_hive_answered_with_this_error(context: Context, node: str, status: int) -> None:
    errors.expect_envelope(context.evidence, node, status, context.text)


@then('the user\'s program was told the error of "{node}" unchanged; its code "{code}" is a published one')
def the_program_was_told_the_error(context: Context, node: str, code: str) -> None:
    errors.expect_passed_on(context.evidence, node, code)
