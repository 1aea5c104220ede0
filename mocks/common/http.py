"""HTTP calls whose timeouts run on the clock, with the library's own exceptions."""

from __future__ import annotations

import os
import select
import socket
from http import client
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, ProxyManager
from urllib3.connection import HTTPConnection
from urllib3.exceptions import HTTPError
from urllib3.util import Retry

from mocks.common import clock

NAMES = client.responses | {
    203: "Non Authoritative Information",
    413: "Payload Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    418: "I'm a teapot",
    422: "Unprocessable Entity",
}
"""What rbee calls a status. Python's own table calls some of them otherwise, and each version some others."""


class _ClockSocket(socket.socket):
    """A connected socket whose timeout is a limit on the clock. It never uses the kernel's."""

    limit_s: float | None = None

    def settimeout(self, value: float | None) -> None:
        self.limit_s = value

    def gettimeout(self) -> float | None:
        return self.limit_s

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        if self.limit_s is not None and not select.select([self], [], [], 0)[0]:
            with clock.limit(self.limit_s) as limited:
                limited.wait_readable(self)
        return super().recv_into(*args, **kwargs)


class _ClockConnection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        connected = super()._new_conn()
        connected.setblocking(True)
        return _ClockSocket(fileno=connected.detach())


class _ClockPool(HTTPConnectionPool):
    ConnectionCls = _ClockConnection


class _ClockAdapter(HTTPAdapter):
    """requests' adapter, with connections whose reads are limited by the clock."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self._put_on_the_clock(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> ProxyManager:
        manager: ProxyManager = super().proxy_manager_for(*args, **kwargs)
        self._put_on_the_clock(manager)
        return manager

    @staticmethod
    def _put_on_the_clock(manager: PoolManager) -> None:
        manager.pool_classes_by_scheme = {"http": _ClockPool, "https": HTTPSConnectionPool}


class _Session(requests.Session):
    """requests' session, whose errors are all RequestException: for an address that cannot be one, or a header that
    cannot be sent, the libraries below raise what they please."""

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        try:
            return super().request(*args, **kwargs)
        except requests.RequestException:
            raise
        except (ValueError, HTTPError) as error:
            raise requests.exceptions.InvalidURL(str(error)) from error


def session(*, api_key: str | None = None, retry: Retry | None = None) -> requests.Session:
    """A requests session: `timeout=` of a call is seconds on the clock, and limits each wait for bytes.

    It asks through `HTTP_PROXY` where that is set, for every host (localhost too), and reads nothing else from the
    environment. `api_key` is sent as `Authorization: Bearer`. `retry` is a policy of `mocks.common.retry`; without one
    nothing is retried."""
    http = _Session()
    http.trust_env = False
    proxy = os.environ.get("HTTP_PROXY") or os.environ.get("http_proxy")
    if proxy:
        http.proxies = {"http": proxy}
    if api_key:
        http.headers["Authorization"] = f"Bearer {api_key}"
    adapter = _ClockAdapter if clock.on_a_clock() else HTTPAdapter
    http.mount("http://", adapter(max_retries=retry or Retry(0, read=False)))
    return http


def status_text(code: int) -> str:
    """A status code and rbee's name for it, as in `404 Not Found` (docs/contract.md, section 2)."""
    return f"{code} {NAMES.get(code, '<unknown status code>')}"
