"""Lies of the worker."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from harness.proof.lies import Lie, answer, around, nothing, put

INFERENCE = r"llm-worker-rbee POST /v1/inference 200"
BUSY = r"llm-worker-rbee POST /v1/inference 503"
LOADING = r"llm-worker-rbee GET /v1/loading/progress"
READY = r"rbee-hive POST /v1/workers/ready"
SHUTDOWN = r"llm-worker-rbee POST /v1/admin/shutdown"
CANCEL = r"llm-worker-rbee DELETE"
APP = "mocks.worker.app:application"
Events = Iterator[dict[str, Any]]


def _tokens(change: Callable[[Events], Events]) -> Callable[[Any], object]:
    """The worker's tokens, as `change` lets them pass."""
    return lambda original: lambda self, prompt: change(original(self, prompt))


def _dropped(events: Events) -> Events:
    return (event for event in events if event.get("i") != 4)


def _doubled(events: Events) -> Events:
    for event in events:
        yield event
        if event.get("i") == 4:
            yield event


def _swapped(events: Events) -> Events:
    held = None
    for event in events:
        if event.get("i") == 4:
            held = event
            continue
        yield event
        if event.get("i") == 5 and held:
            yield held


def _miscounted(original: Any) -> object:
    def events(self: Any) -> Events:
        for event in original(self):
            yield event | {"tokens_out": event["tokens_out"] + 1} if event["type"] == "end" else event

    return events


def _loud(events: Events) -> Events:
    return (event | {"t": event["t"].upper()} if "t" in event else event for event in events)


def _slower(original: Any) -> object:
    def events(self: Any) -> Events:
        for event in original(self):
            yield event | {"decode_time_ms": event["decode_time_ms"] + 1} if event["type"] == "end" else event

    return events


def _facts(**wrong: Any) -> Callable[[Any], object]:
    return lambda original: lambda self, **facts: original(self, **facts | wrong)


def _quiet(state: str) -> Callable[[Any], object]:
    """The hive does not hear of this state."""
    return lambda original: lambda self, told, **facts: None if told == state else original(self, told, **facts)


def _loads_first(_: Any) -> object:
    def start(self: Any) -> None:
        self._load()
        self._report()

    return start


def _betrayed(original: Any) -> object:
    def report(self: Any) -> None:
        print(f"[llm-worker-rbee] my key is {self.settings.api_key}", flush=True)
        original(self)

    return report


def _other_status(original: Any) -> object:
    def take(self: Any, job: Any) -> object:
        try:
            return original(self, job)
        except Exception as error:
            error.status = 429  # type: ignore[attr-defined]
            raise

    return take


def _other_type(original: Any) -> object:
    def stream(pieces: Any) -> Any:
        response = original(pieces)
        response.content_type = "text/plain"
        return response

    return stream


LIES = [
    Lie(
        "drops the fifth token",
        INFERENCE,
        around("mocks.worker.generation:Generation._text", _tokens(_dropped)),
        about="tokens|stream",
    ),
    Lie(
        "sends the fifth token twice",
        INFERENCE,
        around("mocks.worker.generation:Generation._text", _tokens(_doubled)),
        about="tokens|stream",
    ),
    Lie(
        "sends two tokens in the wrong order",
        INFERENCE,
        around("mocks.worker.generation:Generation._text", _tokens(_swapped)),
        about="tokens|stream",
    ),
    Lie(
        "counts a token too many",
        INFERENCE,
        around("mocks.worker.generation:Generation.events", _miscounted),
        about="end record|stderr",
    ),
    Lie("sends no end mark", f"{INFERENCE}|{LOADING}", put("mocks.common.events:DONE", b""), about="end mark"),
    Lie(
        "takes half as long again for a token",
        INFERENCE,
        put("mocks.worker.generation:TOKEN_S", 0.15),
        about="tokens|ms",
    ),
    Lie(
        "streams as text/plain",
        f"{INFERENCE}|{LOADING}",
        around("mocks.worker.app:_event_stream", _other_type),
        about="content type",
    ),
    Lie(
        "does not say that it is busy",
        INFERENCE,
        around("mocks.worker.hive:Hive.tell_state", _quiet("busy")),
        about="busy",
    ),
    Lie("answers 429 when it is busy", BUSY, around("mocks.worker.worker:Worker.take", _other_status)),
    Lie("goes on when canceled", CANCEL, put("mocks.worker.worker:Worker.cancel", nothing)),
    Lie(
        "makes no ready callback",
        READY,
        put("mocks.worker.worker:Worker._report", nothing),
        about="called back|callback|showed its hive",
    ),
    Lie(
        "calls back with another model",
        READY,
        around("mocks.worker.hive:Hive.tell_listening", _facts(model_ref="hf:a/b")),
        about="called back|showed its hive",
    ),
    Lie(
        "calls back with no memory used",
        READY,
        around("mocks.worker.hive:Hive.tell_listening", _facts(vram_bytes=0)),
        about="called back|showed its hive|listed",
    ),
    Lie(
        "loads before it calls back",
        READY,
        around("mocks.worker.worker:Worker._start", _loads_first),
        about="began to load|called back",
    ),
    Lie("prints its key", READY, around("mocks.worker.worker:Worker._report", _betrayed), about="API key"),
    Lie("tells of every eighth layer only", LOADING, put("mocks.worker.loading:STEP_LAYERS", 8), about="layer|loading"),
    Lie(
        "says another state when asked whether it is ready",
        "/v1/ready",
        answer(APP, "/v1/ready", lambda told: told | {"state": "odd"}),
        about="ready",
    ),
    Lie(
        "reads one word too many in a model",
        READY,
        around(
            "mocks.worker.model:read",
            lambda read: lambda file: (lambda model: replace(model, vocab_size=model.vocab_size + 1))(read(file)),
        ),
        about="reported and answered",
    ),
    Lie("does not shut down", SHUTDOWN, put("mocks.worker.worker:Worker.shut_down", nothing)),
    Lie("unloads two seconds late", SHUTDOWN, put("mocks.worker.worker:UNLOAD_AFTER_S", 3)),
    Lie("ends with exit code 3", SHUTDOWN, put("mocks.worker.worker:_end_process", lambda: os._exit(3))),
    Lie(
        "sends its tokens in capital letters",
        INFERENCE,
        around("mocks.worker.generation:Generation._text", _tokens(_loud)),
        about="tokens|stdout",
        is_new=True,
    ),
    Lie(
        "counts a millisecond too many",
        INFERENCE,
        around("mocks.worker.generation:Generation.events", _slower),
        about="end record",
        is_new=True,
    ),
]
