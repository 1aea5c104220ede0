"""The phrase book: every sentence that there is, once, by area, with an example from the features."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from harness.hygiene import FEATURES, Definition, Sentence, candidates, load_definitions, load_scenarios, sentences_of

KINDS = ("given", "when", "then")


def book(features: Path) -> Iterator[str]:
    """The lines of the book."""
    definitions = sorted(load_definitions(features), key=_place)
    examples = _examples(list(sentences_of(load_scenarios(features))), definitions)
    for file, several in groupby(definitions, key=lambda one: one.matcher.location.filename):
        yield from ("", f"{Path(file).stem}: {_docstring(Path(file))}", "")
        for one in sorted(several, key=lambda one: (KINDS.index(one.matcher.step_type), _place(one))):
            yield f"  {one.matcher.step_type.capitalize():5} {one.matcher.pattern}"
            example = examples.get(one.place)
            if example is not None and example.step.name != one.matcher.pattern:
                yield f"        {example.step.name}"
            if example is not None:
                yield f"        {example.place}{' with a table' if example.step.table else ''}"


def _examples(sentences: Sequence[Sentence], definitions: Sequence[Definition]) -> dict[str, Sentence]:
    """The first sentence for each definition, by the definition's place."""
    found: dict[str, Sentence] = {}
    for sentence in sentences:
        for definition in candidates(sentence, definitions):
            found.setdefault(definition.place, sentence)
    return found


def _docstring(file: Path) -> str:
    return file.read_text(encoding="utf-8").partition('"""')[2].partition('"""')[0].strip().partition("\n")[0]


def _place(definition: Definition) -> tuple[str, int]:
    return definition.matcher.location.filename, definition.matcher.location.line


def main(features: Path = FEATURES) -> int:
    """Print the book; the exit code is 0."""
    print(*book(features), sep="\n")
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # whoever reads it may stop in the middle
    sys.exit(main())
