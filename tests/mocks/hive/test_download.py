"""Downloads: progress, retries that ask only for what is missing, what is left behind."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mocks.common import clock
from mocks.common.errors import RbeeError
from mocks.hive import catalog, download
from mocks.hive.hub import Reference
from tests.mocks.hive.conftest import Hands, Machine
from tests.mocks.hive.hub_fake import TINYLLAMA, Hub

MODEL = Reference("hf", "TheBloke/TinyLlama-1.1B-Chat-v1.0-GGUF")
CONTENT = bytes(range(256)) * 4000


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses in seconds that were made; none takes any time."""
    made: list[float] = []
    monkeypatch.setattr(clock, "sleep", made.append)
    return made


def fetched(hub: Hub, content: bytes, part: Path) -> list[download.Event]:
    """The events of a download of `content`."""
    hub.files["/file"] = content
    told: list[download.Event] = []
    download.fetch(f"{hub.url}/file", part, told.append)
    return told


def test_file_has_the_bytes_of_the_hub(hub: Hub, tmp_path: Path) -> None:
    fetched(hub, CONTENT, tmp_path / "part")

    assert (tmp_path / "part").read_bytes() == CONTENT


def test_progress_is_told_at_every_twentieth(hub: Hub, tmp_path: Path) -> None:
    told = fetched(hub, CONTENT, tmp_path / "part")

    assert [event["bytes_downloaded"] for event in told] == [51_200 * twentieth for twentieth in range(1, 21)]
    assert {event["bytes_total"] for event in told} == {len(CONTENT)}
    assert all(event["stage"] == "downloading" and event["speed_mbps"] > 0 for event in told)


def test_empty_file_is_a_file(hub: Hub, tmp_path: Path) -> None:
    told = fetched(hub, b"", tmp_path / "part")

    assert told == []
    assert (tmp_path / "part").read_bytes() == b""


def test_retry_asks_for_the_missing_bytes(hub: Hub, tmp_path: Path, waits: list[float]) -> None:
    hub.cuts = [409_600]

    fetched(hub, CONTENT, tmp_path / "part")

    assert [wanted for _, wanted in hub.asked] == [None, "bytes=409600-"]
    assert (tmp_path / "part").read_bytes() == CONTENT
    assert waits == [0.1]


def test_retry_is_told_with_its_reason(hub: Hub, tmp_path: Path, waits: list[float]) -> None:
    hub.cuts = [409_600]

    told = fetched(hub, CONTENT, tmp_path / "part")

    assert told[8] == {
        "stage": "retrying",
        "error": "Connection reset by peer",
        "attempt": 2,
        "attempts": 6,
        "delay_ms": 100,
    }
    assert told[7]["bytes_downloaded"] == 409_600
    assert len(waits) == 1


def test_six_attempts_with_doubling_delays(hub: Hub, tmp_path: Path, waits: list[float]) -> None:
    hub.cuts = [409_600, 0, 0, 0, 0, 0]

    with pytest.raises(RbeeError) as failed:
        fetched(hub, CONTENT, tmp_path / "part")

    assert failed.value.code == "DOWNLOAD_FAILED"
    assert failed.value.details == {"attempts": 6}
    assert waits == [0.1, 0.2, 0.4, 0.8, 1.6]
    assert [wanted for _, wanted in hub.asked] == [None, *["bytes=409600-"] * 5]


def test_hub_that_knows_no_ranges_begins_anew(hub: Hub, tmp_path: Path, waits: list[float]) -> None:
    hub.cuts = [409_600]
    hub.knows_ranges = False

    fetched(hub, CONTENT, tmp_path / "part")

    assert (tmp_path / "part").read_bytes() == CONTENT
    assert len(waits) == 1


def test_unknown_file_is_not_asked_for_twice(hub: Hub, tmp_path: Path, waits: list[float]) -> None:
    with pytest.raises(RbeeError) as failed:
        download.fetch(f"{hub.url}/other", tmp_path / "part", lambda _: None)

    assert (failed.value.code, failed.value.status) == ("MODEL_NOT_FOUND", 404)
    assert len(hub.asked) == 1
    assert waits == []


@pytest.mark.usefixtures("machine")
def test_hub_that_nobody_runs_is_retried(tmp_path: Path, waits: list[float]) -> None:
    told: list[download.Event] = []

    with pytest.raises(RbeeError, match="after 6 attempts: Connection refused"):
        download.fetch("http://127.0.0.1:1/file", tmp_path / "part", told.append)

    assert [event["attempt"] for event in told] == [2, 3, 4, 5, 6]
    assert len(waits) == 5


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(size=st.integers(0, 3000), cuts=st.lists(st.integers(0, 3000), max_size=5))
def test_wherever_it_breaks_off_no_byte_is_lost_or_asked_for_twice(
    hub: Hub, tmp_path: Path, waits: list[float], size: int, cuts: list[int]
) -> None:
    content = CONTENT[:size]
    hub.cuts = [cut if cut < size else None for cut in cuts]
    hub.asked.clear()
    waits.clear()
    (tmp_path / "part").unlink(missing_ok=True)

    fetched(hub, content, tmp_path / "part")

    had = 0
    for cut, (_, wanted) in zip([*cuts, size], hub.asked, strict=False):
        assert wanted == (f"bytes={had}-" if had else None)
        had = max(had, cut)
    assert (tmp_path / "part").read_bytes() == content
    assert waits == [0.1 * 2**retry for retry in range(len(hub.asked) - 1)]


