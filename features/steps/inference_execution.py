"""Requests to a worker, and what becomes of them."""

from behave import given, then, when
from behave.runner import Context

from harness.acts import arrange
from harness.checks import inference


@given('another user\'s request of 2048 tokens has the only slot of "{node}"')
def the_slot_is_taken(context: Context, node: str) -> None:
    arrange.slot_is_taken(context.stage, node)


@when('the user asks "{node}" for {count:d} tokens')
def the_user_asks(context: Context, node: str, count: int) -> None:
    context.stage.run(arrange.infer(node, max_tokens=count))


@then('"{worker_id}" was asked once, with the API key that its hive gave it, for:')
def the_worker_was_asked(context: Context, worker_id: str) -> None:
    inference.expect_request(context.evidence, worker_id, context.table)


@then('the worker answered with status {status:d} and content type "{content_type}"')
def the_worker_answered_with(context: Context, status: int, content_type: str) -> None:
    inference.expect_answer(context.evidence, status, content_type)


@then(
    "the worker's stream has tokens {first:d} to {last:d}, an end record of {count:d} in {took_ms:d} ms, the end mark"
)
def the_workers_stream_has(context: Context, first: int, last: int, count: int, took_ms: int) -> None:
    inference.expect_stream(context.evidence, first, last, count, took_ms)


@then("each token was on stdout in the moment in which it left the worker")
def each_token_was_shown_at_once(context: Context) -> None:
    inference.expect_shown_at_once(context.evidence)


@then("the first token was on stdout at most {limit_s:d} s after the command began")
def the_first_token_was_there(context: Context, limit_s: int) -> None:
    inference.expect_first_token(context.evidence, limit_s)


@then('the hive of "{node}" was told that "{worker_id}" is {states}, in this order')
def the_hive_was_told_the_states(context: Context, node: str, worker_id: str, states: str) -> None:
    inference.expect_states(context.evidence, node, worker_id, states.split(", "))


@then("the worker refused the user's request, each time with:")
def the_worker_refused(context: Context) -> None:
    inference.expect_refusals(context.evidence, context.table)


@then(
    "the request was answered with {status:d}, again after {first_s:d}, {second_s:d} and {third_s:d} s, "
    "and then no more made"
)
def the_request_was_made_again(context: Context, status: int, first_s: int, second_s: int, third_s: int) -> None:
    inference.expect_retries(context.evidence, status, [first_s, second_s, third_s])
