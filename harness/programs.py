"""Which of the four programs are the user's own: named one by one (`-D queen=PATH`), or found in a directory
(`-D bin=DIRECTORY`)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from harness.runner.options import WrongUse

PROGRAMS = {"keeper": "rbee-keeper", "queen": "queen-rbee", "hive": "rbee-hive", "worker": "llm-worker-rbee"}
"""The programs by the options that name one of the user's own."""
OTHER_NAMES = {"rbee-keeper": "rbee"}
"""What rbee itself calls a program (docs/contract.md, section 1)."""


def own(userdata: Mapping[str, str]) -> dict[str, Path]:
    """The user's own programs by their options; who is named goes before who is found. Raises WrongUse for one that
    cannot be run, and for a directory without any."""
    directory = userdata.get("bin")
    found = _below(directory) if directory else {}
    return found | {option: _program(option, userdata[option]) for option in PROGRAMS if userdata.get(option)}


def _below(directory: str) -> dict[str, Path]:
    place = Path(directory).expanduser().absolute()
    names = {option: [name, *([OTHER_NAMES[name]] if name in OTHER_NAMES else [])] for option, name in PROGRAMS.items()}
    found = {
        option: next((place / name for name in several if _can_be_run(place / name)), None)
        for option, several in names.items()
    }
    programs = {option: path for option, path in found.items() if path is not None}
    if not programs:
        wanted = ", ".join(" or ".join(several) for several in names.values())
        raise WrongUse(f"-D bin={directory}: no program of rbee's is there; looked for: {wanted}")
    return programs


def _program(option: str, value: str) -> Path:
    path = Path(value).expanduser().absolute()
    if not path.is_file():
        raise WrongUse(f"-D {option}={value}: there is no such file")
    if not _can_be_run(path):
        raise WrongUse(f"-D {option}={value}: not executable (chmod +x {value})")
    return path


def _can_be_run(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)
