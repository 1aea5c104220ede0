"""Lies: named departures of a stand-in from its contract, to see which sentence catches them.

A lie stands beside the stand-ins, never in them: it is a patch that is put on a program's modules before its main
function begins. What it patches it names by `module:name`, so that this package imports nothing of the stand-ins."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Patch = Callable[[], None]
PROGRAMS = {"keeper": "rbee-keeper", "queen": "queen-rbee", "hive": "rbee-hive", "worker": "llm-worker-rbee"}


@dataclass(frozen=True)
class Lie:
    """What a program does wrong. name: in words, after the program's. meets: a pattern for what a scenario uses
    (`harness.proof.used`) that can meet the lie. about: a pattern for what its Then steps say, where many scenarios
    meet the lie and few are about such things. is_new: it was written after the rules by which stories name who did
    what wrong (`scripts/blame` reports these apart)."""

    name: str
    meets: str
    patch: Patch
    about: str = ""
    is_new: bool = False


def put(where: str, value: object) -> Patch:
    """Put `value` in the place of `module:name`. The patch raises AttributeError when there is no such thing."""
    return around(where, lambda _: value)


def around(where: str, wrap: Callable[[Any], object]) -> Patch:
    """Put what `wrap` makes of it in the place of `module:name` or `module:Class.name`."""

    def patch() -> None:
        module, _, names = where.partition(":")
        *owners, name = names.split(".")
        owner: Any = importlib.import_module(module)
        for each in owners:
            owner = getattr(owner, each)
        setattr(owner, name, wrap(getattr(owner, name)))

    return patch


def answer(application: str, path: str, change: Callable[[Any], object] = lambda told: told, status: int = 0) -> Patch:
    """Change what a service answers at `path`: its JSON by `change`, its status when one is given. application: the
    `module:name` of what makes the Flask application."""

    def wrap(make: Callable[..., Any]) -> Callable[..., Any]:
        def lying(*arguments: Any) -> Any:
            app = make(*arguments)
            flask = importlib.import_module("flask")

            @app.after_request  # type: ignore[untyped-decorator]
            def lie(response: Any) -> Any:
                if flask.request.path == path and response.is_json:
                    response.set_data(flask.json.dumps(change(response.get_json())))
                    response.status_code = status or response.status_code
                return response

            return app

        return lying

    return around(application, wrap)


def nothing(*_: object, **__: object) -> None:
    """In the place of what is not done."""


def lies(program: str) -> list[Lie]:
    """The lies of `keeper`, `queen`, `hive` or `worker`."""
    found: list[Lie] = importlib.import_module(f"{__name__}.{program}").LIES
    return found


def tell(program: str, name: str) -> None:
    """Let the program that is about to begin in this process lie so. Raises LookupError for a lie that there is not."""
    for lie in lies(program):
        if lie.name == name:
            lie.patch()
            return
    raise LookupError(f"there is no lie {name!r} of the {program}")


def source(program: str, name: str) -> str:
    """A program file that lies: what stands in bin/ for the true one."""
    main = f"from mocks.{program}.cli import main"
    lines = [
        f"#!{sys.executable}",
        "from harness.proof.lies import tell",
        f"tell({program!r}, {name!r})",
        main,
        "main()",
    ]
    return "\n".join(lines) + "\n"
