"""What a worker tells its hive: that it listens, and each change of its state (docs/contract.md, sections 8 and 9)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin

import requests

from mocks.common import http, log
from mocks.common.errors import RbeeError

LIMIT_S = 10
NOBODY = "localhost:9999"
"""A callback URL with this in it stands for no hive at all (docs/contract.md, section 1.4)."""


class Hive:
    """The hive behind a callback URL. A worker shows it the key that the hive gave it."""

    def __init__(self, callback_url: str, worker_id: str, api_key: str | None) -> None:
        self._callback_url = callback_url
        self._worker_id = worker_id
        self._api_key = api_key

    def tell_listening(self, **facts: Any) -> None:
        """Make the ready callback: the worker's id, and `facts` about it. One try.

        Raises RbeeError WORKER_FAILED when the hive does not take it: then nobody has a use for this worker."""
        self._post(self._callback_url, facts)

    def tell_state(self, state: str, slots_available: int) -> None:
        """Report the worker's state. That the hive does not take it is logged: the worker goes on without."""
        try:
            self._post(urljoin(self._callback_url, "state"), {"state": state, "slots_available": slots_available})
        except RbeeError as failure:
            log.warn(f"llm-worker-rbee[{self._worker_id}]", f"state {state} not reported: {failure.message}")

    def _post(self, url: str, facts: dict[str, Any]) -> None:
        if NOBODY in self._callback_url:
            return
        try:
            # A connection of its own: a kept one may be closed by the hive just when it is used.
            with http.session(api_key=self._api_key) as caller:
                answer = caller.post(url, json={"worker_id": self._worker_id, **facts}, timeout=LIMIT_S)
        except requests.RequestException as error:
            raise RbeeError("WORKER_FAILED", f"error sending request for url ({url}): {error}") from error
        if not answer.ok:
            status = http.status_text(answer.status_code)
            raise RbeeError("WORKER_FAILED", f"Pool manager callback failed: {status}")
