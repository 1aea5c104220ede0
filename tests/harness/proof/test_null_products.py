"""The null products: they do nothing for rbee, and say what they should say."""

from __future__ import annotations

import http.client
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.proof import null_products
from harness.proof.null_products import NullProduct, Score

LIMIT_S = 20


@pytest.fixture
def products(tmp_path: Path) -> dict[str, NullProduct]:
    return {product.name: product for product in null_products.products(tmp_path)}


def test_every_program_is_replaced_in_every_way_and_all_at_once(products: dict[str, NullProduct]) -> None:
    ways = {"is not there", *null_products.ANSWERS}

    served = {f"{role}: {way}" for role in ("queen", "hive", "worker") for way in ways} - {"queen: is not there"}
    assert served <= products.keys()
    assert {"keeper: /bin/true", "keeper: /bin/false", "keeper: says what is wanted"} <= products.keys()
    assert len(products["all: not there"].programs) == 4


def test_the_keeper_that_cheats_says_what_the_feature_wants_and_ends_so(products: dict[str, NullProduct]) -> None:
    program = products["keeper: says what is wanted"].programs["keeper"]

    done = subprocess.run(
        [program, "setup", "list-nodes"], capture_output=True, text=True, timeout=LIMIT_S, check=False
    )

    assert "blep (blep.home.arpa)\n  Status: reachable\n" in done.stdout
    assert done.returncode == 0


@pytest.fixture
def answering(products: dict[str, NullProduct], request: pytest.FixtureRequest) -> Iterator[int]:
    """The port of a server of this name."""
    program = products[f"queen: {request.param}"].programs["queen"]
    with subprocess.Popen([program, "--port", "0"], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield int(server.stdout.readline().split()[-1])
        server.kill()


@pytest.mark.parametrize(
    ("answering", "status", "body"),
    [("answers 404", 404, b""), ("answers 200 {}", 200, b"{}")],
    indirect=["answering"],
)
def test_a_server_answers_everything_alike(answering: int, status: int, body: bytes) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", answering, timeout=LIMIT_S)

    connection.request("POST", "/v2/tasks")

    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (status, body)
    connection.close()


@pytest.mark.parametrize("answering", ["never answers"], indirect=True)
def test_a_server_that_never_answers_keeps_the_connection(answering: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", answering, timeout=0.3)
    connection.request("GET", "/")

    with pytest.raises(TimeoutError):
        connection.getresponse()
    connection.close()


@pytest.mark.parametrize(
    ("score", "is_null"),
    [
        (Score(NullProduct("x", {}, True), planned=62, verdicts=62, using=9, green=[]), True),
        (Score(NullProduct("x", {}, True), planned=62, verdicts=62, using=9, green=["f:33"]), False),
        (Score(NullProduct("x", {}, True), planned=62, verdicts=61, using=9, green=[]), False),
        (Score(NullProduct("x", {}, True), planned=62, verdicts=62, using=0, green=[]), False),
    ],
)
def test_only_a_product_without_a_green_scenario_is_null(score: Score, is_null: bool) -> None:
    assert score.is_null == is_null
