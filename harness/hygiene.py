"""Hygiene of sentences: what behave itself does not notice about features and step definitions.

behave finds an ambiguous definition only when the general pattern was loaded before the special one, and says nothing
about an unused definition or an argument that nobody looks at. In steps, `context.stage` is the handle that acts and
`context.evidence` the one that reads.
"""

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, permutations
from pathlib import Path
from typing import Any

from behave.matchers import get_step_matcher_factory
from behave.parser import parse_file
from behave.runner_util import exec_file, load_step_modules
from behave.step_registry import AmbiguousStep, registry

FEATURES = Path(__file__).resolve().parent.parent / "features"
ACTING = "stage"
READING = "evidence"
# What a Then function may ask its context for.
SEEN_BY_THEN = {READING, "text", "table"}
WORK_IN_PROGRESS = "wip"


@dataclass(frozen=True)
class Definition:
    """A step definition: its function under one pattern."""

    matcher: Any
    body: ast.FunctionDef

    @property
    def place(self) -> str:
        """File and line of the function."""
        return str(self.matcher.location)

    @property
    def context(self) -> str:
        """The name by which the function knows behave's context."""
        return self.body.args.args[0].arg

    def context_uses(self) -> Iterator[ast.expr]:
        """Each use of the context: the attribute where one is asked for, else the bare name."""
        attributes = [
            node
            for node in ast.walk(self.body)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == self.context
        ]
        asked = {id(attribute.value) for attribute in attributes}
        yield from attributes
        for node in ast.walk(self.body):
            if isinstance(node, ast.Name) and node.id == self.context and id(node) not in asked:
                yield node

    def context_attributes(self) -> set[str]:
        """The names that the function asks of its context."""
        return {use.attr for use in self.context_uses() if isinstance(use, ast.Attribute)}


@dataclass(frozen=True)
class Sentence:
    """A step as a feature says it."""

    step: Any
    in_progress: bool

    @property
    def place(self) -> str:
        """File and line of the sentence."""
        return f"{self.step.filename}:{self.step.line}"


def findings(features: Path) -> list[str]:
    """Every offence in the directory `features` and its `steps`, one line each: place, what is wrong."""
    try:
        definitions = list(load_definitions(features))
    except AmbiguousStep as ambiguity:
        return [f"ambiguous: {' '.join(str(ambiguity).split())}"]
    scenarios = list(load_scenarios(features))
    sentences = list(sentences_of(scenarios))
    return [
        *repeated_titles(scenarios),
        *undefined_or_ambiguous(sentences, definitions),
        *ambiguous_patterns(definitions),
        *unused(definitions, sentences),
        *chain.from_iterable(ignored_arguments(definition) for definition in definitions),
        *ignored_blocks(sentences, definitions),
        *chain.from_iterable(wrong_side(definition) for definition in definitions),
    ]


def load_definitions(features: Path) -> Iterator[Definition]:
    """The definitions in `features`/steps, as behave loads them; raises behave's AmbiguousStep when it does."""
    registry.clear()
    get_step_matcher_factory().reset()
    environment = features / "environment.py"
    if environment.exists():
        exec_file(str(environment), {})
    load_step_modules([str(features / "steps")])
    for matcher in chain.from_iterable(registry.steps.values()):
        yield Definition(matcher, function_body(matcher.func))


