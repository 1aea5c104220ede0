"""setup.cfg: behave ignores a key or a section that it does not know without a word, so a test notices them."""

from configparser import ConfigParser
from pathlib import Path

import pytest
from behave.configuration import SPECIAL_CONFIG_SECTIONS, configfile_options_iter

SETUP_CFG = Path(__file__).resolve().parent.parent / "setup.cfg"


def unknown_words(text: str) -> set[str]:
    """The sections of behave, and the keys of [behave], in `text` that behave does not know."""
    config = ConfigParser()
    config.read_string(text)
    sections = {name for name in config.sections() if name.startswith("behave")}
    known_keys = {option.dest for option in configfile_options_iter(None)}
    return (sections - {"behave", *SPECIAL_CONFIG_SECTIONS}) | (set(config["behave"]) - known_keys)


def test_setup_cfg_says_nothing_that_behave_does_not_know() -> None:
    assert unknown_words(SETUP_CFG.read_text(encoding="utf-8")) == set()


@pytest.mark.parametrize(
    ("text", "word"),
    [("[behave]\nshow_skiped = no\n", "show_skiped"), ("[behave]\n[behave.runner]\nx = y\n", "behave.runner")],
)
def test_a_misspelt_word_is_noticed(text: str, word: str) -> None:
    assert unknown_words(text) == {word}
