"""The section of docs/performance.md on scripts/test, from made-up runs."""

from harness.bench.checks import kept, put, section
from harness.bench.measure import Cost, Figures

CLOSING = "=== all passed in 9 s on Python 3.11.7, of which\n    9 s  lint\nchecks: 1 passed, 0 failed"


def made() -> str:
    last = Cost(9.0, 9.0, 7, f"=== lint: ruff\nfine\n\n{CLOSING}\n")
    return section(Figures([Cost(8.0, 8.0, 7), last], [Cost(0.25, 0.25, 1), Cost(0.5, 0.5, 1)]))


def test_it_has_every_run_beside_f_and_the_closing_table_of_the_last() -> None:
    assert "took 8 s (32 F), 9 s (18 F); F was 375 ms." in made()
    assert f"```\n{CLOSING}\n```" in made()


def test_it_takes_the_place_of_the_one_that_is_there() -> None:
    page = put("# Performance\n", "")

    assert kept(page) == ""
    assert put(put(page, made()), made()) == put(page, made())
    assert kept(put(page, made())) == made()
