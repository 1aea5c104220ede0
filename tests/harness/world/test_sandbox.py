"""What a node is made of: programs, keys, environment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.world import sandbox
from harness.world.topology import Node
from tests.harness.world.node_stage import KEYS, LIMIT_S, PROGRAM, PROGRAM_TEXT, nodes_below, user_program

PROJECT = Path(__file__).resolve().parents[3]


@pytest.fixture
def nodes(tmp_path: Path) -> dict[str, Node]:
    return nodes_below(tmp_path, {PROGRAM: user_program(tmp_path)})


@pytest.fixture
def workstation(nodes: dict[str, Node]) -> Node:
    return nodes["workstation"]


@pytest.fixture
def blep(nodes: dict[str, Node]) -> Node:
    return nodes["blep"]


class FakeStage:
    """A stage as far as an environment goes."""

    stage = "s1"
    mark = "the mark"
    directory = Path("/stage")
    clock_path: Path | None = None
    launcher_path: Path | None = None

    def __init__(self) -> None:
        self.variables: dict[str, str] = {}

    def tell(self, event: str, **fields: object) -> None:
        raise AssertionError(f"nothing is to be told, but {event} {fields}")


@pytest.mark.parametrize("path", ["bin", "home/rbee/target/release"])
def test_a_program_stands_where_it_is_run_from(workstation: Node, path: str) -> None:
    program = workstation.directory / path / PROGRAM

    done = subprocess.run([program], capture_output=True, text=True, timeout=LIMIT_S, check=True)

    assert done.stdout == f"{program}\n"
    assert program.resolve() == program


def test_a_program_of_the_users_is_copied(workstation: Node, tmp_path: Path) -> None:
    (workstation.directory / "bin" / PROGRAM).write_text("spoilt")

    assert (tmp_path / "the-users-hive").read_text() == PROGRAM_TEXT


def test_a_keeper_of_the_users_has_its_real_name_too(tmp_path: Path) -> None:
    node = nodes_below(tmp_path, {"rbee-keeper": user_program(tmp_path)})["blep"]

    assert (node.directory / "bin" / "rbee").samefile(node.directory / "bin" / "rbee-keeper")


def test_nothing_is_installed_where_the_topology_says_so(blep: Node) -> None:
    assert not (blep.directory / "home" / "rbee").exists()
    assert (blep.directory / "bin" / PROGRAM).exists()


def test_a_stand_in_is_the_projects_own_and_runs_by_the_worlds_python(tmp_path: Path) -> None:
    node = nodes_below(tmp_path, {PROGRAM: None})["workstation"]

    lines = (node.directory / "bin" / PROGRAM).read_text(encoding="utf-8").splitlines()

    assert lines[0] == f"#!{sys.executable}"
    assert lines[1:] == (PROJECT / "bin" / PROGRAM).read_text(encoding="utf-8").splitlines()[1:]


def test_a_python_whose_path_has_blanks_runs_stand_ins_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = tmp_path / "my project" / "python"
    python.parent.mkdir()
    python.symlink_to("/bin/echo")
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setattr(sandbox, "_stand_in", sandbox._stand_in.__wrapped__)
    node = nodes_below(tmp_path, {PROGRAM: None})["workstation"]

    program = node.directory / "bin" / PROGRAM

    done = subprocess.run([program, "daemon"], capture_output=True, text=True, timeout=LIMIT_S, check=True)

    assert done.stdout == f"{program} daemon\n"


def test_the_environment_is_built_from_nothing(workstation: Node) -> None:
    home = workstation.directory / "home"

    variables = sandbox.environment(workstation, FakeStage())

    assert variables == {
        "PATH": f"{workstation.directory}/bin:/usr/bin:/bin",
        "HOME": str(home),
        "TMPDIR": f"{workstation.directory}/tmp",
        "XDG_CACHE_HOME": f"{home}/.cache",
        "XDG_CONFIG_HOME": f"{home}/.config",
        "XDG_DATA_HOME": f"{home}/.local/share",
        "XDG_STATE_HOME": f"{home}/.local/state",
        "XDG_RUNTIME_DIR": f"{workstation.directory}/tmp",
        "LANG": "C.UTF-8",
        "NO_COLOR": "1",
        "HTTP_PROXY": "http://127.0.0.2:3128",
        "http_proxy": "http://127.0.0.2:3128",
        "RBEE_BIND_HOST": "127.0.0.2",
        "RBEE_NODE_HOST": "workstation.home.arpa",
        "RBEE_ROOT": f"{workstation.directory}/root",
        "RBEE_BDD_STAGE": "the mark",
    }


def test_clock_log_level_and_version_are_there_where_they_are_set(workstation: Node) -> None:
    stage = FakeStage()
    stage.clock_path = Path("/stage/clock.sock")
    stage.variables = {"RUST_LOG": "debug"}
    (workstation.directory / "facts" / "version").write_text("0.2.0\n")

    variables = sandbox.environment(workstation, stage)

    assert variables["RBEE_CLOCK"] == "/stage/clock.sock"
    assert variables["RUST_LOG"] == "debug"
    assert variables["RBEE_VERSION"] == "0.2.0"


def test_only_the_user_may_read_the_key(blep: Node) -> None:
    key = blep.directory / "home" / ".ssh" / "id_ed25519"

    assert key.stat().st_mode & 0o777 == 0o600
    assert key.read_bytes() == KEYS.files["id_ed25519"]


def test_a_node_that_is_kept_keeps_no_copies_of_the_users_binaries(workstation: Node, tmp_path: Path) -> None:
    sandbox.strip(workstation, {PROGRAM: user_program(tmp_path)})

    left = [path.name for path in workstation.directory.rglob(PROGRAM)]
    assert left == []
