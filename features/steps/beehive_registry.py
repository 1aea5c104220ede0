"""The queen's registry of nodes."""

from behave import given, then
from behave.runner import Context

from harness import expect
from harness.acts import arrange, registration
from harness.checks import registry


@given("the registry of nodes is empty")
def the_registry_of_nodes_is_empty(context: Context) -> None:
    expect.equal("the registry of nodes", context.evidence.registry_rows(), [])


@given('node "{node}" is registered with the queen')
def node_is_registered(context: Context, node: str) -> None:
    registration.register(context.stage, node)


@given('nodes "{one}" and "{other}" are registered with the queen')
def nodes_are_registered(context: Context, one: str, other: str) -> None:
    for node in (one, other):
        registration.register(context.stage, node)


@given('the host "{host}" accepts connections and never says a word')
def the_host_is_silent(context: Context, host: str) -> None:
    context.stage.arrange("swallow", host=host)


@given('rbee is not installed on "{node}"')
def rbee_is_not_installed(context: Context, node: str) -> None:
    arrange.rbee_is_not_installed(context.stage, node)


@given('node "{node}" is not registered with the queen')
def node_is_not_registered(context: Context, node: str) -> None:
    expect.equal(f"the rows of {node}", context.evidence.registry_rows(node), [])


@then('the queen was asked once to "{action}" a node, with:')
def the_queen_was_asked_once(context: Context, action: str) -> None:
    registry.expect_request(context.evidence, action, context.table)


@then('the registry row of "{node}" holds:')
def the_registry_row_holds(context: Context, node: str) -> None:
    registry.expect_row(context.evidence, node, context.table)


@then('the registry row of "{node}" was last connected when it was added')
def last_connected_when_added(context: Context, node: str) -> None:
    registry.expect_connected_at_add(context.evidence, node)


@then('the registry has no row of "{node}"')
def the_registry_has_no_row(context: Context, node: str) -> None:
    registry.expect_no_row(context.evidence, node)


@then("the times that it prints are those of the rows, in their order")
def the_times_are_those_of_the_rows(context: Context) -> None:
    registry.expect_times_printed(context.evidence)


@then('"{node}" let user "{user}" in with the user\'s key')
def node_let_user_in(context: Context, node: str, user: str) -> None:
    registry.expect_login(context.evidence, node, user)


@then('"{node}" was asked over SSH to run:')
def node_was_asked_to_run(context: Context, node: str) -> None:
    commands = [event["command"] for event in context.evidence.of_kind("command", node=node)]
    expect.equal(f"the commands on {node}", commands, context.text.splitlines())


@then('one SSH connection to "{host}" was made, and given up after {limit_s:d} s')
def one_ssh_connection_was_given_up(context: Context, host: str, limit_s: int) -> None:
    registry.expect_ssh_given_up(context.evidence, host, limit_s)


@then('"{node}" ran these tools in "{directory}", in this order:')
def node_ran_these_tools(context: Context, node: str, directory: str) -> None:
    registry.expect_tools(context.evidence, node, directory, context.text)
