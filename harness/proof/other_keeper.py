"""A keeper of somebody's own: the stand-in in another layout. What it sends has its members in another order and one
header more, and it asks the queen for her health before everything else."""

import importlib
import sys
from typing import Any

http: Any = importlib.import_module("mocks.common.http")
cli: Any = importlib.import_module("mocks.keeper.cli")
session = http.session


def other_session(**how: Any) -> Any:
    """A session that sends a header line of its own, and JSON the other way round."""
    made = session(**how)
    made.headers["X-Layout"] = "another"
    request = made.request

    def other_request(method: str, url: str, **content: Any) -> Any:
        if isinstance(content.get("json"), dict):
            content["json"] = dict(reversed(content["json"].items()))
        if "/v2/tasks" in url:
            request("GET", url.partition("/v2/")[0] + "/health", timeout=5).close()
        return request(method, url, **content)

    made.request = other_request
    return made


http.session = other_session
sys.exit(cli.main())
