"""Reading a request's body or query as rbee's servers read it, with their words when it does not fit.

The answers are plain text, as in docs/contract.md, section 2.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

import flask

Kind = Literal["str", "bool", "u16", "u32", "u64", "f32", "strs"]
"""What a field holds: text, a truth, a whole number of so many bits, a number, a list of texts."""

_LARGEST = {"u16": 2**16 - 1, "u32": 2**32 - 1, "u64": 2**64 - 1}
_EXPECTED = {"str": "a string", "bool": "a boolean", "strs": "a sequence"}
_JSON_TYPE = re.compile(r"application/([^;]+\+)?json\s*(;.*)?", re.IGNORECASE)
_SURROGATE = re.compile(r"\\u[dD]")
_BRACKETS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]', re.DOTALL)
_STEPS = {"[": 1, "{": 1, "]": -1, "}": -1}
DEEPEST = 127
"""How deep the values of a body may lie in each other."""
_LONGEST = 20
"""So many digits the largest number of 64 bits has."""
_SPACE = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True)
class Field:
    """One field of a request: its name and kind, whether it must be there, what stands for it when it is not.

    A `nullable` field may be null, and is None when it is absent.
    """

    name: str
    kind: Kind = "str"
    required: bool = True
    default: Any = None
    nullable: bool = False


class _UnfitError(Exception):
    """A value that does not fit its field; its text says why."""


def body(request: flask.Request, *fields: Field) -> dict[str, Any]:
    """The values of `fields` in a JSON body, by name; what else the body holds is ignored.

    Aborts the request with 415 (content type), 400 (not JSON), 422 (a field is missing or does not fit) or 413.
    """
    _check_content_type(request)
    text = _text(request)
    document = _parsed(text)
    prefix = "Failed to deserialize the JSON body into the target type: "
    if not isinstance(document, dict):
        _refuse(422, f"{prefix}invalid type: {_found(document)}, expected an object {_place(text, len(text.rstrip()))}")
    ends: dict[str, int] = {}
    for name, end in _value_ends(text):
        if name in ends and any(field.name == name for field in fields):
            _refuse(422, f"{prefix}duplicate field `{name}` {_place(text, end)}")
        ends[name] = end
    values: dict[str, Any] = {}
    # As rbee does it: what is there is read first, then what is missing is missed.
    for field in sorted(fields, key=lambda field: field.name not in document):
        try:
            if field.name in document:
                values[field.name] = _fit(field, document[field.name])
            else:
                values[field.name] = _absent(field)
        except _UnfitError as unfit:
            end = ends.get(field.name, len(text.rstrip()))
            _refuse(422, f"{prefix}{unfit} {_place(text, end)}")
    return values


def members(request: flask.Request) -> tuple[str, ...]:
    """The names of what a JSON body holds, for a route that takes one of several; () where `body` would refuse it.

    Aborts the request as `body` does for what is no JSON."""
    _check_content_type(request)
    document = _parsed(_text(request))
    return tuple(document) if isinstance(document, dict) else ()


def query(request: flask.Request, *fields: Field) -> dict[str, Any]:
    """The values of `fields` in the query, by name. Aborts the request with 400 when one is missing or does not fit."""
    values: dict[str, Any] = {}
    for field in fields:
        try:
            given = request.args.getlist(field.name)
            if len(given) > 1:
                raise _UnfitError(f"duplicate field `{field.name}`")
            values[field.name] = _from_text(field, given[0]) if given else _absent(field)
        except _UnfitError as unfit:
            _refuse(400, f"Failed to deserialize query string: {unfit}")
    return values


def _refuse(status: int, text: str) -> NoReturn:
    flask.abort(flask.Response(text, status, content_type="text/plain; charset=utf-8"))


def _check_content_type(request: flask.Request) -> None:
    if not _JSON_TYPE.fullmatch(request.headers.get("Content-Type", "").strip()):
        _refuse(415, "Expected request with `Content-Type: application/json`")


def _text(request: flask.Request) -> str:
    limit = request.max_content_length
    if limit is not None and (request.content_length or 0) > limit:
        _refuse(413, "Failed to buffer the request body: length limit exceeded")
    try:
        return request.get_data().decode()
    except UnicodeDecodeError as error:
        _refuse(400, f"Failed to parse the request body as JSON: invalid unicode code point at byte {error.start}")


def _parsed(text: str) -> Any:
    prefix = "Failed to parse the request body as JSON: "
    try:
        _check_depth(text)
        document = _DECODER.decode(text)
        if _SURROGATE.search(text):
            json.dumps(document, ensure_ascii=False).encode()
        return document
    except json.JSONDecodeError as error:
        if error.pos >= len(text.rstrip()):
            _refuse(400, f"{prefix}EOF while parsing a value {_place(text, len(text))}")
        what = error.msg.lower().replace("expecting", "expected")
        _refuse(400, f"{prefix}{what} {_place(text, error.pos + 1)}")
    except UnicodeEncodeError:
        _refuse(400, f"{prefix}lone leading surrogate in hex escape {_place(text, len(text.rstrip()))}")
    except _UnfitError as error:
        _refuse(400, f"{prefix}{error}")


def _check_depth(text: str) -> None:
    """Refuse what nests deeper than serde reads it; Python would follow until its stack ends."""
    depth = 0
    for found in _BRACKETS.finditer(text):
        depth += _STEPS.get(found[0], 0)
        if depth > DEEPEST:
            raise _UnfitError(f"recursion limit exceeded {_place(text, found.end())}")


def _whole(digits: str) -> int | float:
    """A whole number as serde has it: one that 64 bits do not hold is a floating point."""
    number = int(digits) if len(digits) <= _LONGEST else _real(digits)
    return number if isinstance(number, int) and -(2**63) <= number < 2**64 else _real(digits)


def _real(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise _UnfitError("number out of range")
    return number


def _no_constant(name: str) -> NoReturn:
    raise _UnfitError(f"expected value, found {name}")


_DECODER = json.JSONDecoder(parse_int=_whole, parse_float=_real, parse_constant=_no_constant)


def _value_ends(text: str) -> Iterator[tuple[str, int]]:
    """Name and end of each member of the object that `text`, valid JSON, holds."""
    position = _skip(text, text.index("{") + 1)
    while text[position] != "}":
        name, position = _DECODER.raw_decode(text, position)
        _, position = _DECODER.raw_decode(text, _skip(text, _skip(text, position) + 1))
        yield name, position
        position = _skip(text, position)
        if text[position] == ",":
            position = _skip(text, position + 1)


def _skip(text: str, position: int) -> int:
    space = _SPACE.match(text, position)
    return space.end() if space else position


def _place(text: str, end: int) -> str:
    """Where the character before `end` stands; columns count bytes."""
    line = text.count("\n", 0, end) + 1
    column = len(text[text.rfind("\n", 0, end) + 1 : end].encode())
    return f"at line {line} column {column}"


def _absent(field: Field) -> Any:
    if field.required and not field.nullable:
        raise _UnfitError(f"missing field `{field.name}`")
    return field.default


def _fit(field: Field, value: Any) -> Any:
    if value is None and field.nullable:
        return None
    if field.kind == "strs" and isinstance(value, list):
        for position, item in enumerate(value):
            _check(f"{field.name}[{position}]", "str", item)
        return value
    _check(field.name, field.kind, value)
    return value


def _check(path: str, kind: str, value: Any) -> None:
    largest = _LARGEST.get(kind)
    whole = isinstance(value, int) and not isinstance(value, bool)
    if largest is not None and whole:
        if not 0 <= value <= largest:
            raise _UnfitError(f"{path}: invalid value: {_found(value)}, expected {kind}")
    elif not (
        (kind == "str" and isinstance(value, str))
        or (kind == "bool" and isinstance(value, bool))
        or (kind == "f32" and (whole or isinstance(value, float)))
    ):
        raise _UnfitError(f"{path}: invalid type: {_found(value)}, expected {_EXPECTED.get(kind, kind)}")


def _found(value: Any) -> str:
    """A JSON value in the words of serde, the library with which rbee reads JSON."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return f"boolean `{str(value).lower()}`"
    if isinstance(value, int):
        return f"integer `{value}`"
    if isinstance(value, float):
        return f"floating point `{value}`"
    if isinstance(value, str):
        return f"string {json.dumps(value, ensure_ascii=False)}"
    return "map" if isinstance(value, Mapping) else "sequence"


def _from_text(field: Field, text: str) -> Any:
    """A value of a query, where everything is text."""
    if field.kind == "bool":
        if text not in ("true", "false"):
            raise _UnfitError(f"{field.name}: provided string was not `true` or `false`")
        return text == "true"
    largest = _LARGEST.get(field.kind)
    if largest is not None:
        if not text.isascii() or not text.isdigit():
            raise _UnfitError(f"{field.name}: invalid digit found in string")
        digits = text.lstrip("0") or "0"
        if len(digits) > _LONGEST or int(digits) > largest:
            raise _UnfitError(f"{field.name}: number too large to fit in target type")
        return int(digits)
    return text
