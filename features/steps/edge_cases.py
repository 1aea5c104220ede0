"""What goes wrong on the way: silent hosts, other versions, keys that fit no door, ends that come too early."""

from behave import given, then, when
from behave.runner import Context

from harness.acts import arrange, midstream, registration
from harness.checks import attempts, broken_off, idle, keys, logs


@given('node "{node}" is registered with the queen, and then its host never says a word')
def node_is_registered_and_falls_silent(context: Context, node: str) -> None:
    registration.register(context.stage, node)
    context.stage.arrange("swallow", host=context.stage.places[node].host)


@given('rbee-hive on "{node}" has version "{version}"')
def the_hive_has_version(context: Context, node: str, version: str) -> None:
    context.stage.set_fact(node, "version", version)


@given('the hive of "{node}" runs and asks for the API key "{key}"')
def the_hive_asks_for_a_key(context: Context, node: str, key: str) -> None:
    arrange.hive_asks_for_key(context.stage, node, key)


@given('the user\'s own API key is "{key}"')
def the_users_key_is(context: Context, key: str) -> None:
    arrange.api_key_is(context.stage, context.stage.control, key)


@when('the user asks "{node}" for {count:d} tokens, and the worker is killed after token {after:d}')
def the_worker_is_killed(context: Context, node: str, count: int, after: int) -> None:
    midstream.kill_worker(context.stage, node, count, after)


@when('the user asks "{node}" for {count:d} tokens, and presses Ctrl+C after token {after:d}')
def the_user_presses_ctrl_c(context: Context, node: str, count: int, after: int) -> None:
    midstream.press_ctrl_c(context.stage, node, count, after)


@then(
    'port {port:d} of "{host}" was tried three times for {limit_s:d} s, '
    "the second {second_ms:d} ms and the third {third_ms:d} ms after the one before"
)
def a_port_was_tried(context: Context, port: int, host: str, limit_s: int, second_ms: int, third_ms: int) -> None:
    attempts.expect_attempts(context.evidence, host, port, limit_s, [second_ms, third_ms])


@then('the queen was shown "{authorization}" by the user\'s program, and showed it to the hive of "{node}"')
def the_key_was_shown(context: Context, authorization: str, node: str) -> None:
    keys.expect_shown(context.evidence, node, authorization)


@then('the hive of "{node}" refused her, with:')
def the_hive_refused_her(context: Context, node: str) -> None:
    keys.expect_refused(context.evidence, node, context.table)


@then('nothing more was asked of "{node}", and no worker runs there')
def nothing_more_was_asked(context: Context, node: str) -> None:
    keys.expect_nothing_more(context.evidence, node)


@then("the worker's stream broke off after {count:d} tokens, without its end mark")
def the_workers_stream_broke_off(context: Context, count: int) -> None:
    broken_off.expect_broken_off(context.evidence, count)


@then("the text of the {count:d} tokens is on stdout, and in the file that the user was told of")
def the_text_is_on_stdout_and_in_a_file(context: Context, count: int) -> None:
    broken_off.expect_partial_result(context.evidence, count)


@then("the request was canceled at its worker within 5 s, and no token came after that")
def the_request_was_canceled(context: Context) -> None:
    broken_off.expect_canceled(context.evidence)


@then('the log of "{node}" has "{line}"')
def the_log_has(context: Context, node: str, line: str) -> None:
    logs.expect_logged(context.evidence, node, line)


@then('so long after "{worker_id}" had become idle for the last time, this was seen on "{node}":')
def this_was_seen_so_long_after(context: Context, worker_id: str, node: str) -> None:
    idle.expect_times(context.evidence, node, worker_id, context.table)


@then('the next inference found no worker on "{node}", and had another one than "{worker_id}" started')
def the_next_inference_was_a_cold_start(context: Context, node: str, worker_id: str) -> None:
    idle.expect_cold_start(context.evidence, node, worker_id)
