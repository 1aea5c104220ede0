"""Whether a worker is ready, and how its model gets into memory."""

from behave import given, then, when
from behave.runner import Context

from harness.acts import arrange, registration
from harness.checks import loading


@given('node "{node}" is registered, and has a model of {size_mb:d} MB')
def a_node_with_a_model(context: Context, node: str, size_mb: int) -> None:
    registration.register(context.stage, node)
    arrange.model_of_size(context.stage, node, size_mb)


@when('the user asks "{node}" for {count:d} tokens, up to layer {layers:d} of the model')
def the_user_asks_up_to_a_layer(context: Context, node: str, count: int, layers: int) -> None:
    loaded = {"event": "passed", "path": "/v1/loading/progress", "data": {"layers_loaded": layers}}
    context.stage.start_until(arrange.infer(node, max_tokens=count), {"event": loaded})


@when('the user asks "{node}" for {count:d} tokens, and the worker stops dead at layer {layers:d} of the model')
def the_worker_stops_dead(context: Context, node: str, count: int, layers: int) -> None:
    arrange.loading_stops_dead(context.stage, node, layers, count)


@then('the worker on "{node}", asked whether it is ready, last said:')
def the_worker_last_said(context: Context, node: str) -> None:
    loading.expect_ready_answer(context.evidence, node, context.table)


@then('the worker on "{node}", asked at that address, told first these events and goes on:')
def the_worker_told_so_far(context: Context, node: str) -> None:
    loading.expect_progress_so_far(context.evidence, node, context.table)


@then('the worker on "{node}" told of its loading, event by event:')
def the_worker_told_of_its_loading(context: Context, node: str) -> None:
    loading.expect_progress(context.evidence, node, context.table)


@then('the worker on "{node}" at last told of {loaded:d} of {total:d} layers, that it is ready, and the end mark')
def the_worker_told_the_end(context: Context, node: str, loaded: int, total: int) -> None:
    loading.expect_progress_end(context.evidence, node, loaded, total)


@then("the user's program ended {after_s:d} s after the worker was started")
def the_program_ended_after(context: Context, after_s: int) -> None:
    loading.expect_given_up(context.evidence, after_s)
