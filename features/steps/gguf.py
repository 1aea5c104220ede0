"""GGUF files, and what a worker makes of them."""

from behave import given, then, when
from behave.runner import Context

from harness import lists
from harness.acts import models
from harness.checks import gguf


@given('the catalogue of "{node}" has models with these headers:')
def the_catalogue_has_models(context: Context, node: str) -> None:
    models.lie_on(context.stage, node, context.table)


@given('the catalogue of "{node}" has models in {file_types}, of {sizes_mb} MB')
def the_catalogue_has_quantized_models(context: Context, node: str, file_types: str, sizes_mb: str) -> None:
    models.lie_quantized_on(context.stage, node, lists.entries(file_types), lists.figures(sizes_mb))


@when('the user asks "{node}" for {count:d} tokens after "{prompt}" of each model in its catalogue')
def the_user_asks_each_model(context: Context, node: str, count: int, prompt: str) -> None:
    models.ask_each(context.stage, node, prompt, count)


@then("the workers reported and answered, one after the other:")
def the_workers_reported(context: Context) -> None:
    gguf.expect_served(context.evidence, context.table)
