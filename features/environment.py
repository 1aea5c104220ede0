"""behave's hooks: what lives for the run, what lives for a scenario. They call named functions and hold no logic."""

from behave.model import Scenario, Step
from behave.runner import Context

from harness import run_hooks

# The hooks of scenarios are imported where they are called: by then it is done, while the world came up.


def before_all(context: Context) -> None:
    """The world comes up, once for the run."""
    run_hooks.start(context)


def after_all(context: Context) -> None:
    """The world goes."""
    run_hooks.end(context)


def before_scenario(context: Context, scenario: Scenario) -> None:
    """A stage of its own for the scenario, with a queen of its own."""
    from harness import scenario_hooks

    scenario_hooks.open_stage(context, scenario)


def before_step(context: Context, step: Step) -> None:
    """What happens from now on belongs to this step."""
    from harness import scenario_hooks

    scenario_hooks.begin_step(context, step)


def after_scenario(context: Context, scenario: Scenario) -> None:
    """The stage and all its processes go."""
    from harness import scenario_hooks

    scenario_hooks.close_stage(context, scenario)
