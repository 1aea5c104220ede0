"""The behave runner plug-in: `runner = harness.runner:Runner` in behave's configuration."""

from __future__ import annotations

import io
import os
import signal
import sys
from typing import Any

import behave.runner
from behave.formatter._registry import make_formatters  # type: ignore[import-untyped]

from harness.runner import attempt, loading, options, streams
from harness.runner.exits import WRONG_USE, Exits
from harness.runner.run import Run
from harness.runner.signals import Signals


class Runner(behave.runner.Runner):  # type: ignore[misc] # behave's type stubs leave its runner out
    """Runs every planned scenario in a process of its own, several at a time, and gives each a verdict.

    The hooks before_all and after_all run once, in this process; all other hooks run in every attempt. docs/runner.md
    has the exit codes; one that behave does not know is raised as SystemExit."""

    def __init__(self, config: Any) -> None:
        if config.verbose and config.format == ["null"] == [config.default_format]:
            config.format = ["pretty"]
        if not config.should_capture() and config.format:
            # It goes back over its own lines, and so over what scenarios print among them.
            config.format = ["plain" if name == "pretty" else name for name in config.format]
        streams.prepare(config)
        super().__init__(config)
        # behave now prints the name of the runner, in front of whatever report goes there.
        self._stdout, sys.stdout = sys.stdout, io.StringIO()
        self.in_attempt = False

    def run(self) -> bool:
        """Run what the configuration asks for; returns whether the run is red."""
        sys.stdout = self._stdout
        exits = Exits()
        with Signals() as signals:
            try:
                with self.path_manager:
                    code = self._run(signals)
            except options.WrongUse as error:
                print(f"behave: {error}", file=sys.stderr)
                code = WRONG_USE
            except KeyboardInterrupt:
                code = 128 + (signals.received or [signal.SIGINT])[0]
            except SystemExit as error:  # a formatter's, in a dry run
                print(f"behave: {error!r} was raised before anything was run", file=sys.stderr)
                code = WRONG_USE
        exits.code = code
        if code > 1:
            raise SystemExit(code)
        return bool(code)

    def _run(self, signals: Signals) -> int:
        loading.check_machine()
        for stray in loading.strays():
            print(f"note: {stray} has settings for this run, too", file=sys.stderr)
        chosen = options.read(self.config, os.environ)
        self.context = attempt.Context(self)
        # Not behave.step_registry.registry: the decorators of the steps fill another one (behave 1.3).
        self.step_registry = behave.runner.the_step_registry
        loading.load_hooks(self)
        if self.config.dry_run:
            return int(self._run_dry())
        adjust = options.begin_adjustment(self.config.userdata)
        planned = loading.plan_run(self)
        chosen = adjust(chosen)
        if chosen.pause:
            self.config.capture_stdout = self.config.capture_stderr = False
            self.config.capture_log = self.config.capture_hooks = False
        return Run(self, planned, chosen, signals).carry_out()

    def _run_dry(self) -> bool:
        """A dry run executes nothing: it is behave's own."""
        if self.config.steps_catalog:
            loading.load_features(self)
        else:
            loading.plan_run(self)
        loading.load_steps(self)
        self.formatters = make_formatters(self.config, self.config.outputs)
        return bool(super().run_model())

    def should_run_hook(self, hook_name: str) -> bool:
        """behave's question before each hook: those for all run in the runner, the others in the attempts."""
        is_for_all = hook_name in ("before_all", "after_all")
        return is_for_all != self.in_attempt and super().should_run_hook(hook_name)
