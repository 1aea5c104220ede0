"""Bodies and queries, read as rbee's servers read them."""

from __future__ import annotations

import json
from typing import Any

import flask
import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from mocks.common import connection, fields, serve
from mocks.common.fields import Field

ADD = (Field("node_name"), Field("ssh_port", "u16", required=False, default=22), Field("ssh_key_path", nullable=True))
INFERENCE = (
    Field("max_tokens", "u32"),
    Field("temperature", "f32", required=False, default=1.0),
    Field("stop", "strs", required=False, default=[]),
    Field("stream", "bool", required=False, default=True),
    Field("seed", "u64", nullable=True),
)
REFUSED = "Failed to deserialize the JSON body into the target type: "


@pytest.fixture(scope="module")
def asker() -> FlaskClient:
    app = serve.application("asked")

    @app.post("/add")
    def add() -> dict[str, Any]:
        return fields.body(flask.request, *ADD)

    @app.post("/inference")
    def inference() -> dict[str, Any]:
        return fields.body(flask.request, *INFERENCE)

    @app.get("/logs")
    def logs() -> dict[str, Any]:
        follow = Field("follow", "bool", required=False, default=False)
        return fields.query(flask.request, Field("node"), follow, Field("lines", "u16", required=False))

    return app.test_client()


def post(asker: FlaskClient, path: str, text: str) -> tuple[int, str]:
    answer = asker.post(path, data=text.encode(), content_type="application/json")
    return answer.status_code, answer.get_data(as_text=True)


def test_absent_fields_get_their_defaults_and_unknown_ones_are_ignored(asker: FlaskClient) -> None:
    status, text = post(asker, "/add", '{"node_name": "n", "colour": "blue"}')

    assert (status, json.loads(text)) == (200, {"node_name": "n", "ssh_port": 22, "ssh_key_path": None})


def test_a_nullable_field_may_be_null(asker: FlaskClient) -> None:
    status, text = post(asker, "/add", '{"node_name": "n", "ssh_key_path": null}')

    assert (status, json.loads(text)["ssh_key_path"]) == (200, None)


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/jsonp"])
def test_another_content_type_is_415(asker: FlaskClient, content_type: str | None) -> None:
    answer = asker.post("/add", data=b"{}", content_type=content_type)

    assert (answer.status_code, answer.text) == (415, "Expected request with `Content-Type: application/json`")


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "application/x+json", "Application/JSON"])
def test_kinds_of_json_pass(asker: FlaskClient, content_type: str) -> None:
    answer = asker.post("/add", data=b'{"node_name": "n"}', content_type=content_type)

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "EOF while parsing a value at line 1 column 0"),
        ('{"node_name": "n"', "EOF while parsing a value at line 1 column 17"),
        ("nonsense", "expected value at line 1 column 1"),
        ('{"a": NaN}', "expected value, found NaN"),
    ],
)
def test_what_is_not_json_is_400(asker: FlaskClient, text: str, words: str) -> None:
    status, said = post(asker, "/add", text)

    assert (status, said) == (400, f"Failed to parse the request body as JSON: {words}")


@pytest.mark.parametrize(
    ("path", "text", "words"),
    [
        ("/add", '{"ssh_port":22}', "missing field `node_name` at line 1 column 15"),
        (
            "/add",
            '{"node_name":"n",\n "ssh_port":"22"}',
            'ssh_port: invalid type: string "22", expected u16 at line 2 column 16',
        ),
        ("/add", '{"node_name":null}', "node_name: invalid type: null, expected a string at line 1 column 17"),
        ("/add", '{"node_name":["n"]}', "node_name: invalid type: sequence, expected a string at line 1 column 18"),
        (
            "/add",
            '{"node_name":"ü","ssh_port":65536}',
            "ssh_port: invalid value: integer `65536`, expected u16 at line 1 column 34",
        ),
        (
            "/inference",
            '{"max_tokens":-1}',
            "max_tokens: invalid value: integer `-1`, expected u32 at line 1 column 16",
        ),
        (
            "/inference",
            '{"max_tokens":5.0}',
            "max_tokens: invalid type: floating point `5.0`, expected u32 at line 1 column 17",
        ),
        (
            "/inference",
            '{"max_tokens":true}',
            "max_tokens: invalid type: boolean `true`, expected u32 at line 1 column 18",
        ),
        (
            "/inference",
            '{"temperature":"hot"}',
            'temperature: invalid type: string "hot", expected f32 at line 1 column 20',
        ),
        ("/inference", '{"stop":{}}', "stop: invalid type: map, expected a sequence at line 1 column 10"),
        ("/inference", '{"stop":["a",5]}', "stop[1]: invalid type: integer `5`, expected a string at line 1 column 15"),
        ("/add", "[]", "invalid type: sequence, expected an object at line 1 column 2"),
    ],
)
def test_what_does_not_fit_is_422(asker: FlaskClient, path: str, text: str, words: str) -> None:
    status, said = post(asker, path, text)

    assert (status, said) == (422, REFUSED + words)


@given(
    st.fixed_dictionaries(
        {"max_tokens": st.integers(0, 2**32 - 1)},
        optional={
            "temperature": st.floats(allow_nan=False, allow_infinity=False) | st.integers(),
            "stop": st.lists(st.text()),
            "stream": st.booleans(),
            "seed": st.none() | st.integers(0, 2**64 - 1),
        },
    )
)
def test_values_that_fit_arrive_as_they_are(asker: FlaskClient, given_fields: dict[str, Any]) -> None:
    status, text = post(asker, "/inference", json.dumps(given_fields, indent=1))

    assert status == 200
    assert json.loads(text).items() >= given_fields.items()


@given(st.text())
def test_any_text_gets_an_answer_of_the_caller_s_fault_or_none(asker: FlaskClient, text: str) -> None:
    answer = asker.post("/add", data=text.encode("utf-8", "surrogatepass"), content_type="application/json")

    assert answer.status_code in (400, 422)


def test_a_body_over_the_limit_is_413(asker: FlaskClient) -> None:
    status, said = post(asker, "/add", json.dumps({"node_name": "n" * connection.BODY_LIMIT}))

    assert (status, said) == (413, "Failed to buffer the request body: length limit exceeded")


def test_a_query_gives_values_of_their_kinds(asker: FlaskClient) -> None:
    answer = asker.get("/logs?node=a%20b&follow=true&lines=5")

    assert answer.json == {"node": "a b", "follow": True, "lines": 5}


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "missing field `node`"),
        ("?node=n&follow=yes", "follow: provided string was not `true` or `false`"),
        ("?node=n&lines=-1", "lines: invalid digit found in string"),
        ("?node=n&lines=65536", "lines: number too large to fit in target type"),
    ],
)
def test_a_query_that_does_not_fit_is_400(asker: FlaskClient, query: str, words: str) -> None:
    answer = asker.get(f"/logs{query}")

    assert (answer.status_code, answer.text) == (400, f"Failed to deserialize query string: {words}")
