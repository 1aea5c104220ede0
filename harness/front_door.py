"""What bin/bdd-runner says of itself: its help, on one screen, and whether this machine is fit for it (`doctor`)."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from harness import isolation, ports
from harness.runner import folder, loading
from harness.runner.declared import OF_RUNNER, Option, known
from harness.runner.options import WrongUse

HEAD = """bin/bdd-runner [WHAT] [OPTION]…     runs scenarios of rbee, and says which of them hold
bin/bdd-runner doctor               says whether this machine is fit for that

what     features/test-001.feature        a file, or a directory; all of it without one
         features/test-001.feature:949    one scenario: the line is its address
         --tags=TAGS, --name=PATTERN      what has these tags, or such a name
how      -j N                             N scenarios at a time
         --stop                           begin nothing more after the first red scenario
         --no-capture                     one at a time, with all that happens, live
         -v, -f FORMAT, -o FILE, --junit  steps, too; reports of behave's
"""
TAIL = """exit     0 all passed   1 not all passed   2 wrong use, nothing was run   124 limit of the run
codes    129, 130, 143 ended by SIGHUP, Ctrl+C, SIGTERM
more     docs/runner.md; --help-behave for every option of behave's"""


def help_text() -> str:
    """The help, with every option that was declared."""
    of_runner = {each.name for each in OF_RUNNER}
    own = [each for name, each in known().items() if name not in of_runner]
    rows = [*_rows("-D", OF_RUNNER), *_rows("-D", own)]
    return "\n".join([HEAD, *rows, "", TAIL])


def _rows(label: str, options: Sequence[Option]) -> Iterator[str]:
    for place, each in enumerate(options):
        alternatives = each.values.replace(", ", "|").replace(" or ", "|")
        values = alternatives if "|" in alternatives else each.values.rsplit(" ", 1)[-1].upper()
        yield f"{label if place == 0 else '':8} {f'{each.name}={values}':40} {each.says} ({each.default})"


def doctor(environ: Mapping[str, str]) -> tuple[int, str]:
    """Whether this machine is fit, as an exit code, 0 or 1, and what was looked at, a line each."""
    rows = list(_findings(environ))
    text = "\n".join(f"{'ok  ' if is_fit else 'look'}  {said}" for is_fit, said in rows)
    return int(not all(is_fit for is_fit, _ in rows)), text


def _findings(environ: Mapping[str, str]) -> Iterator[tuple[bool, str]]:
    yield True, f"Python {sys.version.split()[0]}: {sys.executable}"
    outside = loading.strays()
    yield (
        not outside,
        (
            f"{', '.join(outside)}: plain behave takes settings from there; bin/bdd-runner does not"
            if outside
            else "no configuration of behave's outside the project"
        ),
    )
    proxies = sorted(name for name in environ if name.lower() in ("http_proxy", "https_proxy", "all_proxy"))
    yield (
        True,
        (
            f"{', '.join(proxies)}: not handed to the programs of a scenario; unset it to start programs by hand"
            if proxies
            else "no proxy in the environment"
        ),
    )
    place = folder.default_place()
    free_mib = shutil.disk_usage(place).free // 2**20
    least_mib = folder.LEAST_FREE_BYTES // 2**20
    yield (
        free_mib >= least_mib,
        f"{free_mib} MiB free in {place}, where runs have their folders; {least_mib} are needed",
    )
    try:
        yield True, str(isolation.choose({"isolation": "auto"}))
        unmet = isolation.lacking()["direct"]
        yield (
            True,
            (
                f"of a program of yours that ignores HTTP_PROXY nothing is seen: {unmet}"
                if unmet
                else "what a program of yours connects to without HTTP_PROXY is seen, too"
            ),
        )
        ports.check_free()
        yield True, "nobody has rbee's ports on every address"
    except WrongUse as error:
        yield False, str(error)
    missing = [name for name in ("git", "ssh") if shutil.which(name) is None]
    yield not missing, f"missing: {', '.join(missing)}; scripts/test needs it" if missing else "git and ssh are there"
    yield True, f"the project is in {Path.cwd()}"
