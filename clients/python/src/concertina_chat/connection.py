"""One connection to one server, from ``hello`` to its end."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Callable, Dict, Optional, Union

from .errors import ChatError, ConnectionEnded, reject
from .event_stream import EventStream
from .server_messages import check
from .websocket import WebSocket

VERSION = 1
_WELCOME_SECONDS = 10
_PONG_SECONDS = 10
#: Answered by ``ack``, whose id is only different within a room.
_ACKED = ("send", "edit", "delete", "invite")


class Connection:
    """Requests and their answers. ``on_message`` gets everything else, answers to joins included, in order."""

    def __init__(
        self,
        socket: Union[WebSocket, EventStream],
        on_message: Callable[[Connection, Dict[str, Any]], None],
        on_end: Callable[[Connection], None],
    ):
        self.welcome: Dict[str, Any] = {}
        #: Why it ended; ``None`` while it is open.
        self.ended: Optional[ConnectionEnded] = None
        #: How it is made.
        self.transport = type(socket)
        self._socket = socket
        self._on_message = on_message
        self._on_end = on_end
        self._requests: Dict[Any, asyncio.Future] = {}
        self._ids = 0
        self._heard = True
        self._tasks = [asyncio.ensure_future(self._read())]

    async def hello(self, **who: Any) -> None:
        """Introduces the user (C1); raises ``ConnectionEnded`` when the server will not have it."""
        try:
            await self.request("hello", _WELCOME_SECONDS, version=VERSION, **who)
        except (ChatError, asyncio.TimeoutError) as error:
            self.abort()
            raise self.ended or ConnectionEnded(1006, str(error) or "no welcome") from error
        except asyncio.CancelledError:
            self.abort()
            raise
        self._tasks.append(asyncio.ensure_future(self._check_alive()))

    def next_id(self) -> str:
        self._ids += 1
        return f"r{self._ids}"

    async def request(self, kind: str, timeout: Optional[float] = None, **fields: Any) -> Dict[str, Any]:
        """Sends a request and waits for its answer (Q1); raises ``ChatError`` when it is rejected (Q2)."""
        if self.ended:
            raise ChatError("disconnected", str(self.ended))
        most = self.welcome.get("maxBodyBytes")
        if most is not None and len(fields.get("body", "").encode("utf-8", "surrogatepass")) > most:
            # A frame far above it would end the connection.
            raise ChatError("too-large", f"body: at most {most} bytes are allowed")
        fields.setdefault("id", self.next_id())
        key = (fields["room"], fields["id"]) if kind in _ACKED else fields["id"]
        text = json.dumps({"type": kind, **fields}, ensure_ascii=False)
        # Half of a character has no bytes of its own, and is for the server to reject.
        if any("\ud800" <= character <= "\udfff" for character in text):
            text = json.dumps({"type": kind, **fields})
        answer = asyncio.get_running_loop().create_future()
        self._requests[key] = answer
        self._socket.send(text)
        try:
            return await asyncio.wait_for(answer, timeout)
        finally:
            self._requests.pop(key, None)

    def close(self) -> None:
        """Ends it in order."""
        self._socket.close()
        self._end(ConnectionEnded(1000, "closed"))

    def abort(self) -> None:
        """Breaks it off."""
        self._socket.abort()
        self._end(ConnectionEnded(1006, "broken off"))

    async def _read(self) -> None:
        try:
            while True:
                self._receive(json.loads(await self._socket.receive()))
        except ConnectionEnded as error:
            self._end(error)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            self._socket.abort()
            self._end(ConnectionEnded(1006, f"the server does not speak the chat protocol: {error}"))

    def _receive(self, message: Dict[str, Any]) -> None:
        check(message)
        self._heard = True
        kind = message["type"]
        if self.welcome:
            self._on_message(self, message)
        elif kind == "welcome":
            self.welcome = message
        if kind == "message" or "id" not in message:
            return
        acked = kind == "ack" or (kind == "rejected" and message["request"] in _ACKED)
        answer = self._requests.get((message["room"], message["id"]) if acked else message["id"])
        if answer is None or answer.done():
            return
        if kind == "rejected":
            reject(answer, ChatError(message["code"], message["message"], message.get("retryMs")))
        else:
            answer.set_result(message)

    async def _check_alive(self) -> None:
        """A path that went silent shows no close: only an answer proves that it is there (C8)."""
        seconds = max(1.0, self.welcome.get("heartbeatMs", 15_000) / 1000)
        while True:
            await asyncio.sleep(seconds)
            if not self._heard:
                try:
                    await self.request("ping", min(seconds, _PONG_SECONDS))
                except (ChatError, asyncio.TimeoutError):
                    self.abort()
                    return
            self._heard = False

    def _end(self, why: ConnectionEnded) -> None:
        if self.ended:
            return
        self.ended = why
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()
        self._on_end(self)
        for answer in self._requests.values():
            reject(answer, ChatError("disconnected", str(why)))
