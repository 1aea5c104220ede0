"""The user at the terminal: commands, what they print, how they end."""

from behave import given, then, when
from behave.runner import Context

from harness import expect
from harness.acts import config_files, endings, system_root
from harness.checks import commands, installed, shown


@given('the config file "{file}" names "{binary}" as the remote binary')
def the_config_file_names(context: Context, file: str, binary: str) -> None:
    config_files.write(context.stage, file, f'[remote]\nbinary_path = "{binary}"')


@given('the config file "{file}" has the section:')
def the_config_file_has(context: Context, file: str) -> None:
    config_files.write(context.stage, file, context.text)


@given("the system's directories are the scenario's own, and hold nothing of rbee")
def the_systems_directories_are_our_own(context: Context) -> None:
    system_root.confine(context.stage, context.scenario)


@when("the user runs:")
def the_user_runs(context: Context) -> None:
    context.stage.run(context.text)


@when('the user runs "{command}"')
def the_user_runs_this(context: Context, command: str) -> None:
    context.stage.run(command)


@when('with RBEE_CONFIG "{file}" the user runs "{command}"')
def the_user_runs_with_config(context: Context, file: str, command: str) -> None:
    config_files.run_with(context.stage, file, command)


@when('without the right to write to the system\'s directories the user runs "{command}"')
def the_user_runs_without_right(context: Context, command: str) -> None:
    system_root.run_without_right(context.stage, command)


@when('without "{file}" the user runs "{command}"')
def the_user_runs_without(context: Context, file: str, command: str) -> None:
    config_files.remove(context.stage, file)
    context.stage.run(command)


@when('the user runs each program in "{directory}" with "{option}"')
def the_user_runs_each_program(context: Context, directory: str, option: str) -> None:
    for program in context.stage.evidence.files(context.stage.control, directory):
        context.stage.run(f"{directory}/{program} {option}")


@when('the user begins to follow a log with "{command}"')
def the_user_follows_a_log(context: Context, command: str) -> None:
    followed = {"event": "answered", "port": context.stage.settings.hive.port, "path": "/v1/logs?follow=true"}
    context.stage.start_until(command, {"event": followed})


@when("the user presses Ctrl+C")
def the_user_presses_ctrl_c(context: Context) -> None:
    endings.user_presses_ctrl_c(context.stage)


@then("it prints:")
def it_prints(context: Context) -> None:
    shown.expect_printed(context.evidence, context.text)


@then('it prints "{line}", and ends with exit code {code:d}')
def it_prints_this_and_ends(context: Context, line: str, code: int) -> None:
    shown.expect_printed(context.evidence, line)
    expect.equal("the exit code", context.evidence.exit_code(), code)


@then("it says on stderr:")
def it_says_on_stderr(context: Context) -> None:
    expect.lines("stderr", context.evidence.printed("stderr"), context.text)


@then('it says on stderr "{line}"')
def it_says_this_on_stderr(context: Context, line: str) -> None:
    expect.lines("stderr", context.evidence.printed("stderr"), line)


@then("it says on stderr, and ends with exit code {code:d}:")
def it_says_and_ends(context: Context, code: int) -> None:
    expect.lines("stderr", context.evidence.printed("stderr"), context.text)
    expect.equal("the exit code", context.evidence.exit_code(), code)


@then("among other lines it says on stderr, in this order:")
def it_says_in_order(context: Context) -> None:
    expect.in_order("stderr", context.evidence.printed("stderr").splitlines(), context.text.splitlines())


@then("the exit code is {code:d}")
def the_exit_code_is(context: Context, code: int) -> None:
    expect.equal("the exit code", context.evidence.exit_code(), code)


@then('these are there on "{node}":')
def these_are_there(context: Context, node: str) -> None:
    for row in context.table:
        found = context.evidence.file(node, row["path"])
        expect.equal(f"what {row['path']} is", "directory" if found.is_dir() else "file", row["what"])


@then("{programs} have run, printed their usage and ended with {code:d}")
def programs_have_run(context: Context, programs: str, code: int) -> None:
    installed.expect_usage(context.evidence, programs, code)


@then('it shows "{one}" on "{node}" as {state}, then "{other}" on "{other_node}" as {other_state}, and no more')
def it_shows_two_workers(
    context: Context, one: str, node: str, state: str, other: str, other_node: str, other_state: str
) -> None:
    commands.expect_workers_shown(context.evidence, (one, node, state), (other, other_node, other_state))


@then('it prints "{line}", as the hive of "{node}" told the queen')
def it_prints_what_the_hive_told(context: Context, line: str, node: str) -> None:
    commands.expect_health_shown(context.evidence, line, node)


@then('the user has read these lines of the log of "{node}", each when it was written:')
def the_user_has_read(context: Context, node: str) -> None:
    commands.expect_followed(context.evidence, node, context.text)


@then('it ends with exit code {code:d}, has written nothing there, and says "{line}" on stderr')
def it_is_refused(context: Context, code: int, line: str) -> None:
    installed.expect_refused(context.evidence, line, code)


@then('{programs} are installed in "{directory}" on "{node}"')
def programs_are_installed(context: Context, programs: str, directory: str, node: str) -> None:
    installed.expect_programs(context.evidence, node, directory, programs)


@then('"{config}" on "{node}" names the directory "{directory}" for models, and it is there')
def the_config_names_a_directory(context: Context, config: str, node: str, directory: str) -> None:
    installed.expect_models_directory(context.evidence, node, config, directory)
