"""`rbee-keeper logs`: the log of a node's hive, as it is written (docs/contract.md, section 9 row 4)."""

from __future__ import annotations

import argparse
import sys

import requests

from mocks.common.errors import RbeeError
from mocks.keeper import queen

FAILING = "Failed to stream logs"


def run(arguments: argparse.Namespace) -> int:
    """Print the log, line by line as it comes; with --follow until Ctrl-C.

    Raises RbeeError when the queen cannot show it, or when it breaks off.
    """
    print(f"=== Logs from {arguments.node} ===\n", flush=True)
    # A log that is followed may be silent for as long as it likes: whoever follows it ends that.
    limit_s = None if arguments.follow else queen.ANSWER_LIMIT_S
    wanted = {"node": arguments.node, **({"follow": "true"} if arguments.follow else {})}
    with queen.asked("GET", "/v2/logs", failing=FAILING, limit_s=limit_s, params=wanted, stream=True) as response:
        if not response.ok:
            raise queen.refusal(response, FAILING)
        try:
            for piece in response.iter_content(None):
                sys.stdout.buffer.write(piece)
                sys.stdout.buffer.flush()
        except requests.RequestException as failure:
            message = "error decoding response body\n\nCaused by:\n    error reading a body from connection"
            raise RbeeError("STREAM_BROKEN", message) from failure
    return 0
