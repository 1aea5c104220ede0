"""The suite against products that do nothing: none of the scenarios that use such a program may be green.

    python -m harness.proof.null_products [--quick] [RUN_FOLDER]

RUN_FOLDER is that of a run with the stand-ins, which tells who uses a hive or a worker; without one the suite is run
first. The quick ones need none: it is the harness that starts keeper and queen."""

from __future__ import annotations

import argparse
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.programs import PROGRAMS
from harness.proof import used
from harness.report import log
from harness.runner.folder import default_place

PROJECT = Path(__file__).resolve().parents[2]
NULLS = Path(__file__).parent / "nulls"
FEATURE = PROJECT / "features" / "test-001.feature"
# A null product waits for nothing, so it can live on the stage's clock, where the limits of the others take no time.
# What never comes is not waited for: least of all a queen, past whose health no scenario gets.
WAIT_S, WAIT_FOR_QUEEN_S, LIMIT_S = 2, 0.5, 30
JOBS = 4  # most of them wait
ANSWERS = {"answers 404": "404 Not Found\r\n\r\n", "answers 200 {}": "200 OK\r\n\r\n{}", "never answers": None}
NOTHING = Path("/bin/true")


@dataclass(frozen=True)
class NullProduct:
    """What stands where which program should be. quick: the harness itself starts the program."""

    name: str
    programs: Mapping[str, Path]
    quick: bool

    @property
    def wait_s(self) -> float:
        """How long a step waits for it at most, in seconds of real time."""
        return WAIT_FOR_QUEEN_S if "queen" in self.programs else WAIT_S


@dataclass(frozen=True)
class Score:
    """What became of a null product: how many scenarios were planned and have a verdict, and of those that use one of
    its programs, how many there are and which are green."""

    product: NullProduct
    planned: int
    verdicts: int
    using: int
    green: Sequence[str]

    @property
    def is_null(self) -> bool:
        """Whether it is worth nothing, as it should be."""
        return not self.green and self.verdicts == self.planned and self.using > 0


def products(directory: Path) -> list[NullProduct]:
    """The null products; their programs are written to `directory`."""
    cheat = _written(directory / "says-what-is-wanted", "says_what_is_wanted", FEATURE=str(FEATURE))
    keepers = {"/bin/true": NOTHING, "/bin/false": Path("/bin/false"), "says what is wanted": cheat}
    found = [NullProduct(f"keeper: {name}", {"keeper": path}, True) for name, path in keepers.items()]
    servers = {name: _written(directory / name.replace(" ", "-"), "answers", ANSWER=a) for name, a in ANSWERS.items()}
    servers["is not there"] = NOTHING
    for role in ("queen", "hive", "worker"):
        found += [NullProduct(f"{role}: {name}", {role: path}, role == "queen") for name, path in servers.items()]
    # Without a queen nobody else is ever started: that nobody is there says it of her, too.
    found = [product for product in found if product.name != "queen: is not there"]
    return [*found, NullProduct("all: not there", dict.fromkeys(PROGRAMS, NOTHING), True)]


def _written(path: Path, source: str, **known: str | None) -> Path:
    """The program of this source, for the Python that runs us, with what it needs to know."""
    lines = [f"#!{sys.executable}", *(f"{name} = {value!r}" for name, value in known.items())]
    path.write_text("\n".join([*lines, (NULLS / f"{source}.py").read_text(encoding="utf-8")]), encoding="utf-8")
    path.chmod(0o755)
    return path


def run(directory: Path, settings: Mapping[str, object], locations: Sequence[str] = ()) -> None:
    """Run the suite, or the scenarios at some locations, with these settings (`-D`), into the run folder `directory`.
    It says nothing."""
    words = [word for name, value in settings.items() for word in ("-D", f"{name}={value}")]
    command = [
        sys.executable,
        "-m",
        "harness.command",
        "--format",
        "null",
        "--no-summary",
        "-D",
        f"run_dir={directory}",
    ]
    subprocess.run(
        [*command, *words, *locations], cwd=PROJECT, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )


def baseline(parser: argparse.ArgumentParser, run_folder: Path | None, directory: Path) -> dict[str, list[str]]:
    """Location → what the scenario uses, as the run in `run_folder` has recorded it; without one the suite is run in
    `directory`. Ends the program with exit code 2 when nothing is recorded."""
    if run_folder is None:
        run(directory, {})
    try:
        return used.recorded(run_folder or directory)
    except OSError as error:
        parser.error(f"that run has not recorded what its scenarios use: {error}")


def score(product: NullProduct, directory: Path, uses: Mapping[str, Sequence[str]] | None) -> Score:
    """Run the suite against `product`. uses: location → what the scenario uses of the true product; None: take what
    it used of this one."""
    settings = {"clock": "stage", "jobs": JOBS, "wait_s": product.wait_s, "limit_s": LIMIT_S}
    run(directory, {**product.programs, **settings})
    events = list(log.read(directory / "events.jsonl"))
    verdicts = {event["location"]: event["verdict"] for event in events if event["event"] == "verdict"}
    names = {PROGRAMS[option] for option in product.programs}
    known = used.recorded(directory) if uses is None else uses
    using = [where for where, what in known.items() if names & {words.split()[0] for words in what}]
    green = [where for where in using if verdicts.get(where) == "passed"]
    return Score(product, sum(event["event"] == "planned" for event in events), len(verdicts), len(using), green)


def main(arguments: Sequence[str]) -> int:
    """Print a line for each null product; the exit code is 0 when all are worth nothing, else 1."""
    parser = argparse.ArgumentParser(prog="scripts/null-products", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="only keepers and queens")
    parser.add_argument("run_folder", nargs="?", type=Path, help="of a run with the stand-ins; else the suite is run")
    chosen = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the run under way is ended, too
    with tempfile.TemporaryDirectory(prefix="rn-", dir=default_place()) as temporary:
        directory = Path(temporary)
        uses = None if chosen.quick else baseline(parser, chosen.run_folder, directory / "0")
        wanted = [product for product in products(directory) if product.quick or not chosen.quick]
        scores = []
        for number, product in enumerate(wanted, 1):
            began_s = time.monotonic()
            scores.append(score(product, directory / str(number), uses))
            shutil.rmtree(directory / str(number))  # what red scenarios have kept
            print(f"{_line(scores[-1])} ({time.monotonic() - began_s:.1f} s)", flush=True)
    bad = [one for one in scores if not one.is_null]
    print(f"null products: {len(scores) - len(bad)} of {len(scores)} score zero")
    return 1 if bad else 0


def _line(score: Score) -> str:
    verdicts = f"{score.verdicts} of {score.planned} verdicts"
    green = "".join(f"    green: {where}\n" for where in score.green)
    return f"{green}{score.product.name}: {len(score.green)} of {score.using} that use it, {verdicts}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
