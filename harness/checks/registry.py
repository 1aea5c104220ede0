"""What Then steps want to see of the queen's registry of nodes. Every function raises AssertionError with what was
seen."""

from __future__ import annotations

from datetime import UTC, datetime

from behave.model import Table

from harness import expect, fixtures
from harness.evidence import Evidence, made_up

ROUTES = "/v2/registry/beehives"


def expect_request(evidence: Evidence, action: str, table: Table) -> None:
    """The user's program asked the queen exactly once to do `action`, with the fields of the table, and was told
    200."""
    asked = evidence.exchange(role="queen", method="POST", path=f"{ROUTES}/{action}", asker="blep")
    expect.equal(f"how often {action} was asked", len(evidence.exchanges(asker="blep", path=asked.path)), 1)
    sent = {name: evidence.normal(expect.as_text(value)) for name, value in asked.said.items()}
    expect.members(f"the request to {action}", sent, table[0].as_dict())
    expect.equal("the queen's status", asked.status, 200)


def expect_row(evidence: Evidence, node: str, table: Table) -> None:
    """The row of `node` holds the values of the table."""
    row = evidence.registry_row(node)
    seen = {name: evidence.normal(expect.as_text(value)) for name, value in row.items()}
    expect.members(f"the row of {node}", seen, table[0].as_dict())


def expect_connected_at_add(evidence: Evidence, node: str) -> None:
    """The row's last connection lies between the request to add the node and its answer."""
    added = evidence.exchange(role="queen", path=f"{ROUTES}/add")
    assert added.ended_at_us is not None
    first_s, last_s = (evidence.unix_s(at_us) for at_us in (added.asked_at_us, added.ended_at_us))
    seen_s = evidence.registry_row(node)["last_connected_unix"]
    assert seen_s is not None, f"{node} has never been connected"
    assert first_s <= seen_s <= last_s, (
        f"{node} was last connected at {seen_s}; it was added between {first_s} and {last_s}"
    )


def expect_no_row(evidence: Evidence, node: str) -> None:
    """The registry is there and has no row of `node`."""
    evidence.file("blep", fixtures.REGISTRY)
    row = made_up.registry_row("blep", node)
    evidence.none(f"row of {node} in the registry", evidence.registry_rows(node), row)


def expect_times_printed(evidence: Evidence) -> None:
    """The times after `Last connected:` on stdout are those of the rows, in the rows' order."""
    wanted = [datetime.fromtimestamp(row["last_connected_unix"], UTC) for row in evidence.registry_rows()]
    printed = [
        line.split(": ", 1)[1]
        for line in evidence.run().printed("stdout").splitlines()
        if line.startswith("  Last connected: ")
    ]
    assert printed, f"no line begins with 'Last connected:'; stdout is {evidence.printed('stdout')!r}"
    expect.equal("the times printed", printed, [f"{time:%Y-%m-%d %H:%M:%S}" for time in wanted])


def expect_login(evidence: Evidence, node: str, user: str) -> None:
    """The SSH server of `node` let `user` in, with the key that lies in the user's home."""
    login = evidence.event("login", node=node, granted=True)
    expect.equal(f"who logged in to {node}", login["user"], user)
    expect.equal("the key's fingerprint", login["key"], evidence.key_fingerprint())


def expect_ssh_given_up(evidence: Evidence, host: str, limit_s: int) -> None:
    """The network saw exactly one connection to port 22 of `host`, which swallowed what was sent, and who made it gave
    up after `limit_s` seconds."""
    tried = evidence.exchange(host=host, port=22, method="CONNECT")
    expect.equal(f"how often {host} was tried", len(evidence.exchanges(host=host)), 1)
    expect.equal("how it ended", tried.how, "swallowed")
    assert tried.ended_at_us is not None
    expect.period("given up", tried.ended_at_us - tried.asked_at_us, limit_s * 1_000_000, real=evidence.real)


def expect_tools(evidence: Evidence, node: str, directory: str, calls: str) -> None:
    """`git` and `cargo` were called on `node` with exactly these command lines, in this order, in `directory`."""
    evidence.exit_code()
    seen = [evidence.normal(call).split("\t") for call in evidence.tools(node)]
    built = [call for call in seen if call[1].split()[0] in ("git", "cargo")]
    expect.equal(f"the calls of git and cargo on {node}", built, [[directory, call] for call in calls.splitlines()])
