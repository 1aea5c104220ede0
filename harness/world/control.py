"""The world's side of the line to an attempt: its requests, in docs/design.md's words, carried out on its stage."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from harness.world.house import Ended, House, Order
from harness.world.library import Library
from harness.world.spool import Spool
from harness.world.tenant import Tenant
from harness.world.topology import TopologyError, load_topology

Fields = Mapping[str, Any]
EVENTS_DELAY_S = 0.02  # how long events may be on their way while a request is carried out: one write for many
LINE_BYTES = 1 << 24  # the longest request: one with a model's description is short, one with an environment is not


class RequestError(Exception):
    """A request that cannot be carried out; the text is the reply."""


class Control:
    """One attempt's connection. When it closes, whatever the reason, the stage is removed."""

    def __init__(self, house: House, library: Library, writer: asyncio.StreamWriter) -> None:
        self._house, self._library, self._writer = house, library, writer
        self._tenant: Tenant | None = None
        self._pending: set[asyncio.Task[None]] = set()
        self._spool: Spool | None = None
        self._to_send: list[bytes] = []
        self._to_spool: list[bytes] = []
        self._sending: asyncio.TimerHandle | None = None

    async def serve(self, reader: asyncio.StreamReader) -> None:
        """Carry out request after request, until the attempt hangs up. A flow goes on beside other requests."""
        try:
            with contextlib.suppress(ConnectionError):  # it may be killed while it is told something
                while line := await reader.readline():
                    task = asyncio.ensure_future(self._carry_out(json.loads(line)))
                    self._pending.add(task)
                    task.add_done_callback(self._pending.discard)
        finally:
            for task in self._pending:
                task.cancel()
            await self._leave()
            self._send()
            self._writer.close()
            if self._spool is not None:
                with contextlib.suppress(OSError):  # what there is lies there unpacked
                    self._spool.close()

    async def _carry_out(self, request: Fields) -> None:
        handlers: dict[str, Callable[[Fields], Awaitable[Fields]]] = {
            "open": self._open,
            "start": self._start,
            "signal": self._signal,
            "flow": self._flow,
            "stand": self._stand,
            "wait": self._wait,
            "rest": self._rest,
            "state": self._state,
            "fault": self._fault,
            "publish": self._publish,
            "place": self._place,
            "mark": self._mark,
            "watch": self._watch,
            "close": self._close,
        }
        try:
            if request["do"] not in handlers:
                raise RequestError(f"the world cannot do {request['do']!r}; it can {', '.join(handlers)}")
            reply = await handlers[request["do"]](request)
        except (RequestError, TopologyError, ValueError, OSError) as error:
            reply = {"error": str(error) or repr(error)}
        except Exception as error:  # a fault of the world's own: the attempt must not wait for a reply for ever
            traceback.print_exc()
            reply = {"error": f"the world failed at {request['do']}: {error!r} (its log has more)"}
        if "id" in request:  # else nobody waits for a reply
            self._to_send.append(_line({"reply": request["id"], **reply}))
            self._send()

    def _tell(self, event: Fields) -> None:
        """Send an event: with the reply that comes next, at the latest after EVENTS_DELAY_S."""
        line = _line(event)
        self._to_send.append(line)
        self._to_spool.append(line)
        if self._sending is None:
            delay_s = EVENTS_DELAY_S if self._pending else 0.0
            self._sending = asyncio.get_running_loop().call_later(delay_s, self._send)

    def _send(self) -> None:
        if self._sending is not None:
            self._sending.cancel()
            self._sending = None
        lines, self._to_send, to_spool, self._to_spool = self._to_send, [], self._to_spool, []
        if self._spool is not None:
            try:
                self._spool.write(b"".join(to_spool))
            except OSError as error:  # the disk is full, perhaps: what happens is told all the same
                print(f"what happens on a stage is kept no more: {error}", file=sys.stderr)
                self._spool = None
        if not self._writer.is_closing():
            self._writer.write(b"".join(lines))

    @property
    def _stage(self) -> Tenant:
        if self._tenant is None:
            raise RequestError("no stage is open on this connection")
        return self._tenant

    async def _open(self, request: Fields) -> Fields:
        if self._tenant is not None:
            raise RequestError("a stage is open already on this connection")
        programs = {name: Path(path) if path else None for name, path in request["programs"].items()}
        order = Order(
            directory=Path(request["directory"]),
            topology=load_topology(Path(request["topology"])),
            programs=programs,
            real=request["clock"] == "real",
            variables=request["variables"],
        )
        if request["spool"]:
            self._spool = Spool(Path(request["spool"]))
        self._tenant = tenant = self._house.shared.get(order.directory) or Tenant(order, self._house)
        if order.directory not in self._house.shared:
            await tenant.open()
        if request["shared"]:
            self._house.shared[order.directory] = tenant
        self._library.publish_standard(tenant.files)
        return await tenant.attach(self._tell, request["watcher"])

    async def _leave(self) -> Ended:
        """The attempt is over: a stage of its own is removed, a shared one is made as new. What became of its
        processes."""
        tenant, self._tenant = self._tenant, None
        if tenant is None:
            return Ended()
        tenant.tell("closing")
        return await (tenant.renew() if tenant.directory in self._house.shared else tenant.close())

    async def _start(self, request: Fields) -> Fields:
        if self._house.warm_parent is not None:
            await self._house.warm_parent.tried()  # a stage can be opened meanwhile
        names = {name: request[name] for name in ("program", "argv", "node", "env", "keep")}
        return {"pid": self._stage.start(**names)}

    async def _signal(self, request: Fields) -> Fields:
        self._stage.processes.signal(request["pid"], request["signal"])
        name = signal.Signals(request["signal"]).name
        self._stage.tell("fault", fault=None, kind="signal", pid=request["pid"], signal=name)
        return {}

    async def _flow(self, request: Fields) -> Fields:
        return {"why": await self._stage.flow(request["until"], request["since"])}

    async def _stand(self, request: Fields) -> Fields:  # noqa: ARG002
        self._stage.stand()
        return {}

    async def _wait(self, request: Fields) -> Fields:
        await self._stage.wait(request["delay_us"])
        return {}

    async def _rest(self, request: Fields) -> Fields:  # noqa: ARG002
        await self._stage.rest()
        return {}

    async def _state(self, request: Fields) -> Fields:  # noqa: ARG002
        return self._stage.state()

    async def _fault(self, request: Fields) -> Fields:
        fields = {name: value for name, value in request.items() if name not in ("id", "do", "kind")}
        return {"fault": self._stage.faults.arrange(request["kind"], **fields)}

    async def _publish(self, request: Fields) -> Fields:
        self._stage.files.publish(request["path"], self._library.model(**request["model"]))
        return {}

    async def _place(self, request: Fields) -> Fields:
        self._library.place(Path(request["file"]), **request["model"])
        return {}

    async def _mark(self, request: Fields) -> Fields:
        names = ("id", "do", "mark")
        self._stage.tell(request["mark"], **{name: value for name, value in request.items() if name not in names})
        return {}

    async def _watch(self, request: Fields) -> Fields:
        self._stage.ends.watch(request["pid"], request["program"])
        return {}

    async def _close(self, request: Fields) -> Fields:  # noqa: ARG002
        ended = await self._leave()
        return {"left": ended.left, "hidden": ended.hidden}


def _line(message: Fields) -> bytes:
    return json.dumps(message).encode() + b"\n"
