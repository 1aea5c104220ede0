"""The runner's own time: limits and durations are measured by it, whatever user code does to the module `time`."""

from __future__ import annotations

import time
from collections.abc import Callable


def now_s(_monotonic: Callable[[], float] = time.monotonic) -> float:
    """Seconds since a fixed moment.

    The function is bound as a default: libraries that freeze time replace it wherever a module has it as a name."""
    return _monotonic()
