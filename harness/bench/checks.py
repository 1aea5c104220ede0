"""What scripts/test costs: the last section of docs/performance.md."""

from __future__ import annotations

from statistics import median

from harness.bench.measure import Figures

BEGIN, END = "<!-- figures: scripts/bench --checks -->\n", "<!-- end of figures -->\n"
CLOSING = "=== all passed in "  # begins the closing table of scripts/test


def section(of: Figures) -> str:
    """The section, from runs of scripts/test: how long each took, and the closing table of the last one."""
    runs = ", ".join(f"{cost.wall_s:.0f} s ({ratio:.0f} F)" for cost, ratio in zip(of.costs, of.ratios, strict=True))
    f_ms = median(cost.wall_s for cost in of.beside) * 1000
    closing = CLOSING + of.costs[-1].said.rpartition(CLOSING)[2].strip()
    lines = [
        "## The checks",
        "",
        f"`scripts/test` took {runs}; F was {f_ms:.0f} ms. Promised are 200 s on two processors and a quiet machine.",
        "Below each check are the five slowest things in it; unit tests and scenarios run beside each other. End of",
        "the last run:",
        "",
        "```",
        closing,
        "```",
    ]
    return BEGIN + "\n".join(lines) + "\n" + END


def kept(page: str) -> str:
    """The section as it stands in a page; empty where there is none."""
    _, begin, rest = page.partition(BEGIN)
    inner, end, _ = rest.partition(END)
    return begin + inner + end if end else ""


def put(page: str, section: str) -> str:
    """The page with this section in the place of the one that it has, or at its end."""
    old = kept(page)
    return page.replace(old, section) if old else f"{page}\n{section}"
