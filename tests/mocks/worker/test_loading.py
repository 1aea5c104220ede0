"""Loading: its pace on the clock, and what those see who follow."""

from __future__ import annotations

import threading

import pytest

from mocks.worker.loading import Loading
from tests.mocks.worker.hand_clock import HandClock

MIB = 2**20
LIMIT_S = 20


def load(size_bytes: int, layers: int) -> Loading:
    loading = Loading(size_bytes)
    loading.load(layers)
    loading.finish()
    return loading


def layers_told(loading: Loading) -> list[int]:
    return [event["layers_loaded"] for event in loading.follow() if event["stage"] == "loading_to_vram"]


def test_thirty_two_layers_take_eight_steps_of_400_ms(hand_clock: HandClock) -> None:
    hand_clock.flow()

    loading = load(5 * MIB, 32)

    assert layers_told(loading) == [4, 8, 12, 16, 20, 24, 28, 32]
    assert hand_clock.passed_s == pytest.approx(3.2)


@pytest.mark.parametrize(("layers", "told"), [(22, [4, 8, 12, 16, 20, 22]), (4, [4]), (1, [1])])
def test_the_last_step_loads_what_is_left(hand_clock: HandClock, layers: int, told: list[int]) -> None:
    hand_clock.flow()

    assert layers_told(load(5 * MIB, layers)) == told


def test_the_memory_rises_to_the_size_of_the_model(hand_clock: HandClock) -> None:
    hand_clock.flow()

    *steps, ready = load(669 * MIB, 32).follow()

    figures = [event["vram_mb"] for event in steps]
    assert figures == sorted(set(figures))
    assert figures[-1] == 669
    assert ready == {"stage": "ready"}


def test_each_event_has_the_figures_of_the_contract(hand_clock: HandClock) -> None:
    hand_clock.flow()

    events = list(load(8192 * MIB, 32).follow())

    assert events[2] == {"stage": "loading_to_vram", "layers_loaded": 12, "layers_total": 32, "vram_mb": 3072}


def test_who_comes_late_gets_everything_from_the_start(hand_clock: HandClock) -> None:
    loading = Loading(5 * MIB)
    thread = threading.Thread(target=loading.load, args=(8,))
    thread.start()
    hand_clock.move(0.4)
    early = loading.follow()
    assert next(early)["layers_loaded"] == 4
    hand_clock.move(0.4)
    thread.join(LIMIT_S)
    loading.finish()

    assert layers_told(loading) == [4, 8]
    assert [event["stage"] for event in early] == ["loading_to_vram", "ready"]


def test_the_share_and_the_bytes_so_far_can_be_asked_for(hand_clock: HandClock) -> None:
    loading = Loading(1000)
    before = (loading.share, loading.vram_bytes)
    thread = threading.Thread(target=loading.load, args=(8,))
    thread.start()
    events = loading.follow()
    hand_clock.move(0.4)
    next(events)

    halfway = (loading.share, loading.vram_bytes)

    hand_clock.move(0.4)
    thread.join(LIMIT_S)
    assert (before, halfway) == ((0, 0), (0.5, 500))
