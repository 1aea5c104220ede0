"""Lies of the keeper."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable
from typing import Any

from harness.proof.lies import Lie, around, nothing, put

INFER, STREAM = r"rbee-keeper infer", r"llm-worker-rbee POST /v1/inference 200"
ADD, NODES = r"rbee-keeper setup add-node", r"rbee-keeper setup list-nodes"
SETUP, INSTALL = r"rbee-keeper setup", r"rbee-keeper install"
FAILING = r"error [A-Z]|queen-rbee POST /v2/tasks 404"


def _code(wrong: int) -> Callable[[Any], object]:
    def wrap(run: Any) -> object:
        def lying(*arguments: Any) -> int:
            run(*arguments)
            return wrong

        return lying

    return wrap


def _swallowed(run: Any) -> object:
    def lying(*arguments: Any) -> int:
        with contextlib.suppress(Exception):
            run(*arguments)
        return 0

    return lying


def _body(**wrong: Any) -> Callable[[Any], object]:
    return lambda change: lambda action, body: change(action, body | wrong)


def _again(change: Any) -> object:
    def lying(action: str, body: Any) -> None:
        change(action, body)
        change(action, body)

    return lying


def _no_seventh(token: Any) -> object:
    def lying(self: Any, text: str) -> None:
        self.seen = getattr(self, "seen", 0) + 1
        if self.seen != 7:
            token(self, text)

    return lying


LIES = [
    Lie("ends with 0 on an error", FAILING, around("mocks.keeper.infer:_infer", _code(0))),
    Lie("ends with 3 on success", STREAM, around("mocks.keeper.infer:_infer", _code(3)), about="the exit code is"),
    Lie("ends with 3 after a setup", SETUP, around("mocks.keeper.setup:run", _code(3))),
    Lie("says nothing of a setup that failed", ADD, around("mocks.keeper.setup:run", _swallowed)),
    Lie(
        "shows tokens only at the end",
        STREAM,
        around("mocks.keeper.infer:Task.follow", lambda follow: lambda self, stream: follow(self, list(stream))),
        about="in the moment in which",
    ),
    Lie(
        "leaves out the seventh token", STREAM, around("mocks.keeper.screen:Screen.token", _no_seventh), about="tokens"
    ),
    Lie(
        "leaves the figures out of its messages",
        FAILING,
        around("mocks.keeper.messages:words", lambda words: lambda *what: re.sub(r"\d+", "some", words(*what))),
    ),
    Lie(
        "prints its narration to stdout",
        INFER,
        put("mocks.keeper.screen:Screen.say", lambda _, text, *__: print(text, file=sys.stdout, flush=True)),
        about="stderr",
    ),
    Lie("shows no narration", INFER, put("mocks.keeper.screen:Screen.narrate", nothing), about="stderr"),
    Lie("shows no progress", INFER, put("mocks.keeper.screen:Screen.progress", nothing), about="stderr"),
    Lie("shows no key", r"rbee-hive GET /v1/health 401", put("mocks.keeper.config:api_key", lambda: None)),
    Lie("says another version", r"error VERSION_MISMATCH", put("mocks.common.machine:version", lambda: "0.0.9")),
    Lie(
        "saves no partial result",
        r"error WORKER_CRASHED",
        put("mocks.keeper.infer:_save", lambda _: "Partial result saved to: /tmp/none"),
    ),
    Lie("does not cancel", r"llm-worker-rbee DELETE", put("mocks.keeper.infer:Task.cancel", nothing)),
    Lie("ends with 1 when interrupted", r"llm-worker-rbee DELETE", put("mocks.common.cli:INTERRUPTED", 1)),
    Lie("sends another port", ADD, around("mocks.keeper.setup:_change", _body(ssh_port=2222))),
    Lie("sends another user", ADD, around("mocks.keeper.setup:_change", _body(ssh_user="root"))),
    Lie("adds a node twice", ADD, around("mocks.keeper.setup:_change", _again)),
    Lie(
        "prints times that are an hour off",
        NODES,
        around(
            "mocks.keeper.setup:_print_node",
            lambda show: lambda node: show(node | {"last_connected_unix": node["last_connected_unix"] + 3600}),
        ),
    ),
    Lie(
        "prints the nodes in the wrong order",
        NODES,
        around("mocks.keeper.queen:rows", lambda rows: lambda *what: rows(*what)[::-1]),
    ),
    Lie("installs no worker", INSTALL, put("mocks.keeper.install:INSTALLED", ("rbee-keeper", "rbee-hive"))),
    Lie("installs programs that cannot run", INSTALL, put("mocks.keeper.install:MODE", 0o644)),
    Lie(
        "configures another directory",
        INSTALL,
        around("mocks.keeper.install:_write_config", lambda write: lambda path, data: write(path, data / "other")),
    ),
    Lie(
        "says nothing of an installation that failed",
        rf"{INSTALL}.* --system",
        around("mocks.keeper.install:run", _swallowed),
    ),
    Lie(
        "leaves its queen and hive alive",
        r"rbee-keeper infer.* --ephemeral",
        put("mocks.keeper.ephemeral:_end", nothing),
    ),
    Lie("prints nothing of a log", r"rbee-keeper logs", put("mocks.keeper.logs:run", lambda _: 0)),
    Lie("prints no worker", r"rbee-keeper workers list", put("mocks.keeper.workers:_print_worker", nothing)),
    Lie(
        "ends with 3 after a question about workers",
        r"rbee-keeper workers",
        around("mocks.keeper.workers:run", _code(3)),
    ),
    Lie(
        "has its queen and hive started by a shell",
        r"rbee-keeper infer.* --ephemeral",
        around(
            "mocks.keeper.ephemeral:launch",
            lambda launch: lambda argv, **how: launch(["/bin/sh", "-c", '"$0" "$@"; exit $?', *argv], **how),
        ),
    ),
    Lie("ends with 2 on an error", FAILING, around("mocks.keeper.infer:_infer", _code(2)), is_new=True),
    Lie(
        "prints its tokens in capital letters",
        STREAM,
        around("mocks.keeper.screen:Screen.token", lambda token: lambda self, text: token(self, text.upper())),
        about="tokens|stdout",
        is_new=True,
    ),
    Lie(
        "asks for one token less",
        STREAM,
        around(
            "mocks.keeper.infer:_order",
            lambda order: lambda what: order(what) | {"max_tokens": order(what)["max_tokens"] - 1},
        ),
        about="tokens",
        is_new=True,
    ),
]
