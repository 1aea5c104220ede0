"""A small daemon for the tests of the server: run it with a port, it says on stdout what happens to it."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from typing import NoReturn

import flask

from mocks.common import serve
from mocks.common.errors import RbeeError

# Without a buffer, whose lock a thread that reads would hold while the program ends.
STDIN = io.FileIO(0)

app = serve.application("served")


def say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


@app.get("/health")
def health() -> dict[str, str]:
    return {"status": "ok", "name": "ü"}


@app.post("/v1/echo")
def echo() -> flask.Response:
    return flask.Response(flask.request.get_data(), content_type="text/plain")


@app.post("/unread")
def unread() -> dict[str, bool]:
    return {"read": False}


@app.get("/busy")
def busy() -> NoReturn:
    raise RbeeError("ALL_SLOTS_BUSY", "Worker is busy", status=503, slots_total=1)


@app.get("/defect")
def defect() -> NoReturn:
    raise ValueError("a defect")


@app.delete("/gone")
def gone() -> tuple[str, int]:
    return "", 204


@app.get("/pieces")
def pieces() -> flask.Response:
    """Yields what stands on stdin, line by line."""

    def lines() -> Iterator[bytes]:
        try:
            for line in STDIN:
                if line == b"break\n":
                    raise ValueError("broken off")
                yield line
        except GeneratorExit:
            say("closed")
            raise

    return flask.Response(lines(), content_type="text/event-stream")


@app.get("/waiting")
def waiting() -> flask.Response:
    """Waits for stdin, and says when its asker has hung up meanwhile."""
    asker = flask.request.environ["werkzeug.socket"]
    with serve.watched(asker, lambda: say("hung up")):
        say("waiting")
        STDIN.readline()
    return flask.Response("done")


@app.post("/stop")
def stop() -> dict[str, bool]:
    serve.shut_down()
    return {"stopping": True}


if __name__ == "__main__":
    sys.exit(serve.serve(app, int(sys.argv[1]), ready=lambda: say("ready"), stop=lambda: say("stopping")))
