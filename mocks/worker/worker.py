"""A worker as a whole: its states from start to exit, its one slot, and its hive, which hears of each change."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import dataclass
from pathlib import Path

from mocks.common import clock, log, machine
from mocks.common.errors import RbeeError
from mocks.worker import model
from mocks.worker.generation import Job
from mocks.worker.hive import Hive
from mocks.worker.loading import Loading

UNLOAD_AFTER_S = 1
EXIT_AFTER_S = 1
"""From the shutdown request to the unloading, and from there to the exit (docs/contract.md, section 4.2)."""


@dataclass(frozen=True)
class Settings:
    """What the command line says."""

    worker_id: str
    model: Path
    port: int
    callback_url: str
    backend: str
    device: int
    api_key: str | None

    @property
    def url(self) -> str:
        """Where others reach this worker."""
        return f"http://{machine.node_host()}:{self.port}"


class Worker:
    """The worker that `settings` describes, with the model in `file`.

    Its `state` is loading, idle, busy, or stopping after a shutdown request; `failure` is what ended it early."""

    def __init__(self, settings: Settings, file: model.File) -> None:
        self.settings = settings
        self.loading = Loading(file.size_bytes)
        self.state = "loading"
        self.failure: RbeeError | None = None
        self._file = file
        self._model: model.Model | None = None
        self._job: Job | None = None
        self._hive = Hive(settings.callback_url, settings.worker_id, settings.api_key)
        # Held while a change is reported too, so that the hive hears of changes in their order.
        self._changing = threading.RLock()

    @property
    def vram_bytes(self) -> int:
        """What the model takes of the device's memory right now."""
        return self.loading.vram_bytes if self.state == "loading" or self._model else 0

    def start(self) -> None:
        """The port is open: report to the hive, then load, in a thread of its own. The process ends if that fails."""
        threading.Thread(target=self._start, daemon=True, name="loading").start()

    def _start(self) -> None:
        try:
            self._report()
            self._load()
        except RbeeError as failure:
            self.failure = failure
            _end_process()

    def _report(self) -> None:
        settings = self.settings
        log.narrate("llm-worker-rbee", "👋 Reporting ready to rbee-hive")
        self._hive.tell_listening(
            url=settings.url,
            uri=settings.url,
            model_ref=str(settings.model),
            backend=settings.backend,
            device=settings.device,
            vram_bytes=self._file.size_bytes,
        )

    def _load(self) -> None:
        log.narrate("model-loader", f"📦 Loading model from {self._file.path}")
        read = model.read(self._file)
        log.narrate(
            "model-loader",
            f"🔎 Loader {self._file.loader} by extension {self._file.path.suffix}: vocabulary {read.vocab_size},"
            f" end token {read.eos_token_id}, {read.quantization}, {read.layers} layers",
        )
        self.loading.load(read.layers)
        with self._changing:
            if self.state != "loading":
                return
            self._model = read
            self._enter("idle")
        log.narrate("model-loader", f"🛏️ Model loaded! {self._file.size_mb} MB cozy in VRAM!")
        self.loading.finish()

    def _enter(self, state: str) -> None:
        self.state = state
        self._hive.tell_state(state, slots_available=1 if state == "idle" else 0)

    def take(self, job: Job) -> model.Model:
        """Give the slot to `job`; returns the model to work with.

        Raises RbeeError (503): ALL_SLOTS_BUSY, or WORKER_NOT_READY while loading and after a shutdown request."""
        with self._changing:
            if self.state == "busy":
                message = "Worker is busy, try again later"
                raise RbeeError("ALL_SLOTS_BUSY", message, status=503, slots_total=1, slots_busy=1)
            if self._model is None or self.state != "idle":
                facts = {"worker_id": self.settings.worker_id, "state": self.state, "progress": self.loading.share}
                raise RbeeError("WORKER_NOT_READY", f"Worker is {self.state}", status=503, **facts)
            self._job = job
            self._enter("busy")
            return self._model

    def release(self, job: Job) -> None:
        """Take the slot back from `job`, unless that has been done."""
        with self._changing:
            if self._job is job:
                self._job = None
                if self.state == "busy":
                    self._enter("idle")

    def cancel(self, job_id: str) -> None:
        """End the job with this id, if it is under way: no further token, and the slot is free at once."""
        with self._changing:
            job = self._job
            if job and job.inference.job_id == job_id:
                job.cancel()
                self.release(job)

    def shut_down(self) -> bool:
        """Take no more inferences. Returns whether this is news: then `leave` is due."""
        with self._changing:
            is_news = self.state != "stopping"
            self.state = "stopping"
        return is_news

    def leave(self) -> None:
        """Unload the model 1 s from now, and end the process 1 s later."""
        threading.Thread(target=self._leave, daemon=True, name="leaving").start()

    def stop(self) -> None:
        """The process ends now: a job under way breaks off, as its asker will see."""
        self.info("shutting down")

    def info(self, text: str) -> None:
        """Log something that this worker did or saw."""
        log.info(f"llm-worker-rbee[{self.settings.worker_id}]", text)

    def _leave(self) -> None:
        clock.sleep(UNLOAD_AFTER_S)
        with self._changing:
            if self._job:
                self._job.cancel()
            self._model = None
        log.narrate("model-loader", f"🧹 Model unloaded, {self._file.size_mb} MB of VRAM free again")
        clock.sleep(EXIT_AFTER_S)
        _end_process()


def _end_process() -> None:
    # The server waits for this signal in the main thread, and ends the process in good order.
    os.kill(os.getpid(), signal.SIGTERM)
