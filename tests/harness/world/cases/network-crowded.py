"""Opens a thousand connections to the network, and says nothing."""

import contextlib
import os
import socket

host, port = os.environ["HTTP_PROXY"].removeprefix("http://").split(":")
asking: list[socket.socket] = []
with contextlib.suppress(OSError):
    while len(asking) < 1000:
        asking.append(socket.create_connection((host, int(port)), 1))