@given(st.integers(1, download.ATTEMPTS - 1))
def test_delay_doubles_with_each_attempt(attempt: int) -> None:
    assert download.retry_delay_ms(attempt) == 100 * 2 ** (attempt - 1)


def finished(model: Reference) -> tuple[download.Download, list[download.Event | None]]:
    """A download that was run to its end, and what it told."""
    done = download.Download(model)
    done.run()
    return done, list(done.events.follow())


def test_download_ends_with_the_path_of_the_file(hub: Hub, machine: Machine) -> None:
    hub.files[TINYLLAMA] = CONTENT
    catalog.create()

    done, told = finished(MODEL)

    path = machine.root / "models" / "tinyllama-q4.gguf"
    assert told[-1] == {"stage": "complete", "local_path": str(path)}
    assert done.outcome() == str(path)
    assert path.read_bytes() == CONTENT


def test_download_is_entered_into_the_catalogue(hub: Hub, machine: Machine, hands: Hands) -> None:
    hub.files[TINYLLAMA] = CONTENT
    catalog.create()

    finished(MODEL)

    path = str(machine.root / "models" / "tinyllama-q4.gguf")
    row = catalog.Model(MODEL.name, "hf", path, len(CONTENT), hands.now_us // 1_000_000)
    assert catalog.find("hf", MODEL.name) == row


def test_failed_download_leaves_nothing(hub: Hub, machine: Machine, waits: list[float]) -> None:
    hub.files[TINYLLAMA] = CONTENT
    hub.cuts = [409_600] * 6
    catalog.create()

    _, told = finished(MODEL)

    assert told[-1] is not None
    assert (told[-1]["stage"], told[-1]["code"]) == ("error", "DOWNLOAD_FAILED")
    assert list((machine.root / "models").iterdir()) == []
    assert catalog.find("hf", MODEL.name) is None
    assert len(waits) == 5


@pytest.mark.usefixtures("machine")
def test_waiting_for_a_failed_download_fails(hub: Hub) -> None:
    done, _ = finished(MODEL)

    with pytest.raises(RbeeError, match="does not have this model") as failed:
        done.outcome()

    assert failed.value.code == "MODEL_NOT_FOUND"
    assert hub.asked == [(TINYLLAMA, None)]


def test_what_an_earlier_hive_left_is_not_trusted(hub: Hub, machine: Machine) -> None:
    hub.files[TINYLLAMA] = CONTENT
    catalog.create()
    (machine.root / "models").mkdir()
    (machine.root / "models" / "tinyllama-q4.gguf.part").write_bytes(b"something else")

    finished(MODEL)

    assert (machine.root / "models" / "tinyllama-q4.gguf").read_bytes() == CONTENT


def test_other_providers_are_not_known() -> None:
    _, told = finished(Reference("ollama", "llama3"))

    assert told == [
        {
            "stage": "error",
            "message": "Only HuggingFace (hf) provider is currently supported",
            "code": "DOWNLOAD_FAILED",
        }
    ]


def test_directory_that_cannot_be_made_ends_a_download(hub: Hub, machine: Machine) -> None:
    hub.files[TINYLLAMA] = CONTENT
    (machine.root / "models").write_text("no directory")

    _, told = finished(MODEL)

    assert told[-1] is not None
    assert (told[-1]["stage"], told[-1]["code"]) == ("error", "DOWNLOAD_FAILED")


def test_second_request_joins_the_download_under_way(hub: Hub, machine: Machine) -> None:
    hub.files[TINYLLAMA] = CONTENT
    catalog.create()
    downloads = download.Downloads()

    first, second = downloads.start(MODEL), downloads.start(MODEL)

    assert first is second
    assert first.outcome().startswith(str(machine.root))
    again = downloads.start(MODEL)
    assert again is not first
    assert again.outcome() == first.outcome()


def test_unknown_download_is_named() -> None:
    with pytest.raises(RbeeError, match="Download d-1 not found") as failed:
        download.Downloads().get("d-1")

    assert failed.value.status == 404


def test_of_the_downloads_that_ended_the_last_are_remembered(hub: Hub, machine: Machine, waits: list[float]) -> None:
    downloads = download.Downloads()
    made = []
    for number in range(download.KEPT + 2):
        made.append(downloads.start(Reference("x", f"org/{number}")))
        list(made[-1].events.follow())

    assert downloads.get(made[-1].id) is made[-1]
    with pytest.raises(RbeeError, match="not found"):
        downloads.get(made[0].id)
