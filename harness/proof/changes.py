"""What a sentence says, and the same with one thing changed: an argument, a cell of its table, a line of its text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from behave.matchers import Match
from behave.model import Step, Table, Text


@dataclass(frozen=True)
class Said:
    """The arguments, text and table of a sentence. arguments: (name or None, value), in order."""

    arguments: tuple[tuple[str | None, Any], ...]
    text: Text | None
    table: Table | None


def said(match: Match, step: Step) -> Said:
    """What `step` says, which the definition of `match` understands."""
    return Said(tuple((argument.name, argument.value) for argument in match.arguments or ()), step.text, step.table)


def changes(sentence: Said) -> Iterator[tuple[str, list[Said]]]:
    """For each thing that the sentence says: what it is, and the sentence with other values in its place."""
    for index, (name, value) in enumerate(sentence.arguments):
        before, after = sentence.arguments[:index], sentence.arguments[index + 1 :]
        changed = [replace(sentence, arguments=(*before, (name, other), *after)) for other in _others(value)]
        yield f"the argument {name or index + 1} ({value!r})", changed
    if sentence.text is not None:
        yield from _text_changes(sentence, sentence.text)
    if sentence.table is not None:
        yield from _table_changes(sentence, sentence.table)


def _others(value: Any) -> list[Any]:
    """Other values of the same kind; of a kind that is not known, something that is equal to nothing."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int | float):
        return [value + 1, value - 1, -1 - abs(value)]  # the last one is beyond every bound
    if isinstance(value, str):
        return [f"{value}~", f"~{value}"]
    return [object()]


def _text_changes(sentence: Said, text: Text) -> Iterator[tuple[str, list[Said]]]:
    lines = text.splitlines()
    for index, line in enumerate(lines):
        changed = ["\n".join([*lines[:index], other, *lines[index + 1 :]]) for other in _others(line)]
        texts = [Text(other, text.content_type, text.line) for other in changed]
        yield f"line {index + 1} of the text ({line!r})", [replace(sentence, text=other) for other in texts]


def _table_changes(sentence: Said, table: Table) -> Iterator[tuple[str, list[Said]]]:
    cells = [list(table.headings), *(list(row.cells) for row in table.rows)]
    for number, row in enumerate(cells):
        for column, cell in enumerate(row):
            where = f"row {number}" if number else "the heading"
            tables = [_table(cells, number, column, other, table.line) for other in _others(cell)]
            yield f"{where} of the table ({cell!r})", [replace(sentence, table=other) for other in tables]


def _table(cells: list[list[str]], number: int, column: int, other: str, line: int) -> Table:
    changed = [list(row) for row in cells]
    changed[number][column] = other
    return Table(changed[0], changed[1:], line)
