"""What a warm parent does before it forks anything: what every stand-in does, without effect. It reads command lines
and a key, and asks and answers a few requests.

Python learns while it runs: libraries fill their caches at a first call, and bytecode is specialised by the eighth. A
fork that finds this done need not do it again, on pages of memory that it would first have to copy."""

from __future__ import annotations

import importlib
import socket
import threading
from collections.abc import Iterator

import asyncssh
import flask

from mocks.common import errors, events, fields, http, log, serve

TIMES = 4  # twelve requests: more than it takes for a function's bytecode to be specialised


COMMAND_LINES = {
    "mocks.keeper.cli": "infer --node n --model m --prompt p --max-tokens 20 --temperature 0.7 --backend c --device 0",
    "mocks.queen.cli": "--port 8080 --database d",
    "mocks.hive.cli": "daemon --port 9200",
}


def rehearse() -> None:
    """Do all of it. No thread and no connection is left afterwards."""
    for module, words in COMMAND_LINES.items():
        importlib.import_module(module).PARSER.parse_args(words.split())
    key = asyncssh.generate_private_key("ssh-ed25519")
    asyncssh.import_private_key(key.export_private_key())
    _ask_and_answer()


def _ask_and_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        server = serve.Server(listener, _application())
        accepting = threading.Thread(target=server.accept)
        accepting.start()
        try:
            for _ in range(TIMES):
                _ask(f"http://127.0.0.1:{port}")
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for thread in threading.enumerate():
                if thread is not threading.current_thread():
                    thread.join()


def _application() -> flask.Flask:
    app = serve.application("rehearsal")

    @app.post("/answer")
    def answer() -> dict[str, object]:
        return fields.body(flask.request, fields.Field("words"))

    @app.get("/failure")
    def failure() -> dict[str, object]:
        raise errors.RbeeError("INVALID_REQUEST", "Rehearsal", status=404)

    @app.get("/stream")
    def stream() -> flask.Response:
        return flask.Response(_events(), content_type="text/event-stream")

    return app


def _events() -> Iterator[bytes]:
    yield from (events.encode(events.narration("rehearsal", str(number))) for number in range(TIMES))
    yield events.DONE


def _ask(url: str) -> None:
    log.line("INFO", "rehearsal", url)
    with http.session() as session:
        session.post(f"{url}/answer", json={"words": "rehearsal"}, timeout=5).json()
        errors.RbeeError.from_envelope(session.get(f"{url}/failure", timeout=5).json(), 404)
        with session.get(f"{url}/stream", stream=True, timeout=5) as answer:
            list(events.read(answer))
