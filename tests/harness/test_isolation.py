"""How nodes are kept apart: which way, and why, in words."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from harness import isolation
from harness.isolation import Failure, Isolation
from harness.runner.options import Options, WrongUse

ROOT, USER = 0, 1000
FORBIDDEN = Failure(errno.EPERM, "unshare: Operation not permitted")
OPTIONS = Options(
    jobs=3, order="plan", seed=1, limit_s=1, run_limit_s=1, run_dir=None, pause=False, stop=False, prove=False
)


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """What the kernel says of a machine that is none of the known."""
    tell(tmp_path, "self/mountinfo", "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw")
    tell(tmp_path, "self/status", "Name:\tpython\nSeccomp:\t0\n")
    return tmp_path


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine allows no namespaces."""
    monkeypatch.setattr(isolation, "_found", {isolation._make_node: FORBIDDEN})


def tell(proc: Path, name: str, text: str) -> None:
    (proc / name).parent.mkdir(parents=True, exist_ok=True)
    (proc / name).write_text(text)


def test_a_limit_is_named_with_its_sysctl(proc: Path) -> None:
    tell(proc, "sys/user/max_net_namespaces", "0\n")
    tell(proc, "sys/user/max_user_namespaces", "9\n")

    why = isolation.reason(Failure(errno.ENOSPC, "unshare: No space left on device"), uid=USER, proc=proc)

    assert why == (
        "a limit allows no more namespaces; raise it with sysctl, here or on what this runs in: "
        "user.max_net_namespaces, user.max_user_namespaces (it says: unshare: No space left on device)"
    )


@pytest.mark.parametrize(
    ("name", "value", "command"),
    [
        ("apparmor_restrict_unprivileged_userns", "1", "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"),
        ("unprivileged_userns_clone", "0", "sysctl -w kernel.unprivileged_userns_clone=1"),
    ],
)
def test_a_machine_that_keeps_ordinary_users_from_it_is_told_how_to_let_them(
    proc: Path, name: str, value: str, command: str
) -> None:
    tell(proc, f"sys/kernel/{name}", f"{value}\n")

    assert command in isolation.reason(FORBIDDEN, uid=USER, proc=proc)
    assert command not in isolation.reason(FORBIDDEN, uid=ROOT, proc=proc)


@pytest.mark.parametrize("uid", [ROOT, USER])
def test_a_containers_filter_is_told_with_what_to_start_it_with(proc: Path, uid: int) -> None:
    tell(proc, "self/status", "Name:\tpython\nSeccomp:\t2\nSeccomp_filters:\t1\n")

    why = isolation.reason(FORBIDDEN, uid=uid, proc=proc)

    assert why.startswith(
        "a filter of the container in which this runs forbids them: start it with --cap-add SYS_ADMIN"
    )


@pytest.mark.parametrize(
    ("uid", "number", "words"),
    [
        (ROOT, errno.EPERM, "root has not all its rights here, as in a container"),
        (USER, errno.EPERM, "ordinary users may have none here: run as root"),
        (USER, errno.EINVAL, "this kernel has no user namespaces"),
        (ROOT, errno.ENOSYS, "this kernel is too old, or a filter hides what it can: Linux 5.12 is needed"),
        (ROOT, errno.EIO, "this machine does not allow namespaces (it says: …)"),
        (ROOT, 0, "this machine does not allow namespaces (it says: …)"),
    ],
)
def test_other_reasons_are_told_too(proc: Path, uid: int, number: int, words: str) -> None:
    assert isolation.reason(Failure(number, "…"), uid=uid, proc=proc).startswith(words)


@pytest.mark.parametrize(("uid", "number"), [(USER, errno.EPERM), (ROOT, errno.EINVAL)])
def test_a_chroot_is_recognized(proc: Path, uid: int, number: int) -> None:
    tell(proc, "self/mountinfo", "42 27 0:21 / /proc rw,relatime - proc proc rw")

    assert isolation.reason(Failure(number, "…"), uid=uid, proc=proc).startswith("this runs in a chroot")


def test_a_probe_tells_whether_namespaces_are_allowed() -> None:
    failure = isolation.Probe(isolation._make_node).failure()

    assert isolation.choose({}).way == ("namespaces" if failure is None else "addresses")


def test_a_probe_tells_what_failed() -> None:
    def fail() -> None:
        raise PermissionError(errno.EPERM, "unshare: Operation not permitted")

    assert isolation.Probe(fail).failure() == FORBIDDEN


def test_a_probe_that_breaks_is_a_failure() -> None:
    def fail() -> None:
        raise ZeroDivisionError

    assert isolation.Probe(fail).failure() == Failure(0, "the process that tried it ended with 1")


def test_addresses_are_taken_where_the_machine_allows_nothing_else(refused: None) -> None:
    assert isolation.choose({}) == Isolation("addresses", isolation.reason(FORBIDDEN))


def test_namespaces_that_are_wanted_and_not_allowed_are_wrong_use(refused: None) -> None:
    with pytest.raises(WrongUse, match=r"-D isolation=namespaces: .*unshare: Operation not permitted"):
        isolation.choose({"isolation": "namespaces"})


def test_addresses_can_be_had_everywhere() -> None:
    assert isolation.choose({"isolation": "addresses"}) == Isolation("addresses", "as -D isolation=addresses says")


def test_a_way_that_there_is_not_is_wrong_use() -> None:
    with pytest.raises(WrongUse, match="use one of: auto, namespaces, addresses"):
        isolation.choose({"isolation": "docker"})


@pytest.mark.parametrize(
    ("userdata", "jobs"),
    [({}, 3), ({"queen": "/bin/true"}, 1), ({"queen": "/bin/true", "jobs": "3"}, 3), ({"queen": ""}, 3)],
    ids=["stand-ins", "a queen of the user's", "the user says how many", "no queen of the user's"],
)
def test_by_addresses_programs_of_the_users_run_one_scenario_at_a_time(
    refused: None, userdata: dict[str, str], jobs: int
) -> None:
    applied = isolation.apply(OPTIONS, userdata)

    assert applied.jobs == jobs
    assert ("one scenario at a time, for the queen is yours" in applied.isolation) == (jobs == 1)
    assert "unshare: Operation not permitted" in applied.isolation


@pytest.mark.parametrize(("found", "copies"), [(None, 3), (FORBIDDEN, 3 + 2 * 3)], ids=["mounted", "copied"])
def test_the_sizes_of_programs_of_the_users_are_counted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, found: Failure | None, copies: int
) -> None:
    monkeypatch.setattr(isolation, "_found", {isolation._make_node: found, isolation._lead_connections: None})
    (tmp_path / "queen-rbee").write_bytes(bytes(1000))
    (tmp_path / "queen-rbee").chmod(0o755)

    applied = isolation.apply(OPTIONS, {"bin": str(tmp_path), "jobs": "3"})

    assert applied.programs_bytes == 1000 * copies


def test_in_namespaces_programs_of_the_users_run_beside_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "_found", {isolation._make_node: None, isolation._lead_connections: None})

    assert isolation.apply(OPTIONS, {"queen": "/bin/true"}).jobs == OPTIONS.jobs
