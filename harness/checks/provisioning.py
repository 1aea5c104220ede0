"""What Then steps want to see of the way of a model to a node. Every function raises AssertionError with what was
seen."""

from __future__ import annotations

from hashlib import sha256
from itertools import accumulate, pairwise

from behave.model import Table

from harness import expect, fixtures
from harness.evidence import Evidence, made_up
from harness.evidence.exchanges import Exchange

CATALOGUED = "cached"  # the id of a download that need not be (docs/contract.md, section 2.2)


def expect_catalogued(evidence: Evidence, node: str, path: str, requests: int) -> None:
    """When the hive of `node` was asked for the model last, it had it at `path`; the hub was asked so often in all."""
    evidence.exit_code()
    asked = {"role": "hive", "node": node, "method": "POST", "path": "/v1/models/download"}
    evidence.exchange(**asked)
    answer = evidence.exchanges(**asked)[-1].answered
    seen = {name: evidence.normal(str(value)) for name, value in answer.items()}
    expect.members("the hive's answer", seen, {"download_id": CATALOGUED, "local_path": path})
    hub = evidence.exchanges(role="hub")
    if not requests:
        evidence.none("request to the hub", hub, made_up.exchange(asker=node, role="hub"))
    expect.equal("how often the hub was asked", len(hub), requests)


def expect_worker_has(evidence: Evidence, node: str, path: str) -> None:
    """The worker process on `node` was started with the model at `path`."""
    worker = evidence.process("llm-worker-rbee", node)
    expect.equal(f"the model of {worker}", evidence.normal(worker.option("--model") or ""), path)


def _progress(evidence: Evidence, node: str) -> Exchange:
    """The progress stream of a download of the hive of `node`, once it has ended."""
    evidence.exchange(role="hive", node=node, method="POST", path="/v1/models/download")
    streams = [one for one in evidence.exchanges(role="hive", node=node) if "/download/progress?" in one.path]
    assert streams, f"nobody followed a download of {node}: {', '.join(map(str, evidence.exchanges()))}"
    return streams[0]


def expect_progress(evidence: Evidence, node: str, table: Table) -> None:
    """The hive's progress stream tells of these bytes so far and in all, in this order, others perhaps between; they
    never grow less, and each time it tells a speed."""
    told = [one for one in _progress(evidence, node).payloads if one.get("stage") == "downloading"]
    seen = [f"{one['bytes_downloaded']} of {one['bytes_total']}" for one in told]
    expect.in_order("the progress", seen, [f"{row['bytes_downloaded']} of {row['bytes_total']}" for row in table])
    for one, other in pairwise(told):
        assert one["bytes_downloaded"] < other["bytes_downloaded"], f"{other} comes after {one}"
    for one in told:
        assert one["speed_mbps"] > 0, f"no speed in {one}"


def expect_complete(evidence: Evidence, node: str, path: str) -> None:
    """The hive's progress stream ends with the stage complete, this local path, and the end mark."""
    stream = _progress(evidence, node)
    last = {name: evidence.normal(str(value)) for name, value in stream.payloads[-1].items()}
    expect.equal("the last event", last, {"stage": "complete", "local_path": path})
    assert stream.end_mark, f"{stream} has no end mark; it ends with {stream.events[-2:]}"


def expect_hubs_bytes(evidence: Evidence, node: str, path: str) -> None:
    """The file at `path` on `node` has the bytes of the hub's, by the SHA-256 that the hub tells."""
    given = evidence.exchange(role="hub", asker=node, how="complete")
    content = evidence.file(node, path).read_bytes()
    expect.equal(f"the SHA-256 of {path}", f'"{sha256(content).hexdigest()}"', given.answer_headers.get("etag"))


