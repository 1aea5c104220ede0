"""`rbee-keeper infer`: an inference on a node, shown as it comes (docs/contract.md, section 9 rows 1, 2 and 7)."""

from __future__ import annotations

import argparse
import contextlib
import re
import signal
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import requests

from mocks.common import cli, http, machine
from mocks.common.errors import RbeeError
from mocks.keeper import colour, config, ephemeral, messages, queen
from mocks.keeper.screen import Screen

CANCEL_LIMIT_S = 5
ID_LENGTH = 8
"""So many characters of a task's id name the file of its partial result."""


def run(arguments: argparse.Namespace) -> int:
    """Run the inference, with queen and hive of its own if that is asked for. Returns the exit code.

    Raises RbeeError when these cannot be started, BrokenPipeError when nobody reads the tokens any more.
    """
    with Screen() as screen, ephemeral.stack(screen) if arguments.ephemeral else contextlib.nullcontext():
        return _infer(arguments, screen)


class Task:
    """The task that the queen carries out, and what has come of it so far."""

    def __init__(self, screen: Screen) -> None:
        self.id = ""
        self.tokens: list[str] = []
        self._screen = screen

    def follow(self, stream: Iterable[Mapping[str, Any]]) -> None:
        """Show what the queen's stream tells, as it comes."""
        for event in stream:
            match event:
                case {"t": str(text)}:
                    self.tokens.append(text)
                    self._screen.token(text)
                case {"type": "accepted", "task_id": str(task_id)}:
                    self.id = task_id
                case {"type": "narration", "actor": actor, "human": human}:
                    self._screen.narrate(actor, human)
                case {"type": "progress"}:
                    self._screen.progress(event)

    def cancel(self) -> None:
        """Ask the queen to give the task up; whether she answers within 5 s or not."""
        if self.id:
            with http.session(api_key=config.api_key()) as session, contextlib.suppress(requests.RequestException):
                session.delete(f"{queen.URL}/v2/tasks/{self.id}", timeout=CANCEL_LIMIT_S)


def _infer(arguments: argparse.Namespace, screen: Screen) -> int:
    _announce(arguments, screen)
    task = Task(screen)
    _cancel_on_interrupt(task)
    try:
        _submit(arguments, task)
    except KeyboardInterrupt:
        screen.say("Canceled.")
        return cli.INTERRUPTED
    except RbeeError as failure:
        screen.say(messages.words(failure, arguments.node))
        if task.tokens:
            screen.say(f"\n{_save(task)}\nTokens generated: {len(task.tokens)} / {arguments.max_tokens}")
        return 1
    return 0


def _announce(arguments: argparse.Namespace, screen: Screen) -> None:
    screen.say("=== Inference via queen-rbee Orchestration ===", colour.HEADING)
    screen.say(f"Node: {colour.paint(arguments.node, colour.CYAN, sys.stderr)}")
    screen.say(f"Model: {colour.paint(arguments.model, colour.CYAN, sys.stderr)}")
    screen.say(f"Prompt: {arguments.prompt}\n")
    screen.say("[queen-rbee] Submitting inference task...", colour.YELLOW)


def _submit(arguments: argparse.Namespace, task: Task) -> None:
    with queen.asked(
        "POST",
        "/v2/tasks",
        failing="Failed to submit inference task",
        limit_s=queen.SILENCE_LIMIT_S,
        json=_order(arguments),
        headers={"X-Rbee-Version": machine.version()},
        stream=True,
    ) as response:
        if not response.ok:
            raise queen.refusal(response, "Inference request failed")
        task.follow(queen.stream(response))


def _order(arguments: argparse.Namespace) -> dict[str, Any]:
    """The body of the task: what was left out on the command line is left out here."""
    optional = {"backend": arguments.backend, "device": arguments.device}
    return {
        **{name: value for name, value in optional.items() if value is not None},
        "max_tokens": arguments.max_tokens,
        "model": arguments.model,
        "node": arguments.node,
        "prompt": arguments.prompt,
        "temperature": arguments.temperature,
    }


def _cancel_on_interrupt(task: Task) -> None:
    """From now on Ctrl-C cancels the task before it interrupts; a second one interrupts at once."""

    def interrupt(*_: object) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        # Here and not after the interrupt, which closes the stream: the queen is to hear of it from us, not to guess.
        task.cancel()
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)


def _save(task: Task) -> str:
    """Keep the text that came, and say where."""
    name = re.sub(r"[^0-9A-Za-z-]", "", task.id)[:ID_LENGTH] or "unknown"
    path = Path(tempfile.gettempdir(), f"rbee-partial-{name}.txt")
    try:
        # Never into a file that is there already, in a directory that others may write to.
        with path.open("x", encoding="utf-8", newline="") as partial:
            partial.write("".join(task.tokens))
    except OSError as failure:
        return f"Partial result could not be saved to {path}: {cli.os_text(failure)}"
    return f"Partial result saved to: {path}"