def function_body(function: Callable[..., Any]) -> ast.FunctionDef:
    """The syntax of `function`."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    assert isinstance(definition, ast.FunctionDef), f"{function} is not a plain function"
    return definition


def load_scenarios(features: Path) -> Iterator[Any]:
    """The scenarios of all feature files below `features`, outlines written out."""
    for path in sorted(features.rglob("*.feature")):
        yield from parse_file(str(path)).walk_scenarios()


def sentences_of(scenarios: Iterable[Any]) -> Iterator[Sentence]:
    """The sentences of `scenarios`; one of a background comes once for each scenario that has it."""
    for scenario in scenarios:
        in_progress = WORK_IN_PROGRESS in scenario.effective_tags
        for step in scenario.all_steps:
            yield Sentence(step, in_progress)


def candidates(sentence: Sentence, definitions: Iterable[Definition]) -> list[Definition]:
    """The definitions that match `sentence`."""
    kinds = (sentence.step.step_type, "step")
    return [
        definition
        for definition in definitions
        if definition.matcher.step_type in kinds and definition.matcher.match(sentence.step.name)
    ]


def repeated_titles(scenarios: Iterable[Any]) -> Iterator[str]:
    """Titles that more than one scenario has."""
    places: dict[str, list[str]] = {}
    for scenario in scenarios:
        places.setdefault(scenario.name, []).append(str(scenario.location))
    for title, found in places.items():
        if len(found) > 1:
            yield f"{found[1]}: the title {title!r} is that of {found[0]} too"


def undefined_or_ambiguous(sentences: Iterable[Sentence], definitions: list[Definition]) -> Iterator[str]:
    """Sentences with no definition (those of a scenario under work aside), or with more than one."""
    for sentence in distinct(sentences):
        found = candidates(sentence, definitions)
        if not found and not sentence.in_progress:
            yield f"{sentence.place}: no definition for {sentence.step.name!r}"
        if len(found) > 1:
            places = " and ".join(definition.place for definition in found)
            yield f"{sentence.place}: {sentence.step.name!r} is ambiguous between {places}"


def distinct(sentences: Iterable[Sentence]) -> list[Sentence]:
    """One sentence for each place; where a background serves several scenarios, the one that is not under work."""
    finished_first = sorted(sentences, key=lambda sentence: sentence.in_progress)
    return list({(sentence.place, sentence.step.name): sentence for sentence in reversed(finished_first)}.values())


def ambiguous_patterns(definitions: Iterable[Definition]) -> Iterator[str]:
    """Definitions whose pattern another one matches: behave refuses them in one load order only."""
    for general, special in permutations(definitions, 2):
        kinds = {general.matcher.step_type, special.matcher.step_type}
        if (len(kinds) == 1 or "step" in kinds) and general.matcher.matches(special.matcher.pattern):
            yield f"{general.place}: {general.matcher.pattern!r} matches {special.matcher.pattern!r} of {special.place}"


def unused(definitions: Iterable[Definition], sentences: Iterable[Sentence]) -> Iterator[str]:
    """Definitions that no sentence uses."""
    said = distinct(sentences)
    for definition in definitions:
        if not any(candidates(sentence, [definition]) for sentence in said):
            yield f"{definition.place}: no scenario says {definition.matcher.pattern!r}"


def ignored_arguments(definition: Definition) -> Iterator[str]:
    """Arguments of the sentence that the function never looks at."""
    loaded = {node.id for node in ast.walk(definition.body) if isinstance(node, ast.Name)}
    for argument in definition.body.args.args[1:]:
        if argument.arg not in loaded:
            yield f"{definition.place}: {definition.matcher.pattern!r} ignores its argument {argument.arg!r}"


def ignored_blocks(sentences: Iterable[Sentence], definitions: list[Definition]) -> Iterator[str]:
    """Sentences whose docstring or table the function ignores, or lacks."""
    for sentence in distinct(sentences):
        for definition in candidates(sentence, definitions):
            asked = definition.context_attributes()
            for block, there in (("text", sentence.step.text), ("table", sentence.step.table)):
                if there is not None and block not in asked:
                    yield f"{sentence.place}: {definition.place} ignores the {block} of this sentence"
                if there is None and block in asked:
                    yield f"{sentence.place}: {definition.place} needs a {block}, and this sentence has none"


def wrong_side(definition: Definition) -> Iterator[str]:
    """A When that does not act, a Given that neither acts nor looks, a Then that does more than read."""
    pattern = definition.matcher.pattern
    kind = definition.matcher.step_type
    if kind == "step":
        yield f"{definition.place}: {pattern!r} is for any keyword; use given, when or then"
        return
    needed = {"given": {ACTING, READING}, "when": {ACTING}, "then": {READING}}[kind]
    if not needed & definition.context_attributes():
        yield f"{definition.place}: {pattern!r} uses no context.{' or context.'.join(sorted(needed))}"
    if kind != "then":
        return
    for use in definition.context_uses():
        if not isinstance(use, ast.Attribute):
            yield f"{definition.place}: {pattern!r} hands its whole context on"
        elif not isinstance(use.ctx, ast.Load):
            yield f"{definition.place}: {pattern!r} writes context.{use.attr}"
        elif use.attr not in SEEN_BY_THEN:
            yield f"{definition.place}: {pattern!r} uses context.{use.attr}; a Then only reads context.{READING}"


def main(features: Path = FEATURES) -> int:
    """Print the findings; the exit code is 0 when there are none, else 1."""
    found = findings(features)
    print(*found, f"sentences: {len(found)} findings in {features}", sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
