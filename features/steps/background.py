"""The background: what every scenario stands on."""

from behave import given
from behave.runner import Context

from harness.acts import background


@given("the topology:")
def the_topology(context: Context) -> None:
    background.check_topology(context.stage, context.table)


@given('the caller is on "{node}"')
def the_caller_is_on(context: Context, node: str) -> None:
    background.check_caller(context.stage, node)


@given('the queen answers at "{url}"')
def the_queen_answers_at(context: Context, url: str) -> None:
    background.check_queen(context.stage, url)


@given('the model catalogue of a node is SQLite at "{path}"')
def the_model_catalogue_is_at(context: Context, path: str) -> None:
    background.prepare_catalogue(context.stage, path)


@given('the registry of nodes is SQLite at "{path}"')
def the_registry_of_nodes_is_at(context: Context, path: str) -> None:
    background.check_registry(context.stage, path)


@given("the worker registry of a node is in the memory of its hive")
def the_worker_registry_is_in_memory(context: Context) -> None:
    background.check_no_worker_registry(context.stage)
