"""behave's hooks: what lives for the run, what lives for a scenario. They call named functions and hold no logic."""

from behave.model import Scenario
from behave.runner import Context

from harness import hooks


def before_all(context: Context) -> None:
    """The world comes up, once for the run."""
    hooks.start_run(context)


def after_all(context: Context) -> None:
    """The world goes."""
    hooks.end_run(context)


def before_scenario(context: Context, scenario: Scenario) -> None:
    """A stage of its own for the scenario, with a queen of its own."""
    hooks.open_stage(context, scenario)


def after_scenario(context: Context, scenario: Scenario) -> None:
    """The stage and all its processes go."""
    hooks.close_stage(context, scenario)
