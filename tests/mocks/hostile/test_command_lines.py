"""Command lines and configuration files that mean no good, for all four programs: one sentence, and an exit code.

The given cases run as programs, since what a process comes with is theirs to deal with; the generated ones in this
process, since a program takes a quarter of a second to start."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from mocks.common import cli
from mocks.common.errors import RbeeError
from mocks.hive import cli as hive
from mocks.keeper import cli as keeper
from mocks.keeper import config
from mocks.queen import cli as queen
from mocks.worker import cli as worker
from tests.mocks.hostile.test_requests import REQUESTS, SEED
from tests.mocks.hostile.values import TEXTS

PROJECT = Path(__file__).resolve().parents[3]
LIMIT_S = 30
PROGRAMS = {"rbee-keeper": keeper, "queen-rbee": queen, "rbee-hive": hive, "llm-worker-rbee": worker}
REGISTER = ["models", "register", "tiny", "--name", "n", "--repo", "r", "--architecture", "a"]


def run(home: Path, name: str, *words: str | bytes, shell: str = '"$@"', **settings: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a program, started by a shell with these redirections."""
    env = {"PATH": "/usr/bin:/bin", "HOME": str(home), "PYTHONPATH": str(PROJECT), "HTTP_PROXY": "http://127.0.0.1:1"}
    argv = ["sh", "-c", shell, "sh", sys.executable, str(PROJECT / "bin" / name), *words]
    done = subprocess.run(argv, env=env | settings, cwd=home, capture_output=True, timeout=LIMIT_S, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.parametrize(
    ("name", "word"), [("rbee-keeper", "--version"), ("queen-rbee", "--help"), ("rbee-hive", "--version")]
)
def test_a_stdout_that_is_full_is_an_error(name: str, word: str, tmp_path: Path) -> None:
    code, _, said = run(tmp_path, name, word, shell='"$@" >/dev/full')

    assert (code, said) == (1, "Error: No space left on device (os error 28)\n")


def test_a_stdout_that_is_closed_takes_everything(tmp_path: Path) -> None:
    assert run(tmp_path, "rbee-keeper", "--version", shell='"$@" >&-') == (0, "", "")


@pytest.mark.parametrize(
    ("name", "shell"),
    [("rbee-keeper", '"$@" 2>&-'), ("rbee-hive", '"$@" 2>/dev/full'), ("llm-worker-rbee", '"$@" >&- 2>&- <&-')],
)
def test_a_usage_error_that_nobody_can_read_is_exit_code_2(name: str, shell: str, tmp_path: Path) -> None:
    assert run(tmp_path, name, "--no-such-option", shell=shell) == (2, "", "")


def test_what_a_queen_without_stdout_logs_is_not_in_her_database(tmp_path: Path) -> None:
    words = ["--database", "nodes.db", "--port", "1"]

    code, _, said = run(tmp_path, "queen-rbee", *words, shell='"$@" >&-', RBEE_BIND_HOST="192.0.2.1")

    assert (code, said) == (1, "Error: Cannot assign requested address (os error 99)\n")
    assert (tmp_path / "nodes.db").read_bytes().startswith(b"SQLite format 3\0")
    assert b"queen-rbee" not in (tmp_path / "nodes.db").read_bytes()


def test_words_that_are_not_utf_8_are_a_usage_error(tmp_path: Path) -> None:
    code, _, said = run(tmp_path, "llm-worker-rbee", b"--name=\xff\xfe")

    assert (code, said.splitlines()[0]) == (2, "error: invalid UTF-8 was detected in one or more arguments")


def test_a_word_that_is_not_utf_8_leaves_the_catalogue_as_it_is(tmp_path: Path) -> None:
    assert run(tmp_path, "rbee-hive", *REGISTER)[0] == 0
    before = (tmp_path / ".test-models" / "catalog.json").read_bytes()

    code, _, _ = run(tmp_path, "rbee-hive", "models", "register", b"\xff", *REGISTER[3:])

    assert code == 2
    assert (tmp_path / ".test-models" / "catalog.json").read_bytes() == before


def test_a_locale_that_has_no_emoji_gets_them_all_the_same(tmp_path: Path) -> None:
    settings = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}

    code, said, _ = run(tmp_path, "rbee-hive", *REGISTER, **settings)

    assert (code, said) == (0, "✅ Model 'tiny' registered\n")


def test_what_is_no_text_is_printed_as_an_escape(tmp_path: Path) -> None:
    code, said, _ = run(tmp_path, "rbee-keeper", "--version", RBEE_VERSION="1.\udcff")

    assert (code, said) == (0, "rbee-keeper 1.\\udcff\n")


