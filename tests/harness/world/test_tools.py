"""A node's own git, cargo, free and nvidia-smi."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.world.topology import Node
from tests.harness.world.node_stage import LIMIT_S, PROGRAM, PROGRAM_TEXT, nodes_below, user_program

REPOSITORY = "https://github.com/user/llama-orch.git"
Ended = subprocess.CompletedProcess[str]


@pytest.fixture
def nodes(tmp_path: Path) -> dict[str, Node]:
    return nodes_below(tmp_path, {PROGRAM: user_program(tmp_path)})


@pytest.fixture
def workstation(nodes: dict[str, Node]) -> Node:
    return nodes["workstation"]


@pytest.fixture
def blep(nodes: dict[str, Node]) -> Node:
    return nodes["blep"]


def run(node: Node, argv: Sequence[str], below: str = "home") -> Ended:
    """Run one of the node's tools in a directory of the node."""
    path = f"{node.directory}/bin:/usr/bin:/bin"
    return subprocess.run(
        list(argv),
        cwd=node.directory / below,
        env={"PATH": path},
        executable=node.directory / "bin" / argv[0],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


def test_calls_are_recorded_with_where_and_how(workstation: Node) -> None:
    run(workstation, ["git", "status"], "home/rbee")
    run(workstation, ["free", "-m"], "tmp")

    home = workstation.directory
    assert (home / "tools.log").read_text() == f"{home}/home/rbee\tgit status\n{home}/tmp\tfree -m\n"


@pytest.mark.parametrize(
    ("argv", "target"),
    [(["git", "clone", REPOSITORY], "llama-orch"), (["git", "clone", "-q", REPOSITORY, "a/b"], "a/b")],
)
def test_a_clone_makes_its_directory(blep: Node, argv: list[str], target: str) -> None:
    done = run(blep, argv)

    assert (done.returncode, done.stderr) == (0, f"Cloning into '{target}'...\n")
    assert (blep.directory / "home" / target / ".git").is_dir()


def test_a_clone_into_an_empty_directory_succeeds(blep: Node) -> None:
    done = run(blep, ["git", "clone", REPOSITORY, "."], "tmp")

    assert done.returncode == 0
    assert (blep.directory / "tmp" / ".git").is_dir()


def test_a_clone_over_something_fails_as_gits_does(workstation: Node) -> None:
    done = run(workstation, ["git", "clone", REPOSITORY, "rbee"])

    assert done.returncode == 128
    assert done.stderr == "fatal: destination path 'rbee' already exists and is not an empty directory.\n"


@pytest.mark.parametrize("argv", [["git", "checkout", "main"], ["git", "pull"], ["git", "status"]])
def test_git_knows_where_a_repository_is(workstation: Node, argv: list[str]) -> None:
    inside = run(workstation, argv, "home/rbee")
    outside = run(workstation, argv, "home")

    assert inside.returncode == 0
    assert (outside.returncode, outside.stderr[:30]) == (128, "fatal: not a git repository (o")


def test_git_says_what_it_is_not(workstation: Node) -> None:
    done = run(workstation, ["git", "push"], "home/rbee")

    assert (done.returncode, done.stderr) == (1, "git: 'push' is not a git command. See 'git --help'.\n")


@pytest.mark.parametrize("option", [["-p", PROGRAM], ["--package", PROGRAM], [f"--bin={PROGRAM}"], []])
def test_a_build_makes_the_program(blep: Node, option: list[str]) -> None:
    run(blep, ["git", "clone", REPOSITORY, "rbee"])

    done = run(blep, ["cargo", "build", "--release", *option], "home/rbee")

    assert done.returncode == 0
    assert f"Compiling {PROGRAM}" in done.stderr
    built = blep.directory / "home" / "rbee" / "target" / "release" / PROGRAM
    assert subprocess.run([built], capture_output=True, timeout=LIMIT_S, check=True).stdout == f"{built}\n".encode()


def test_a_build_again_spoils_no_other_program(workstation: Node) -> None:
    done = run(workstation, ["cargo", "build", "--release", "-p", PROGRAM], "home/rbee")

    (workstation.directory / "home/rbee/target/release" / PROGRAM).write_text("spoilt")
    assert done.returncode == 0
    assert (workstation.directory / "store" / PROGRAM).read_text() == PROGRAM_TEXT


def test_a_build_of_something_else_fails(workstation: Node) -> None:
    done = run(workstation, ["cargo", "build", "--release", "-p", "rbee-bee"], "home/rbee")

    assert done.returncode == 101
    assert done.stderr == "error: package ID specification `rbee-bee` did not match any packages\n"


def test_a_build_where_nothing_was_cloned_fails(blep: Node) -> None:
    done = run(blep, ["cargo", "build", "--release"])

    assert done.returncode == 101
    assert "could not find `Cargo.toml`" in done.stderr


def test_free_prints_the_fact_in_the_table_of_procps(workstation: Node) -> None:
    (workstation.directory / "facts" / "free_mb").write_text("4000\n")

    done = run(workstation, ["free", "-m"])

    head, memory, swap = (line.split() for line in done.stdout.splitlines())
    assert dict(zip(head, memory[1:], strict=True)) == {
        "total": "6000",
        "used": "2000",
        "free": "4000",
        "shared": "0",
        "buff/cache": "0",
        "available": "4000",
    }
    assert swap == ["Swap:", "0", "0", "0"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--query-gpu=index", "--format=csv,noheader"], "0\n1\n"),
        (["--query-gpu=memory.free", "--format=csv,noheader,nounits"], "8000\n7000\n"),
        (["--query-gpu=index,memory.free", "--format=csv,noheader"], "0, 8000 MiB\n1, 7000 MiB\n"),
        (["--query-gpu=index,memory.free", "--format=csv,noheader,nounits"], "0, 8000\n1, 7000\n"),
    ],
)
def test_nvidia_smi_answers_queries(workstation: Node, options: list[str], said: str) -> None:
    done = run(workstation, ["nvidia-smi", *options])

    assert (done.returncode, done.stdout) == (0, said)


def test_nvidia_smi_fails_where_there_is_no_device(blep: Node) -> None:
    done = run(blep, ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"])

    assert done.returncode == 9
    assert "couldn't communicate with the NVIDIA driver" in done.stderr


@pytest.mark.parametrize("argv", [["nvidia-smi", "-L"], ["free"], ["cargo", "test"]])
def test_a_tool_says_what_it_does_not_know(workstation: Node, argv: list[str]) -> None:
    done = run(workstation, argv)

    assert done.returncode != 0
    assert done.stderr.count("\n") == 1
