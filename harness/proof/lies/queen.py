"""Lies of the queen."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from harness.proof.lies import Lie, answer, around, nothing, put

APP = "mocks.queen.app:application"
ADD, REMOVE, NODES = r"rbee-keeper setup add-node", r"rbee-keeper setup remove-node", r"rbee-keeper setup list-nodes"
INSTALL, INFER, STREAM = r"rbee-keeper setup install", r"rbee-keeper infer", r"llm-worker-rbee POST /v1/inference 200"
BUSY = r"llm-worker-rbee POST /v1/inference 503"
WORKERS = "/v2/workers"


def _node(**wrong: Any) -> Callable[[Any], object]:
    return lambda add: lambda self, node: add(self, replace(node, **wrong))


def _order(**wrong: Any) -> Callable[[Any], object]:
    """The queen asks a hive for another thing than she was asked for."""
    return lambda spawn: lambda http, hive, order, path: spawn(http, hive, replace(order, **wrong), path)


def _one_more(post: Any) -> object:
    def lying(session: Any, task: Any, worker: Any) -> object:
        task.order = replace(task.order, max_tokens=task.order.max_tokens + 1)
        return post(session, task, worker)

    return lying


def _hotter(post: Any) -> object:
    def lying(session: Any, task: Any, worker: Any) -> object:
        task.order = replace(task.order, temperature=task.order.temperature + 0.5)
        return post(session, task, worker)

    return lying


def _without(word: str) -> Callable[[Any], object]:
    """A command with this word is not run."""
    return lambda run: lambda node, command, **limit: None if word in command else run(node, command, **limit)


def _twice(tell: Any) -> object:
    def lying(self: Any, event: dict[str, Any]) -> None:
        tell(self, event)
        if event.get("type") == "token":
            tell(self, event)

    return lying


def _without_details(event: Any) -> object:
    return lambda self: {name: value for name, value in event(self).items() if name != "details"}


def _curious(hive: Any) -> object:
    """A node that is not registered is tried, over HTTP and SSH, before that is said."""

    def lying(self: Any, name: str) -> object:
        try:
            return hive(self, name)
        except Exception:
            http, ssh = (importlib.import_module(f"mocks.common.{module}") for module in ("http", "ssh"))
            host = f"{name}.home.arpa"
            with contextlib.suppress(Exception), http.session() as session:
                session.get(f"http://{host}:9200/v1/health", timeout=5)
            with contextlib.suppress(Exception):
                ssh.run(ssh.Login(host, 22, "rbee", None), "true", limit_s=5)
            raise

    return lying


def _late(post: Any) -> object:
    def lying(*what: Any) -> object:
        importlib.import_module("mocks.common.clock").sleep(60)
        return post(*what)

    return lying


def _otherwise_started(hive_of: Any) -> object:
    def lying(node: Any) -> object:
        hive = hive_of(node)
        return replace(hive, start_command=f"true; {hive.start_command}")

    return lying


def _every_other(lines: Any) -> object:
    def lying(*what: Any) -> Iterator[bytes]:
        return (line for index, line in enumerate(lines(*what)) if index % 2)

    return lying


LIES = [
    Lie("forgets the row", ADD, put("mocks.queen.registry:Registry.add", nothing)),
    Lie("writes another branch", ADD, around("mocks.queen.registry:Registry.add", _node(git_branch="master"))),
    Lie("writes another status", ADD, around("mocks.queen.registry:Registry.add", _node(status="unknown"))),
    Lie("writes a wrong time", ADD, around("mocks.queen.registry:Registry.add", _node(last_connected_unix=1))),
    Lie("saves what it could not reach", ADD, put("mocks.queen.node_routes:_test_login", nothing)),
    Lie("waits twice as long for a login", ADD, put("mocks.queen.node_routes:SSH_LIMIT_S", 20)),
    Lie("tests a login with another command", ADD, put("mocks.queen.node_routes:SSH_TEST", "true")),
    Lie("answers 500 to an addition", ADD, answer(APP, "/v2/registry/beehives/add", status=500)),
    Lie("does not remove", REMOVE, put("mocks.queen.registry:Registry.remove", lambda *_: True)),
    Lie(
        "forgets one node in the list",
        NODES,
        answer(APP, "/v2/registry/beehives/list", lambda told: {"nodes": told["nodes"][1:]}),
    ),
    Lie("checks nothing out", INSTALL, around("mocks.queen.install:_run", _without("checkout"))),
    Lie("builds no worker", INSTALL, around("mocks.queen.install:_run", _without("llm-worker-rbee"))),
    Lie("answers 500 for an unknown node", r"queen-rbee POST /v2/tasks 404", answer(APP, "/v2/tasks", status=500)),
    Lie("tries a hive once too little", r"error CONNECTION_TIMEOUT", put("mocks.queen.hives:DELAYS_S", (0.0, 0.2))),
    Lie(
        "waits too long before the third try",
        r"error CONNECTION_TIMEOUT",
        put("mocks.queen.hives:DELAYS_S", (0.0, 0.2, 0.6)),
    ),
    Lie("gives a try half its time", r"error CONNECTION_TIMEOUT", put("mocks.queen.hives:ATTEMPT_LIMIT_S", 5)),
    Lie("hides the details of errors", r"error [A-Z]", around("mocks.common.errors:RbeeError.event", _without_details)),
    Lie("does not compare versions", r"error VERSION_MISMATCH", put("mocks.queen.flow:_preflight", nothing)),
    Lie("shows no key", r"rbee-hive GET /v1/health 401", put("mocks.queen.task_routes:asker_key", lambda: None)),
    Lie(
        "notes no connection",
        INFER,
        put("mocks.queen.registry:Registry.mark_reachable", nothing),
        about="last connected",
    ),
    Lie(
        "relays nothing of a hive's narration",
        STREAM,
        put("mocks.queen.task:Task.overhear", nothing),
        about="checked|looked for device",
    ),
    Lie(
        "never uses a worker that is there",
        STREAM,
        put("mocks.queen.worker:find", nothing),
        about="straight to inference",
    ),
    Lie(
        "has nothing downloaded",
        r"rbee-hive POST /v1/models/download",
        put("mocks.queen.models:provide", lambda *_: "/models/tinyllama-q4.gguf"),
        about="catalogue",
    ),
    Lie(
        "asks for the first device",
        r"rbee-hive POST /v1/workers/spawn",
        around("mocks.queen.worker:spawn", _order(device=0)),
        about="device",
    ),
    Lie("asks for one token more", STREAM, around("mocks.queen.inference:_post", _one_more), about="tokens"),
    Lie("passes each token on twice", STREAM, around("mocks.queen.task:Task.tell", _twice), about="tokens"),
    Lie("sends no end mark", STREAM, put("mocks.common.events:DONE", b""), about="the exit code is"),
    Lie("asks a busy worker once too little", BUSY, put("mocks.queen.inference:BUSY_DELAYS_S", (1, 2))),
    Lie("asks a busy worker once too often", BUSY, put("mocks.queen.inference:BUSY_DELAYS_S", (1, 2, 4, 8))),
    Lie("asks a busy worker too soon", BUSY, put("mocks.queen.inference:BUSY_DELAYS_S", (1, 1, 4))),
    Lie(
        "gives a loading worker up too soon", r"error LOADING_TIMEOUT", put("mocks.queen.loading:LOADING_LIMIT_S", 200)
    ),
    Lie("does not pass a cancel on", r"llm-worker-rbee DELETE", put("mocks.queen.inference:_cancel", nothing)),
    Lie(
        "lists no worker",
        r"rbee-keeper workers list",
        answer(APP, f"{WORKERS}/list", lambda told: told | {"workers": []}),
    ),
    Lie(
        "says that no worker is ready",
        r"rbee-keeper workers health",
        answer(
            APP,
            f"{WORKERS}/health",
            lambda told: told | {"workers": [one | {"ready": False} for one in told["workers"]]},
        ),
    ),
    Lie("tells no worker to shut down", r"rbee-keeper workers shutdown", put("mocks.queen.workers:shut_down", nothing)),
    Lie("leaves out every other line of a log", r"rbee-keeper logs", around("mocks.queen.logs:_lines", _every_other)),
    Lie(
        "tries a node that it does not know",
        r"queen-rbee POST /v2/tasks 404",
        around("mocks.queen.state:Queen.hive", _curious),
    ),
    Lie(
        "waits a minute before it asks a worker",
        STREAM,
        around("mocks.queen.inference:_post", _late),
        about="first token",
    ),
    Lie(
        "starts a hive by another command",
        INFER,
        around("mocks.queen.hives:hive_of", _otherwise_started),
        about="started the hive there by",
    ),
    Lie("answers 201 to an addition", ADD, answer(APP, "/v2/registry/beehives/add", status=201), is_new=True),
    Lie(
        "asks for another temperature",
        STREAM,
        around("mocks.queen.inference:_post", _hotter),
        about="was asked once",
        is_new=True,
    ),
]