def test_a_user_without_a_home_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_001)

    with pytest.raises(RbeeError, match="HOME is not set, and user 4000000001 has no passwd entry: set HOME"):
        config.api_key()


TOML = [
    *("[pool", "a = 2024-13-45", "a = " + "[" * 3000, "a = \0", "\ufeff[pool]", "a = '\ud800'", "[pool]\n[pool]"),
    *("pool = 1", "[pool]\nname = 1", f"a = {'9' * 5000}", "a = 1e400", "a = 99999-01-01", "remote = []", ""),
]


@pytest.mark.parametrize("text", TOML)
def test_a_configuration_that_is_none_is_not_used(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.toml").write_bytes(text.encode(errors="surrogatepass"))
    monkeypatch.setenv("RBEE_CONFIG", str(tmp_path / "config.toml"))

    assert config.remote() == config.Remote()
    assert capsys.readouterr().err.startswith("Warning: configuration ")


@pytest.mark.parametrize("path", ["/dev/zero", "/", "", "/no/such", "/dev/stdin"])
def test_a_configuration_that_is_no_file_is_not_used(
    path: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RBEE_CONFIG", path)

    assert config.remote() == config.Remote()
    assert capsys.readouterr().err.count("\n") == 1


WORDS = {
    "rbee-keeper": "install setup infer workers logs pool add-node list-nodes remove-node list health shutdown models"
    " worker git status spawn stop download catalog register pull build --system --name --ssh-host --ssh-port"
    " --ssh-user --ssh-key --git-repo --git-branch --install-path --node --model --prompt --max-tokens --temperature"
    " --backend --device --ephemeral --follow --host --id --gpu --repo --architecture",
    "queen-rbee": "daemon -p --port -d --database -c --config -p1 --port=1",
    "rbee-hive": "daemon models worker status detect download list catalog register unregister spawn stop --addr --port"
    " --name --repo --architecture --model --gpu cpu",
    "llm-worker-rbee": "--worker-id --model --port --callback-url --backend --device --cuda-device --api-key cpu 8001",
}
ODD = [*TEXTS, "--", "-h", "-V", "--version", "--help", "-xyz", "--port=" + "9" * 5000, "9" * 5000, "nan", "1_0", " 1"]


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_every_command_line_is_taken_or_refused_in_words(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = PROGRAMS[name]
    plain = st.sampled_from(WORDS[name].split()) | st.sampled_from([word for word in ODD if "\0" not in word])

    @seed(SEED)
    @settings(max_examples=max(1, REQUESTS // 4), deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(plain, max_size=12))
    def check(words: list[str]) -> None:
        code, out, err = ended(lambda: cli.run(lambda _: 0, program.PARSER), [name, *words], monkeypatch)

        assert code in (0, 2)
        assert "Traceback" not in err
        if code == 2:
            assert out == ""
            assert err.startswith(("error: ", "Usage: "))

    check()


def ended(program: Callable[[], object], argv: list[str], monkeypatch: pytest.MonkeyPatch) -> tuple[object, str, str]:
    """How a program ends in this process: exit code, stdout and stderr."""
    out, err = io.StringIO(), io.StringIO()
    with monkeypatch.context() as patch:
        for name, value in {"argv": argv, "stdout": out, "stderr": err}.items():
            patch.setattr(sys, name, value)
        with pytest.raises(SystemExit) as end:
            program()
    return end.value.code, out.getvalue(), err.getvalue()


@seed(SEED)
@settings(max_examples=max(1, REQUESTS // 4), deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.sampled_from(
            [
                "[",
                "]",
                "{",
                "}",
                "=",
                '"',
                "'",
                "\n",
                "a",
                "pool",
                "1",
                "2024-13-45",
                "\\u",
                ":",
                "- ",
                "? ",
                "&a ",
                "*a",
                "!!int ",
                "!!timestamp ",
                "\0",
                "<<",
                ", ",
                "😀",
                "#",
            ]
        ),
        max_size=30,
    ).map("".join)
    | st.text(max_size=60)
    | st.sampled_from(TOML)
)
def test_every_configuration_file_is_read_or_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    home = tmp_path_factory.getbasetemp() / "configured"
    (home / ".rbee").mkdir(parents=True, exist_ok=True)
    for file in (home / "config.toml", home / ".rbee" / "config.yaml"):
        file.write_bytes(text.encode(errors="surrogatepass"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.setenv("RBEE_CONFIG", str(home / "config.toml"))
        patch.setattr(sys, "stderr", io.StringIO())

        config.remote()
        with contextlib.suppress(RbeeError):
            config.api_key()
