"""The way of a model to a node: hub, download, catalogue."""

from behave import given, then, when
from behave.runner import Context

from harness import lists
from harness.acts import arrange, models, registration
from harness.checks import provisioning


@given('the catalogue of "{node}" has "{model}" at "{path}"')
def the_catalogue_has(context: Context, node: str, model: str, path: str) -> None:
    arrange.model_lies_on(context.stage, node, model, path)


@given('node "{node}" is registered with the queen, and the hub\'s answers are cut after {counts} bytes')
def a_node_is_registered_and_the_hub_cut(context: Context, node: str, counts: str) -> None:
    registration.register(context.stage, node)
    models.hub_is_cut(context.stage, lists.figures(counts))


@given('the hub\'s model has {size_bytes:d} bytes, and "{node}" has {free_mb:d} MB of RAM free')
def the_hubs_model_has(context: Context, size_bytes: int, node: str, free_mb: int) -> None:
    models.hub_has(context.stage, size_bytes)
    context.stage.set_fact(node, "free_mb", f"{free_mb}\n")


@when('the user asks "{node}" for {count:d} tokens of "{model}"')
def the_user_asks_for_a_model(context: Context, node: str, count: int, model: str) -> None:
    context.stage.run(arrange.infer(node, model=model, max_tokens=count))


@then('the hive of "{node}" answered that it has the model at "{path}"; requests to the hub so far: {requests:d}')
def the_hive_has_the_model(context: Context, node: str, path: str, requests: int) -> None:
    provisioning.expect_catalogued(context.evidence, node, path, requests)


@then('the worker on "{node}" was started with the model at "{path}"')
def the_worker_has_the_model(context: Context, node: str, path: str) -> None:
    provisioning.expect_worker_has(context.evidence, node, path)


@then('the hive of "{node}" streamed how far the download was, and each time its speed:')
def the_hive_streamed_progress(context: Context, node: str) -> None:
    provisioning.expect_progress(context.evidence, node, context.table)


@then('the hive of "{node}" streamed at last that "{path}" is complete, and the end mark')
def the_hive_streamed_the_end(context: Context, node: str, path: str) -> None:
    provisioning.expect_complete(context.evidence, node, path)


@then('"{path}" on "{node}" has the hub\'s bytes')
def the_file_has_the_hubs_bytes(context: Context, path: str, node: str) -> None:
    provisioning.expect_hubs_bytes(context.evidence, node, path)


@then('"{path}" on "{node}" has {size_bytes:d} bytes, as the catalogue says')
def the_file_has_this_size(context: Context, path: str, node: str, size_bytes: int) -> None:
    provisioning.expect_size(context.evidence, node, path, size_bytes)


@then('the catalogue of "{node}" has these rows, and no others:')
def the_catalogue_has_these_rows(context: Context, node: str) -> None:
    provisioning.expect_rows(context.evidence, node, context.table)


@then('the catalogue of "{node}" says that the model was downloaded when it was')
def the_catalogue_says_when(context: Context, node: str) -> None:
    provisioning.expect_time(context.evidence, node)


@then("the hub was asked for the bytes from {from_bytes} on, with {delays_ms} ms between")
def the_hub_was_asked(context: Context, from_bytes: str, delays_ms: str) -> None:
    provisioning.expect_attempts(context.evidence, lists.figures(from_bytes), lists.figures(delays_ms))


@then('the task failed with "{code}" after {attempts:d} attempts')
def the_task_failed(context: Context, code: str, attempts: int) -> None:
    provisioning.expect_task_failed(context.evidence, code, attempts)


@then('"{node}" has no file in "{directory}", and no row in its catalogue')
def nothing_is_left(context: Context, node: str, directory: str) -> None:
    provisioning.expect_nothing_left(context.evidence, node, directory)
