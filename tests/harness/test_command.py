"""The command line of bin/bdd-runner: where LLORCH_BDD_FEATURE_PATH leads, and that wrong use is 2."""

import os
from pathlib import Path

import pytest
from behave.configuration import Configuration

from harness import command
from harness.command import arguments_with_feature_path, feature_address


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "features").mkdir()
    (tmp_path / "features" / "test-001.feature").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("features/test-001.feature", "features/test-001.feature"),
        ("features/test-001.feature:949", "features/test-001.feature:949"),
        ("./features", "features"),
        ("tests/features/test-001.feature", "features/test-001.feature"),
        ("test-harness/bdd/tests/features/test-001.feature:949", "features/test-001.feature:949"),
        ("/home/rbee/llama-orch/test-harness/bdd/tests/features/test-001.feature", "features/test-001.feature"),
        ("test-harness/bdd/tests/features", "features"),
    ],
)
def test_feature_path_is_found_in_either_form(value: str, address: str, project: Path) -> None:
    assert feature_address(value, project) == address


def test_absolute_feature_path_stays(project: Path) -> None:
    absolute = f"{project}/features/test-001.feature"

    assert feature_address(f"{absolute}:33", project) == f"{absolute}:33"


@pytest.mark.parametrize(
    "value", ["features/test-002.feature", "nowhere", "a/tests/features/test-002.feature:1", ":949"]
)
def test_feature_path_that_leads_nowhere_is_an_error_that_shows_one_that_does(value: str, project: Path) -> None:
    with pytest.raises(ValueError, match=r"no such file in .*features/test-001\.feature") as raised:
        feature_address(value, project)

    assert value in str(raised.value)


def test_feature_path_is_added_to_the_other_arguments(project: Path) -> None:
    arguments = arguments_with_feature_path(["-j", "2", "-D", "keeper=x"], "features", project)

    assert arguments == ["-j", "2", "-D", "keeper=x", "features"]


def test_path_on_the_command_line_goes_first(project: Path) -> None:
    arguments = arguments_with_feature_path(["-k", "features/test-001.feature:33"], "nowhere", project)

    assert arguments == ["-k", "features/test-001.feature:33"]


def test_without_a_feature_path_nothing_is_added(project: Path) -> None:
    assert arguments_with_feature_path(["--stop"], "", project) == ["--stop"]


def test_bad_tag_expression_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--tags=("]) == 2
    assert "bdd-runner: " in capsys.readouterr().err


def test_bad_feature_path_is_wrong_use(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLORCH_BDD_FEATURE_PATH", "nowhere:12")

    assert command.main([]) == 2
    assert "LLORCH_BDD_FEATURE_PATH=nowhere:12" in capsys.readouterr().err


def test_unknown_option_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        command.main(["--nope"])

    assert exited.value.code == 2
    assert "unrecognized arguments: --nope" in capsys.readouterr().err


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where the user stands: a directory with a program, a feature and a list, which the project has not."""
    place = tmp_path / "place"
    (place / "target").mkdir(parents=True)
    for name in ("target/rbee", "mine.feature", "list.txt"):
        (place / name).touch()
    return place


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["mine.feature:3"], ["PLACE/mine.feature:3"]),
        (["@list.txt"], ["@PLACE/list.txt"]),
        (["-D", "keeper=target/rbee"], ["-D", "keeper=PLACE/target/rbee"]),
        (["-Dkeeper=./target/rbee"], ["-Dkeeper=PLACE/target/rbee"]),
        (["-D", "run_dir=new"], ["-D", "run_dir=PLACE/new"]),
        (["-f", "json", "-o", "report"], ["-f", "json", "-o", "PLACE/report"]),
        (["--outfile=report"], ["--outfile=PLACE/report"]),
        (["-D", "order=random", "--tags=@a", "-D", "keeper=/bin/true"],) * 2,
        (["features/test-001.feature:949"],) * 2,
        (["-D", "keeper="],) * 2,
    ],
)
def test_paths_are_relative_to_where_the_user_stands(
    place: Path, project: Path, typed: list[str], meant: list[str]
) -> None:
    assert command.from_place(typed, place, project) == [each.replace("PLACE", str(place)) for each in meant]


def test_what_stands_in_the_project_is_taken_as_it_is(project: Path) -> None:
    assert command.from_place(["-o", "report", "x.feature"], project, project) == ["-o", "report", "x.feature"]


def test_configuration_of_the_home_directory_is_none_of_the_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "behave.ini").write_text("[behave]\ndry_run = true\n")
    monkeypatch.setenv("HOME", str(tmp_path))

    with command.only_the_projects_configuration():
        configuration = Configuration([])

    assert not configuration.dry_run
    assert os.environ["HOME"] == str(tmp_path)


def test_help_is_our_own_and_behaves_is_behind_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["-h"]) == 0
    assert "bin/bdd-runner doctor" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        command.main(["--help-behave"])
    assert "--no-skipped" in capsys.readouterr().out
