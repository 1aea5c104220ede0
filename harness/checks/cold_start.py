"""What Then steps want to see of an inference that finds nothing running on its node: the hive is started over SSH, the
worker is awaited. Every function raises AssertionError with what was seen."""

from __future__ import annotations

from harness import expect, fixtures
from harness.checks import flow
from harness.evidence import Event, Evidence

HIVE, PROGRESS = "rbee-hive", "/v1/loading/progress"


def expect_hive_started(evidence: Evidence, node: str, user: str, command: str) -> None:
    """For the user's task the queen connected to the SSH address in the row of `node`, logged in once, with the user
    and the key in that row, and ran `command`, of which the hive that lives there is a child. Both are also those of
    TEST-001: this user, and the key in the home of the user at the control node."""
    row = evidence.registry_row(node)
    expect.equal("the user in the row", row["ssh_user"], user)
    expect.equal("the key in the row", evidence.normal(row["ssh_key_path"]), fixtures.SSH_KEY)
    connected = [(one.host, one.port) for one in flow.asked_by_queen(evidence) if one.method == "CONNECT"]
    expect.equal("where the queen connected to", connected, [(row["ssh_host"], row["ssh_port"])])
    logins = [(one["user"], one["key"], one["granted"]) for one in _during_task(evidence, "login", node)]
    expect.equal(f"the logins to {node}", logins, [(user, evidence.key_fingerprint(), True)])
    commands = _during_task(evidence, "command", node)
    expect.equal(f"the commands on {node}", [one["command"] for one in commands], [command])
    expect.equal("the parent of the hive", evidence.process(HIVE, node).parent, commands[0]["pid"])


def expect_connected(evidence: Evidence, node: str) -> None:
    """The last connection in the row of `node` lies between the beginning and the end of the user's task."""
    task = flow.task(evidence)
    assert task.ended_at_us is not None, f"it has not ended: {task}"
    first_s, last_s = evidence.unix_s(task.asked_at_us), evidence.unix_s(task.ended_at_us)
    seen_s = evidence.registry_row(node)["last_connected_unix"]
    assert seen_s is not None, f"{node} has never been connected"
    assert first_s <= seen_s <= last_s, f"last connected at {seen_s}; the task ran from {first_s} to {last_s}"


def expect_awaited(evidence: Evidence, node: str) -> None:
    """The worker on `node`, asked whether it is ready, first said that it is loading and where its progress is told;
    the queen followed that to its end; asked again, the worker said that it is ready."""
    asked = [one for one in flow.asked_by_queen(evidence) if (one.role, one.node) == ("worker", node)]
    answered = [one for one in asked if one.path in ("/v1/ready", PROGRESS) and one.status == 200]
    seen = "\n  ".join(map(str, asked)) or "nothing"
    paths = [one.path for one in answered]
    assert paths == ["/v1/ready", PROGRESS, "/v1/ready"], f"the queen asked the worker on {node}\n  {seen}"
    loading, progress, ready = answered
    loading_answer = {"ready": False, "state": "loading", "progress_url": progress.url}
    expect.equal("the worker's first answer", loading.answer, loading_answer)
    # Whoever has the end mark may hang up before the connection itself has ended.
    assert progress.end_mark, f"its progress has no end mark; it ends with {progress.events[-2:]}"
    expect.equal("its last answer", ready.answer, {"ready": True, "state": "idle", "model_loaded": True})


def _during_task(evidence: Evidence, kind: str, node: str) -> list[Event]:
    """The events of this kind on `node` since the user's task was asked for."""
    began = evidence.of_kind("asked", exchange=flow.task(evidence).number)[0]
    since = evidence.events[evidence.events.index(began) :]
    return [event for event in since if event["event"] == kind and event["node"] == node]
