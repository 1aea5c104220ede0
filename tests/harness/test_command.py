"""The command line of bin/bdd-runner: where LLORCH_BDD_FEATURE_PATH leads, and that wrong use is 2."""

from pathlib import Path

import pytest

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
