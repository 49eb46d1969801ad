"""The chat where no WebSocket comes through: server-sent events one way, requests the other (F1-F3)."""

from __future__ import annotations

import asyncio
import json
import ssl as tls
from collections import deque
from typing import Deque, List, Optional, Set, Tuple
from urllib.parse import SplitResult, urlsplit

from .errors import ConnectionEnded
from .http import Body, Streams, connect, read_head, request_head

#: Bytes and frames of one request, unless a single frame is larger.
_BATCH_BYTES = 8000
_BATCH_FRAMES = 100
#: A server that reads slowly answers late.
_POST_SECONDS = 45
#: At one request whose connection breaks, as kept-alive ones do; the server receives it once (F2).
_POST_ATTEMPTS = 3
_CLOSE_SECONDS = 2
#: Bytes of an event at most.
_MAX_EVENT = 64 * 2**20

#: A task that nobody holds may vanish.
_leaving: Set[asyncio.Task] = set()


class EventStream:
    """An open event stream; it has what a ``WebSocket`` has. Exactly one task may receive."""

    kind = "sse"

    def __init__(self, parts: SplitResult, ssl: Optional[tls.SSLContext], streams: Streams, body: Body):
        self._parts = parts
        self._ssl = ssl
        self._writer = streams[1]
        self._body = body
        self._rest = b""
        self._id = ""
        self._queue: Deque[bytes] = deque()
        self._ping = False
        self._stopped = False
        self._wake = asyncio.Event()
        self._posted = 0
        self._kept: Optional[Streams] = None
        self._failed: Optional[ConnectionEnded] = None
        self._poster: Optional[asyncio.Task] = None

    @classmethod
    async def connect(cls, url: str, ssl: Optional[tls.SSLContext] = None) -> EventStream:
        """Opens a stream; raises ``ConnectionEnded`` when the server rejects it, ``OSError`` when it is away."""
        parts = urlsplit(url)
        parts = parts._replace(path=f"{parts.path}/sse")
        streams = await connect(parts, ssl)
        reader, writer = streams
        try:
            writer.write(request_head("GET", parts, {"Accept": "text/event-stream"}))
            status, headers = await read_head(reader)
            if status != "200" or not headers.get("content-type", "").startswith("text/event-stream"):
                raise ConnectionEnded(1006, f"unexpected server response: {status}")
            stream = cls(parts, ssl, streams, Body(reader, headers))
            event, stream._id = await stream._event()
            if event != "open":
                raise ValueError(f"the first event is {event!r}")
        except (EOFError, ValueError) as error:
            writer.transport.abort()
            raise ConnectionEnded(1006, f"the server has no event stream: {error}") from error
        except BaseException:
            writer.transport.abort()
            raise
        stream._poster = asyncio.ensure_future(stream._post_all())
        return stream

    async def receive(self) -> str:
        """The next message; raises ``ConnectionEnded`` when there is none any more."""
        try:
            while True:
                event, data = await self._event()
                if event == "message":
                    return data
                if event == "ping":
                    self._ping = True
                    self._wake.set()
                elif event == "close":
                    why = json.loads(data)
                    self.abort()
                    raise ConnectionEnded(why["code"], why["reason"])
        except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
            self.abort()
            raise self._failed or ConnectionEnded(1006, str(error)) from error

    def send(self, text: str) -> None:
        """Sends a message; what the network cannot take yet waits."""
        self._queue.append(text.encode())
        self._wake.set()

    def close(self) -> None:
        """Closes it in order, without waiting for the server."""
        self._stop_posting()
        task = asyncio.ensure_future(self._leave())
        _leaving.add(task)
        task.add_done_callback(_leaving.discard)

    def abort(self) -> None:
        """Breaks it off."""
        self._stop_posting()
        self._writer.transport.abort()

    async def _event(self) -> Tuple[str, str]:
        """The name and the data of the next event."""
        name = "message"
        data: List[str] = []
        while True:
            line = await self._line()
            field, _, value = line.partition(":")
            value = value[1:] if value.startswith(" ") else value
            if field == "event":
                name = value
            elif field == "data":
                data.append(value)
            elif line == "":
                if data:
                    return name, "\n".join(data)
                name = "message"

    async def _line(self) -> str:
        looked = 0
        while True:
            end = self._rest.find(b"\n", looked)
            if end >= 0:
                line, self._rest = self._rest[:end], self._rest[end + 1 :]
                return line.decode().rstrip("\r")
            looked = len(self._rest)
            if looked > _MAX_EVENT:
                raise ValueError("an event of the server is too large")
            more = await self._body.read()
            if not more:
                raise EOFError("the stream ended")
            self._rest += more

    async def _post_all(self) -> None:
        """Sends what waits, one request after another: so it comes in order, and a server that does not read makes it wait."""
        try:
            # A cancellation can be lost in a request that ends just then.
            while not self._stopped:
                await self._wake.wait()
                self._wake.clear()
                while (self._queue or self._ping) and not self._stopped:
                    self._ping = False
                    await self._deliver(self._next_batch())
        except ConnectionEnded as error:
            self._failed = error
        except asyncio.TimeoutError:
            self._failed = ConnectionEnded(1006, "no answer to a request")
        except (OSError, EOFError, ValueError) as error:
            self._failed = ConnectionEnded(1006, str(error))
        finally:
            self._drop_kept()
        if self._failed:
            self._writer.transport.abort()  # which ends `receive`

    def _next_batch(self) -> bytes:
        batch: List[bytes] = []
        size = 0
        while self._queue and len(batch) < _BATCH_FRAMES:
            size += len(self._queue[0]) + 1
            if batch and size > _BATCH_BYTES:
                break
            batch.append(self._queue.popleft())
        return b"\n".join(batch)

    async def _deliver(self, frames: bytes) -> None:
        self._posted += 1
        for attempt in range(1, _POST_ATTEMPTS + 1):
            try:
                status = await asyncio.wait_for(self._post(f"n={self._posted}", frames), _POST_SECONDS)
                break
            except (OSError, EOFError) as error:
                if attempt == _POST_ATTEMPTS or isinstance(error, asyncio.TimeoutError):
                    raise
        if status != "204":
            raise ConnectionEnded(1006, f"unexpected server response: {status}")

    async def _post(self, query: str, frames: bytes) -> str:
        """Makes a request on the connection of the one before, where that is kept. Returns its status."""
        parts = self._parts._replace(path=f"{self._parts.path}/{self._id}", query=query)
        if self._kept is None:
            self._kept = await connect(parts, self._ssl)
        reader, writer = self._kept
        try:
            headers = {"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(frames))}
            writer.write(request_head("POST", parts, headers) + frames)
            status, answered = await read_head(reader)
        except BaseException:
            self._drop_kept()
            raise
        # Only an answer without a body leaves the connection where the next begins.
        if status != "204" or answered.get("connection", "").lower() == "close":
            self._drop_kept()
        return status

    def _drop_kept(self) -> None:
        if self._kept is not None:
            self._kept[1].transport.abort()
            self._kept = None

    def _stop_posting(self) -> None:
        self._stopped = True
        self._queue.clear()
        if self._poster is not None:
            self._poster.cancel()

    async def _leave(self) -> None:
        """Tells the server that this side closes; whether that arrives is not known."""
        try:
            await asyncio.wait_for(self._post("close", b""), _CLOSE_SECONDS)
        except (OSError, EOFError, ValueError, asyncio.TimeoutError):
            pass
        finally:
            self._drop_kept()
            self._writer.transport.abort()
