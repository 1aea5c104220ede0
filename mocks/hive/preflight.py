"""What this machine has, and whether a model fits there (docs/contract.md, section 4.3 and section 9 row 17)."""

from __future__ import annotations

import os
import platform
import subprocess

from mocks.common import clock
from mocks.common.errors import RbeeError
from mocks.hive import logs

_ACTOR = "worker-preflight"
_ASK_LIMIT_S = 10


def required_mb(size_bytes: int) -> int:
    """The memory that a model file needs: its size in MB (2**20 bytes) times 1.2, rounded up."""
    return -(-size_bytes * 12 // (10 * 2**20))


def free_ram_mb() -> int:
    """The available memory in MB, as `free -m` says. Raises RbeeError INTERNAL_ERROR when it does not say."""
    answer = _ask("free", "-m")
    try:
        heading, memory, *_ = (answer or "").splitlines()
        # The row of figures has a label of its own, the row of headings has none.
        return int(memory.split()[1 + heading.split().index("available")])
    except (ValueError, IndexError):
        raise RbeeError("INTERNAL_ERROR", f"`free -m` did not tell the available memory: {answer!r}") from None


def free_vram_mb(device: int) -> int:
    """The free memory of a CUDA device in MB, as nvidia-smi says. Raises RbeeError INTERNAL_ERROR when it does not."""
    answer = _ask("nvidia-smi", "--query-gpu=index,memory.free", "--format=csv,noheader,nounits")
    try:
        rows = [line.split(",") for line in (answer or "").splitlines() if line.strip()]
        return {int(index): int(free) for index, free in rows}[device]
    except (ValueError, KeyError):
        message = f"nvidia-smi did not tell the free memory of device {device}: {answer!r}"
        raise RbeeError("INTERNAL_ERROR", message) from None


def backends() -> dict[str, list[int]]:
    """The backends of this machine with the numbers of their devices, in the order cpu, cuda, metal."""
    found = {"cpu": [0]}
    answer = _ask("nvidia-smi", "--query-gpu=index", "--format=csv,noheader") or ""
    if count := sum(1 for line in answer.splitlines() if line.strip()):
        found["cuda"] = list(range(count))
    if platform.system() == "Darwin":
        found["metal"] = [0]
    return found


def check(size_bytes: int, backend: str, device: int) -> None:
    """See that a model file of this size can run there: memory, backend, and memory of the device; narrates each.

    Raises RbeeError VRAM_EXHAUSTED (507) or BACKEND_UNAVAILABLE (400)."""
    required = required_mb(size_bytes)
    _check_memory("RAM", required, free_ram_mb())
    _check_backend(backend, device)
    if backend == "cuda":
        _check_memory("VRAM", required, free_vram_mb(device))


def _check_memory(kind: str, required: int, available: int) -> None:
    logs.narrate(_ACTOR, f"{kind} check: required {required} MB, available {available} MB")
    if available < required:
        # The code for both kinds: docs/contract.md, section 8 row 31.
        message = f"Insufficient VRAM: need {required} MB, have {available} MB"
        raise RbeeError("VRAM_EXHAUSTED", message, status=507, required=required, available=available)


def _check_backend(backend: str, device: int) -> None:
    found = backends()
    if device in found.get(backend, []):
        logs.narrate(_ACTOR, f"Backend check: {backend} available (device {device})")
        return
    here = ", ".join(f"{name} ({len(devices)})" for name, devices in found.items())
    lacking = f"device {device} of {backend}" if backend in found else backend
    logs.narrate(_ACTOR, f"Backend check: {lacking} not available; backends here (devices): {here}")
    message = f"Backend {lacking} is not available here; available backends (devices): {here}"
    raise RbeeError("BACKEND_UNAVAILABLE", message, status=400, requested=backend, available=list(found))


def _ask(*argv: str) -> str | None:
    """What a program on the PATH prints; None when there is no such program or it fails.

    Raises RbeeError INTERNAL_ERROR when it takes longer than 10 s on the clock."""
    try:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except OSError:
        return None
    with process:
        assert process.stdout
        try:
            with clock.limit(_ASK_LIMIT_S) as limited:
                answer = b""
                while True:
                    limited.wait_readable(process.stdout)
                    piece = os.read(process.stdout.fileno(), 65536)
                    if not piece:
                        break
                    answer += piece
        except TimeoutError:
            process.kill()
            raise RbeeError("INTERNAL_ERROR", f"`{' '.join(argv)}` did not end within {_ASK_LIMIT_S} s") from None
    return answer.decode("utf-8", "replace") if process.returncode == 0 else None
