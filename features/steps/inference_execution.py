"""Requests to a worker, and what becomes of them."""

from behave import given, when
from behave.runner import Context

from harness import arrange


@given('another user\'s request of 2048 tokens has the only slot of "{node}"')
def the_slot_is_taken(context: Context, node: str) -> None:
    arrange.slot_is_taken(context.stage, node)


@when('the user asks "{node}" for {count:d} tokens')
def the_user_asks(context: Context, node: str, count: int) -> None:
    context.stage.run(arrange.infer(node, max_tokens=count))
