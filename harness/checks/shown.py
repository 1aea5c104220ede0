"""What Then steps want to see on the user's terminal. The form is our own (docs/contract.md, section 8 row 26, and
section 9 row 2): a stand-in keeps to it to the letter, a keeper of the user's own may have another that says the same.
Every function raises AssertionError with what was seen."""

from __future__ import annotations

from collections.abc import Sequence

from harness import expect
from harness.evidence import Evidence

KEEPER = "rbee-keeper"


def expect_printed(evidence: Evidence, wanted: str) -> None:
    """The user's program printed this and nothing else; one of the user's own printed all these words, in whatever
    order and among others."""
    compare = expect.words_of if KEEPER in evidence.own else expect.lines
    compare("stdout", evidence.printed("stdout"), wanted)


def expect_tokens(evidence: Evidence, tokens: Sequence[str]) -> None:
    """The user's program printed these tokens and nothing else; one of the user's own perhaps before and after them."""
    seen, wanted = evidence.run().printed("stdout").rstrip("\n"), "".join(tokens)
    if KEEPER not in evidence.own or wanted not in seen:
        expect.equal("stdout", seen, wanted)


def printed_at(evidence: Evidence, text: str, whole: str) -> int | None:
    """When the text of the first tokens, of which `whole` is that of all, was printed, in microseconds; None when it
    never was."""
    pieces = [(at_us, piece) for at_us, stream, piece in evidence.run().pieces if stream == "stdout"]
    everything = "".join(piece for _, piece in pieces)
    # A header may have said the first words of it before.
    begin = max(0, everything.rfind(whole)) if KEEPER in evidence.own else 0
    printed = ""
    for at_us, piece in pieces:
        printed += piece
        if printed[begin:].startswith(text):
            return at_us
    return None
