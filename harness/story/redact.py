"""Secrets do not belong into what is shown or sent around: keys and tokens are written as `•••`."""

from __future__ import annotations

import re

HIDDEN = "•••"
_NAMES = r"(?:api[_-]?key|token|secret|password|authorization)"
_PATTERNS = (
    re.compile(r"(\bBearer\s+)[^\s\"',;]+", re.I),
    re.compile(rf"(--{_NAMES}[ =])[^\s\"']+", re.I),
    re.compile(rf"(\"{_NAMES}\"\s*:\s*\")[^\"]*", re.I),
    re.compile(rf"('{_NAMES}'\s*:\s*')[^']*", re.I),
    re.compile(rf"(\b{_NAMES}\s*[=:]\s*)(?!\s*[\"'])(?!Bearer\b)[^\s\"',;}}]+", re.I),
    re.compile(r"(\b(?:hf|sk|ghp|gho)_)[A-Za-z0-9]{8,}"),
    re.compile(r"(-----BEGIN [A-Z ]*PRIVATE KEY-----)[\s\S]*?(?=-----END|$)"),
)


def redacted(text: str) -> str:
    """`text` without what opens a door."""
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\1{HIDDEN}", text)
    return text
