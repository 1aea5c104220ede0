"""What to say of a step that nobody has defined: the definitions that are nearest, and how one is begun."""

from __future__ import annotations

import difflib
import os
import re
from typing import Any

from behave.model import Step

NEAREST = 3
NEAR = 0.6  # of difflib's likeness: a word that is another one, or is missing


def reason(step: Step, registry: Any) -> str:
    """The reason of a verdict; `registry` is behave's, with all definitions."""
    matchers = [matcher for kind in (step.step_type, "step") for matcher in registry.steps.get(kind, [])]
    by_pattern = {matcher.pattern: matcher for matcher in matchers}
    near = difflib.get_close_matches(step.name, by_pattern, n=NEAREST, cutoff=NEAR)
    lines = [f"no step definition for: {step.keyword} {step.name}"]
    lines += [f"near it: {step.keyword} {pattern}  ({_place(by_pattern[pattern])})" for pattern in near]
    return "\n".join([*lines, "a new one begins so:", *(f"    {line}" for line in snippet(step))])


def snippet(step: Step) -> list[str]:
    """The first lines of a definition: what it is given stands for what may be another time."""
    pattern = re.sub(r'"[^"]*"', '"{name}"', step.name)
    name = re.sub(r"\W+", "_", re.sub(r'"[^"]*"', "", step.name)).strip("_").lower()
    parameters = ", name: str" if '"{name}"' in pattern else ""
    return [f"@{step.step_type}({pattern!r})", f"def {name}(context: Context{parameters}) -> None:"]


def _place(matcher: Any) -> str:
    return f"{os.path.relpath(matcher.location.filename)}:{matcher.location.line}"
