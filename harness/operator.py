"""How the operator asks: through the network of the stage, at a Unix socket, which is reached from wherever he is."""

from __future__ import annotations

import socket
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import ProxyManager
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import NewConnectionError
from urllib3.util import Retry

PROXY = "http://operator"  # what the libraries call the proxy; nobody looks it up


def session(path: str, policy: Retry) -> requests.Session:
    """A session that asks for every http URL at the Unix socket `path`, as at a proxy, and reads nothing of the
    environment. `policy` says what is retried."""
    http = requests.Session()
    http.trust_env = False
    http.proxies = {"http": PROXY}
    http.mount("http://", _Adapter(path, policy))
    return http


class _Adapter(HTTPAdapter):
    def __init__(self, path: str, policy: Retry) -> None:
        self._pool = type("Pool", (HTTPConnectionPool,), {"ConnectionCls": type("At", (_Connection,), {"path": path})})
        super().__init__(max_retries=policy)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> ProxyManager:
        manager: ProxyManager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = {"http": self._pool}
        return manager


class _Connection(HTTPConnection):
    path: str

    def _new_conn(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(self.timeout if isinstance(self.timeout, float) else None)
        try:
            connection.connect(self.path)
        except OSError as error:
            connection.close()
            raise NewConnectionError(
                self, f"the network of the stage does not answer at {self.path}: {error}"
            ) from error
        return connection