def expect_rows(evidence: Evidence, node: str, table: Table) -> None:
    """The catalogue of `node` has exactly the rows of the table; a time of download is told by `expect_time`."""
    rows = [{name: evidence.normal(str(value)) for name, value in row.items()} for row in evidence.catalogue_rows(node)]
    expect.equal(f"how many rows the catalogue of {node} has", len(rows), len(table.rows))
    for seen, wanted in zip(rows, table, strict=True):
        expect.members("the row", seen, wanted.as_dict())


def expect_time(evidence: Evidence, node: str) -> None:
    """The one row in the catalogue of `node` says that its model was downloaded when the hub had given its last byte,
    and no later than the hive told so."""
    given, told = evidence.exchange(role="hub", asker=node, how="complete"), _progress(evidence, node)
    assert given.ended_at_us is not None
    assert told.ended_at_us is not None
    first_s, last_s = (evidence.unix_s(at_us) for at_us in (given.ended_at_us, told.ended_at_us))
    rows = evidence.catalogue_rows(node)
    expect.equal(f"how many rows the catalogue of {node} has", len(rows), 1)
    seen_s = rows[0]["downloaded_at"]
    assert first_s <= seen_s <= last_s, f"downloaded at {seen_s}, says the row; it was between {first_s} and {last_s}"


def expect_size(evidence: Evidence, node: str, path: str, size_bytes: int) -> None:
    """The file at `path` on `node` has this size, and the catalogue of `node` says so of it."""
    expect.equal(f"the size of {path}", evidence.file(node, path).stat().st_size, size_bytes)
    sizes = {evidence.normal(row["local_path"]): row["size_bytes"] for row in evidence.catalogue_rows(node)}
    expect.equal(f"the size of {path} in the catalogue", sizes.get(path), size_bytes)


def expect_attempts(evidence: Evidence, from_bytes: list[int], delays_ms: list[int]) -> None:
    """The hub was asked so often, each time for the file from such a byte on, which is what had not yet arrived, and
    again so many milliseconds after the connection had been cut."""
    evidence.exit_code()
    asked = evidence.exchanges(role="hub", method="GET")
    wanted = [f"bytes={start}-" if start else None for start in from_bytes]
    expect.equal("the ranges that the hub was asked for", [one.headers.get("range") for one in asked], wanted)
    expect.equal("how the answers ended", [one.how for one in asked], ["cut"] * len(asked))
    arrived = list(accumulate(one.size for one in asked[:-1]))
    expect.equal("the bytes that had arrived before each retry", arrived, from_bytes[1:])
    expect.equal("how many retries there were", len(arrived), len(delays_ms))
    for (one, other), delay_ms in zip(pairwise(asked), delays_ms, strict=True):
        assert one.ended_at_us is not None
        waited_us = other.asked_at_us - one.ended_at_us
        expect.delay(f"the wait before {other}", waited_us, delay_ms * 1000, real=evidence.real)


def expect_task_failed(evidence: Evidence, code: str, attempts: int) -> None:
    """The queen's stream of the user's task ends with an error of this code, after so many attempts, and the end
    mark."""
    evidence.exit_code()
    task = evidence.exchange(role="queen", method="POST", path="/v2/tasks", status=200)
    error = task.payloads[-1]
    expect.equal("the type of the last event", error.get("type"), "error")
    expect.equal("the error's code", error.get("code"), code)
    expect.equal("the attempts that it tells", error.get("details", {}).get("attempts"), attempts)
    assert task.end_mark, f"{task} has no end mark; it ends with {task.events[-2:]}"


def expect_nothing_left(evidence: Evidence, node: str, directory: str) -> None:
    """The catalogue of `node` has no row, and nothing lies in its `directory`, though the directory is there."""
    evidence.exit_code()
    evidence.file(node, fixtures.CATALOGUE)
    evidence.file(node, directory)
    evidence.none(f"row in the catalogue of {node}", evidence.catalogue_rows(node), made_up.catalogue_row(node))
    evidence.none(f"file in {directory} on {node}", evidence.files(node, directory), made_up.file(node, directory))
