"""Having a hive provide a model (docs/contract.md, section 2.2)."""

from __future__ import annotations

from typing import Any

import requests

from mocks.common.errors import RbeeError
from mocks.queen import asking
from mocks.queen.hives import Hive
from mocks.queen.task import Task

ANSWER_LIMIT_S = 30
SILENCE_LIMIT_S = 60
"""A download that says nothing for so long has stalled (docs/contract.md, section 4.2)."""


def provide(http: requests.Session, hive: Hive, task: Task) -> str:
    """The path of the task's model on the hive's machine. It is downloaded there if need be, and its progress told.

    Raises RbeeError, with the hive's code when the hive gave up, and DOWNLOAD_FAILED when it fell silent."""
    asked = asking.ask(
        http,
        "POST",
        hive.url("/v1/models/download"),
        purpose="Model download",
        limit_s=ANSWER_LIMIT_S,
        body={"model_ref": task.order.model},
        needs=("download_id", "local_path"),
    )
    return str(asked["local_path"] or _follow(http, hive, task, asked["download_id"]))


def _follow(http: requests.Session, hive: Hive, task: Task, download_id: str) -> str:
    """Tell the progress of a download up to the end of its stream, and return the path with which it is complete."""
    details: dict[str, Any] = {"model": task.order.model}
    url = hive.url(f"/v1/models/download/progress?id={download_id}")
    event: dict[str, Any] = {}
    try:
        with asking.watched(http, url, purpose="Download progress", silence_s=SILENCE_LIMIT_S) as response:
            for event in asking.read(response):
                if event.get("stage") == "retrying":
                    details["attempts"] = event.get("attempts")
                if event.get("stage") not in ("complete", "error"):
                    task.tell({"type": "progress", **event})
    except asking.StreamError as error:
        raise RbeeError("DOWNLOAD_FAILED", f"The download was lost sight of: {error}", **details) from error
    match event:
        case {"stage": "complete", "local_path": str(path)}:
            return path
        case {"stage": "error", "message": str(message)}:
            raise RbeeError(event.get("code", "DOWNLOAD_FAILED"), message, **details)
    raise RbeeError("DOWNLOAD_FAILED", "The download ended without a result", **details)
