"""What a machine has, and whether a model fits."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mocks.common import clock
from mocks.common.errors import RbeeError
from mocks.hive import preflight
from tests.mocks.hive.conftest import Machine

MB = 2**20


@given(st.integers(0, 2**50))
def test_required_memory_is_the_size_times_one_point_two_rounded_up(size_bytes: int) -> None:
    assert preflight.required_mb(size_bytes) == ceil(Fraction(size_bytes, MB) * Fraction(12, 10))


def test_required_memory_of_the_feature() -> None:
    assert preflight.required_mb(5000 * MB) == 6000


def test_available_memory_is_what_free_says(machine: Machine) -> None:
    machine.has_ram(1234)

    assert preflight.free_ram_mb() == 1234


def test_free_of_this_machine_is_understood() -> None:
    assert preflight.free_ram_mb() > 0


def test_free_that_says_nothing_is_named(machine: Machine) -> None:
    machine.program("free", "exit 1")

    with pytest.raises(RbeeError, match="`free -m` did not tell"):
        preflight.free_ram_mb()


@pytest.mark.usefixtures("machine")
def test_machine_without_devices_has_a_cpu() -> None:
    assert preflight.backends() == {"cpu": [0]}


def test_devices_are_what_nvidia_smi_says(machine: Machine) -> None:
    machine.has_cuda(7000, 8000)

    assert preflight.backends() == {"cpu": [0], "cuda": [0, 1]}
    assert preflight.free_vram_mb(1) == 8000


def test_nvidia_smi_that_fails_finds_no_device(machine: Machine) -> None:
    machine.program("nvidia-smi", "echo 0; exit 9")

    assert preflight.backends() == {"cpu": [0]}


def test_memory_of_an_unknown_device_is_named(machine: Machine) -> None:
    machine.has_cuda(7000)

    with pytest.raises(RbeeError, match="free memory of device 1"):
        preflight.free_vram_mb(1)


def test_program_that_hangs_is_given_up(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.program("free", "exec tail -f /dev/null")
    monkeypatch.setattr(clock, "limit", lambda _: clock.Limit(0.05))

    with pytest.raises(RbeeError, match="`free -m` did not end within 10 s"):
        preflight.free_ram_mb()


def test_model_that_fits_passes_and_is_narrated(machine: Machine, capfd: pytest.CaptureFixture[str]) -> None:
    machine.has_cuda(7000, 8000)

    preflight.check(5000 * MB, "cuda", 1)

    assert capfd.readouterr().out.splitlines() == [
        "[worker-preflight] RAM check: required 6000 MB, available 8000 MB",
        "[worker-preflight] Backend check: cuda available (device 1)",
        "[worker-preflight] VRAM check: required 6000 MB, available 8000 MB",
    ]


def test_too_little_memory(machine: Machine) -> None:
    machine.has_ram(5999)

    with pytest.raises(RbeeError, match="Insufficient VRAM: need 6000 MB, have 5999 MB") as refused:
        preflight.check(5000 * MB, "cpu", 0)

    assert (refused.value.code, refused.value.status) == ("VRAM_EXHAUSTED", 507)
    assert refused.value.details == {"required": 6000, "available": 5999}


def test_just_enough_memory(machine: Machine, capfd: pytest.CaptureFixture[str]) -> None:
    machine.has_ram(6000)

    preflight.check(5000 * MB, "cpu", 0)

    assert "required 6000 MB, available 6000 MB" in capfd.readouterr().out


def test_too_little_memory_on_the_device(machine: Machine) -> None:
    machine.has_cuda(4000)

    with pytest.raises(RbeeError) as refused:
        preflight.check(5000 * MB, "cuda", 0)

    assert refused.value.details == {"required": 6000, "available": 4000}


def test_missing_backend(machine: Machine) -> None:
    machine.has_cuda(8000, 8000)

    with pytest.raises(RbeeError, match=r"metal is not available here.*cpu \(1\), cuda \(2\)") as refused:
        preflight.check(MB, "metal", 0)

    assert (refused.value.code, refused.value.status) == ("BACKEND_UNAVAILABLE", 400)
    assert refused.value.details == {"requested": "metal", "available": ["cpu", "cuda"]}


def test_missing_device(machine: Machine) -> None:
    machine.has_cuda(8000)

    with pytest.raises(RbeeError, match="device 1 of cuda is not available") as refused:
        preflight.check(MB, "cuda", 1)

    assert refused.value.code == "BACKEND_UNAVAILABLE"
