"""Hives and workers that live on, and that end."""

from behave import given, then, when
from behave.runner import Context

from harness.acts import arrange, endings, registration
from harness.checks import health as health_seen
from harness.checks import hive_list, lives, shutdown


@given("no queen, hive or worker runs")
def nothing_runs(context: Context) -> None:
    endings.nothing_runs(context.stage)


@given('the hive runs on "{node}"')
def the_hive_runs(context: Context, node: str) -> None:
    arrange.hive_runs(context.stage, node)


@given('workers "{one}", "{two}" and "{three}" are idle on "{node}"')
def three_workers_are_idle(context: Context, one: str, two: str, three: str, node: str) -> None:
    for worker_id in (one, two, three):
        arrange.worker_is_idle(context.stage, node, worker_id)


@given('node "{node}" is registered, and its hive loads worker "{worker_id}" on the cpu')
def a_worker_loads(context: Context, node: str, worker_id: str) -> None:
    registration.register(context.stage, node)
    arrange.worker_loads(context.stage, node, worker_id, backend="cpu", device=0)


@given('worker "{worker_id}" stops dead')
@when('worker "{worker_id}" stops dead')
def a_worker_stops_dead(context: Context, worker_id: str) -> None:
    endings.worker_stops_dead(context.stage, worker_id)


@when('the operator starts worker "{worker_id}" on "{node}"')
def the_operator_starts_a_worker(context: Context, worker_id: str, node: str) -> None:
    arrange.worker_is_idle(context.stage, node, worker_id)


@when("the operator ends the hive with SIGTERM")
def the_operator_ends_the_hive(context: Context) -> None:
    endings.hive_is_terminated(context.stage)


@when("{minutes:d} minutes pass")
def minutes_pass(context: Context, minutes: int) -> None:
    context.stage.let_pass(minutes * 60)


@when("{seconds:d} seconds pass")
def seconds_pass(context: Context, seconds: int) -> None:
    context.stage.let_pass(seconds)


@when("{minutes:d} minutes and {seconds:d} seconds pass")
def minutes_and_seconds_pass(context: Context, minutes: int, seconds: int) -> None:
    context.stage.let_pass(minutes * 60 + seconds)


@when('{seconds:d} seconds later the operator asks the hive of "{node}" for its workers')
def later_the_operator_asks_for_workers(context: Context, seconds: int, node: str) -> None:
    context.stage.let_pass(seconds)
    context.stage.ask("GET", arrange.hive_url(context.stage, node, "/v1/workers/list"))


@then('the hive that the operator started on "{node}" still runs, and is the only one')
def the_hive_still_runs(context: Context, node: str) -> None:
    lives.expect_hive(context.evidence, node)


@then('worker "{worker_id}" that it started on "{node}" still runs, is the only one, and is listed as {state}')
def the_worker_still_runs(context: Context, worker_id: str, node: str, state: str) -> None:
    lives.expect_worker(context.evidence, node, worker_id, state)


@then('its hive asked "{worker_id}" for its health every {every_s:d} s, {count:d} times, and got an answer each time')
def the_hive_asked_for_health(context: Context, worker_id: str, every_s: int, count: int) -> None:
    health_seen.expect_checked(context.evidence, worker_id, every_s, count)


@then('the hive of "{node}" asked "{worker_id}" for its health once, and lists the answer as its last activity')
def the_answer_is_the_last_activity(context: Context, node: str, worker_id: str) -> None:
    health_seen.expect_sign_of_life(context.evidence, node, worker_id)


@then('the hive of "{node}" lists "{worker_id}" as {health}')
def the_hive_lists_it_as(context: Context, node: str, worker_id: str, health: str) -> None:
    health_seen.expect_listed_as(context.evidence, node, worker_id, health)


@then(
    'the hive of "{node}" lists no worker: "{worker_id}" left {count:d} health checks in a row, '
    "{every_s:d} s apart, unanswered for {limit_s:d} s"
)
def a_silent_worker_was_removed(
    context: Context, node: str, worker_id: str, count: int, every_s: int, limit_s: int
) -> None:
    hive_list.expect_nothing_listed(context.evidence, node)
    health_seen.expect_removed(context.evidence, worker_id, count, every_s, limit_s)


@then('its hive asked "{worker_id}" to shut down when it had been idle for {minutes:d} minutes')
def the_idle_limit_was_kept(context: Context, worker_id: str, minutes: int) -> None:
    shutdown.expect_idle_limit(context.evidence, worker_id, minutes)


@then('"{worker_id}" was asked to shut down, and {after_s:d} s later its process ended with exit code {code:d}')
def a_worker_ended(context: Context, worker_id: str, after_s: int, code: int) -> None:
    shutdown.expect_ended(context.evidence, worker_id, code, after_s)


@then('"{worker_id}" unloaded its model {after_s:d} s after it was asked to shut down')
def a_worker_unloaded(context: Context, worker_id: str, after_s: int) -> None:
    shutdown.expect_unloaded(context.evidence, worker_id, after_s)


@then('the hive of "{node}" lists only "{new_id}", at the port and on the device that "{old_id}" had')
def the_hive_lists_only(context: Context, node: str, new_id: str, old_id: str) -> None:
    shutdown.expect_replaced(context.evidence, node, old_id, new_id)


@then('"{one}" and "{other}" called back, and the hive answered each with {status:d}')
def two_workers_called_back(context: Context, one: str, other: str, status: int) -> None:
    lives.expect_called_back(context.evidence, [one, other], status)


@then('the hive of "{node}" ended with exit code {code:d} when all of its workers had')
def the_hive_ended(context: Context, node: str, code: int) -> None:
    shutdown.expect_hive_ended(context.evidence, node, code)


@when("the user runs, up to the first token:")
def the_user_runs_up_to_the_first_token(context: Context) -> None:
    context.stage.start_until(context.text, {"event": arrange.TOKEN})


@when("the user's program goes on to its end")
def the_users_program_goes_on(context: Context) -> None:
    context.stage.flow({"exit": context.stage.evidence.run().pid}, since=0)


@then("{one} and {other} are children of {parent}, and {grandchild} is one of {other_parent}")
def they_are_children(context: Context, one: str, other: str, parent: str, grandchild: str, other_parent: str) -> None:
    lives.expect_children(context.evidence, parent, one, other)
    lives.expect_children(context.evidence, other_parent, grandchild)


@then(
    "on SIGTERM the hive asked its worker to shut down, which {after_s:d} s later had ended with exit code {code:d}, "
    'says "{log}"'
)
def sigterm_cascaded(context: Context, after_s: int, code: int, log: str) -> None:
    shutdown.expect_cascade(context.evidence, log, code, after_s)


@then("no queen, hive or worker is left")
def nobody_is_left(context: Context) -> None:
    lives.expect_nobody_left(context.evidence)
