"""The project whose Then steps are put to the proof."""

from tests.harness.runner.conftest import project as project  # found by its name here
