"""A chat user: joins rooms, sends, and stays connected."""

from __future__ import annotations

import asyncio
import inspect
import os
import random
import ssl as tls
from typing import Any, AsyncIterator, Awaitable, Callable, Dict, List, Optional, Sequence, Union
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from .connection import Connection
from .errors import ChatError, ConnectionEnded
from .room import Room
from .rules import problem_of, user_problem
from .transports import Transport, Transports

Token = Union[str, Callable[[], Union[str, Awaitable[str]]]]

_REQUEST_SECONDS = 10
_TOKEN_SECONDS = 30
_MOVE_ATTEMPTS = 4
_MAX_WAIT_MS = 30_000
_RATE_LIMITED, _UNAUTHORIZED, _EXPIRED = 4529, 4401, 4510
_MAX_UNAUTHORIZED = 3
EVENTS = ("message", "gap", "presence", "typing", "status", "resumed", "error")


class ChatClient:
    """Keeps one user connected. Use it with ``async with``, or ``start`` and ``close`` it.

    :param url: ``ws://`` or ``wss://`` address of the chat
    :param user: name of an anonymous user, where the chat accepts such
    :param token: a token, or a function (plain or async) that returns a fresh one
    :param ack_seconds: without an answer to a message for so long the connection is given up
    :param max_queued: messages of a room that may wait
    :param ssl: for ``wss://``; default: the system's certificates
    :param transport: ``websocket``, ``sse`` (event streams and requests), or ``auto``: the latter where the former fails
    """

    def __init__(
        self,
        url: str,
        *,
        user: Optional[str] = None,
        token: Optional[Token] = None,
        ack_seconds: float = 10,
        max_queued: int = 1000,
        ssl: Optional[tls.SSLContext] = None,
        transport: str = "auto",
    ):
        if not isinstance(url, str) or urlsplit(url).scheme not in ("ws", "wss", "http", "https"):
            raise ChatError("invalid", f"url: {url!r} is not a ws:// or wss:// address")
        problem = user_problem(user) if user is not None else None
        if problem is not None:
            raise ChatError("invalid", problem)
        if token is not None and not isinstance(token, str) and not callable(token):
            raise ChatError("invalid", "token: it is neither text nor a function")
        if isinstance(max_queued, bool) or not isinstance(max_queued, int) or max_queued < 1:
            raise ChatError("invalid", f"max_queued: {max_queued!r} is not a whole number from 1 on")
        self.ack_seconds = ack_seconds
        #: The connection that serves the user now.
        self.serving: Optional[Connection] = None
        #: The name that the server knows this user by.
        self.user: Optional[str] = None
        self._url = url
        self._who = {"user": user} if token is None and user is not None else {}
        self._token = token
        self._max_queued = max_queued
        self._ssl = ssl
        self._transports = Transports(transport)
        self._rooms: Dict[str, Room] = {}
        self._listeners: Dict[str, List[Callable[[Any], Any]]] = {name: [] for name in EVENTS}
        self._name = os.urandom(8).hex()
        self._sent = 0
        self._next: Optional[Connection] = None
        self._window = (50.0, 1000.0)
        self._failures = 0
        self._unauthorized = 0
        self._closed = False
        self._lost = asyncio.Event()
        self._ended: Optional[ConnectionEnded] = None
        self._run_task: Optional[asyncio.Task] = None
        self._move_task: Optional[asyncio.Task] = None
        self._renew_task: Optional[asyncio.Task] = None

    # Life

    async def __aenter__(self) -> ChatClient:
        self.start()
        return self

    async def __aexit__(self, *_: Any) -> None:
        self.close()

    def start(self) -> None:
        """Begins to connect; needs a running event loop."""
        if self._run_task is None and not self._closed:
            self._run_task = asyncio.ensure_future(self._run())

    def close(self, reason: str = "closed by its user") -> None:
        """Ends for good; what waits raises ``ChatError`` with the code ``closed``."""
        if self._closed:
            return
        self._closed = True
        for task in (self._run_task, self._move_task, self._renew_task):
            if task is not None and task is not asyncio.current_task():
                task.cancel()
        for link in (self.serving, self._next):
            if link is not None:
                link.close()
        self.serving = self._next = None
        for name in list(self._rooms):
            self._drop(name, ChatError("closed", reason))
        self.emit("status", {"state": "closed", "reason": reason})

    @property
    def closed(self) -> bool:
        return self._closed

    def on(self, event: str, listener: Callable[[Any], Any]) -> Callable[[], None]:
        """Calls ``listener`` at every such event (one of ``EVENTS``). Returns what unsubscribes it."""
        if event not in self._listeners:
            raise ChatError("invalid", f"event: {event!r} is not one of {', '.join(EVENTS)}")
        if not callable(listener):
            raise ChatError("invalid", "listener: it is not a function")
        self._listeners[event].append(listener)
        return lambda: self._listeners[event].remove(listener)

    def emit(self, event: str, value: Any) -> None:
        for listener in list(self._listeners[event]):
            try:
                listener(value)
            except Exception as error:  # a listener that raises harms no other
                asyncio.get_running_loop().call_exception_handler(
                    {"message": "concertina_chat: a listener raised", "exception": error}
                )

    # Requests

    async def join(
        self,
        room: str,
        *,
        history: int = 0,
        cursor: Optional[Dict[str, Any]] = None,
        token: Optional[Token] = None,
        timeout: Optional[float] = 60,
    ) -> Dict[str, Any]:
        """Joins a room; returns its members when the server confirmed it."""
        self._check_open()
        _check("join", room=room, history=history, cursor=cursor)
        joined = self._rooms.get(room)
        if joined is None:
            joined = self._rooms[room] = Room(self, room, cursor, history, token)
        elif token is not None:
            joined.token = token
        waiting = asyncio.get_running_loop().create_future()
        joined.waiting.append(waiting)
        for link in (self.serving, self._next):
            if link is not None and link.welcome and link.ended is None:
                joined.join_on(link)
        try:
            return await asyncio.wait_for(waiting, timeout)
        except BaseException:
            if waiting in joined.waiting:
                joined.waiting.remove(waiting)
            if not joined.was_joined and not joined.waiting and self._rooms.get(room) is joined:
                self.leave(room)
            raise

    def leave(self, room: str) -> None:
        """Leaves a room; what waits there raises ``ChatError`` with the code ``left``."""
        if self._drop(room, ChatError("left", f"left {room}")):
            for link in (self.serving, self._next):
                if link is not None and link.ended is None:
                    self._forget(link.request("leave", _REQUEST_SECONDS, room=room))

    async def send(
        self,
        room: str,
        body: str,
        *,
        data: Optional[Dict[str, Any]] = None,
        id: Optional[str] = None,
        timeout: Optional[float] = 60,
    ) -> Dict[str, Any]:
        """Sends a message to a joined room; returns ``seq``, ``id`` and ``durability`` when it is acknowledged."""
        self._check_open()
        fields = {"id": self._id_or(id), "body": body, **({} if data is None else {"data": data})}
        _check("send", room=room, **fields)
        joined = self._rooms.get(room)
        if joined is None:
            raise ChatError("not-joined", f"join {room} first")
        return await asyncio.wait_for(joined.add(fields, self._max_queued), timeout)

    async def edit(self, room: str, seq: int, body: str, *, data=None, id=None, timeout=_REQUEST_SECONDS):
        """Replaces the body of the user's own message at the place ``seq``."""
        more = {} if data is None else {"data": data}
        return await self._ask(room, "edit", timeout, id=self._id_or(id), seq=seq, body=body, **more)

    async def delete(self, room: str, seq: int, *, id=None, timeout=_REQUEST_SECONDS):
        """Deletes the user's own message at the place ``seq``."""
        return await self._ask(room, "delete", timeout, id=self._id_or(id), seq=seq)

    async def invite(self, room: str, user: str, *, id=None, timeout=_REQUEST_SECONDS):
        """Shows another user a joined room, by a message in that user's personal room."""
        return await self._ask(room, "invite", timeout, id=self._id_or(id), user=user)

    async def mark_read(self, room: str, seq: int, *, timeout=_REQUEST_SECONDS) -> None:
        """The user has read the room up to the place ``seq``."""
        await self._ask(room, "mark", timeout, seq=seq)

    async def unread(self, rooms: Sequence[str], *, timeout=_REQUEST_SECONDS) -> List[Dict[str, Any]]:
        """What the user has not read of up to 50 rooms."""
        _check("unread", rooms=rooms)
        if self.serving is None:
            raise ChatError("disconnected", "there is no connection now")
        return (await self.serving.request("unread", timeout, rooms=rooms))["rooms"]

    async def history(self, room: str, before: int, limit: int, *, timeout=_REQUEST_SECONDS) -> Dict[str, Any]:
        """Older messages of a joined room: ``messages``, the oldest first, and ``first``, the oldest place there is."""
        return await self._ask(room, "history", timeout, before=before, limit=limit)

    def typing(self, room: str) -> None:
        """Shows the room that this user is typing."""
        joined = self._rooms.get(room)
        if joined is not None and joined.is_joined_on(self.serving):
            self._forget(self.serving.request("typing", _REQUEST_SECONDS, room=room))

    def cursor(self, room: str) -> Optional[Dict[str, Any]]:
        """Where this client is in a room: what it has received."""
        joined = self._rooms.get(room)
        return joined.cursor if joined is not None else None

    async def messages(self, room: str) -> AsyncIterator[Dict[str, Any]]:
        """The messages of a room from now on, until it is left or the client is closed."""
        queue: asyncio.Queue = asyncio.Queue()
        joined = self._rooms.get(room)
        stop = self.on("message", lambda message: message["room"] == room and queue.put_nowait(message))
        stop_status = self.on("status", lambda status: status["state"] == "closed" and queue.put_nowait(None))
        try:
            while joined is not None and not joined.left:
                message = await queue.get()
                if message is None:
                    return
                yield message
        finally:
            stop()
            stop_status()

    # Connecting

    async def token_of(self, token: Token) -> str:
        """The token itself, or a fresh one."""
        if not callable(token):
            return token
        made = token()
        return await asyncio.wait_for(made, _TOKEN_SECONDS) if inspect.isawaitable(made) else made

    async def _open(self, url: str, transport: Transport, **query: Any) -> Connection:
        parts = urlsplit(url)
        if self._rooms:
            query.setdefault("room", next(iter(self._rooms)))
        full = urlunsplit(parts._replace(query=urlencode([*parse_qsl(parts.query), *query.items()])))
        who = self._who if self._token is None else {"token": await self.token_of(self._token)}
        socket = await asyncio.wait_for(transport.connect(full, self._ssl), _REQUEST_SECONDS)
        link = Connection(socket, self._receive, self._on_end)
        await link.hello(**who)
        if self.user is not None and self.user != link.welcome["user"]:
            link.close()
            raise ConnectionEnded(_UNAUTHORIZED, f"the token is of another user than {self.user}")
        self.user = link.welcome["user"]
        self._window = tuple(link.welcome["retryMs"])
        self._failures = self._unauthorized = 0
        self._transports.welcomed(transport)
        self._renew_later(link.welcome.get("expiresInMs"))
        return link

    async def _run(self) -> None:
        """From one lost connection to the next (M4)."""
        while not self._closed:
            was_open = False
            transport = self._transports.next
            try:
                link = await self._open(self._url, transport)
                was_open = True
                self._lost.clear()
                self._serve(link, "open")
                for room in self._rooms.values():
                    room.join_on(link)
                if link.ended:
                    self._on_end(link)
                await self._lost.wait()
                why = self._ended or ConnectionEnded(1006, "")
            except ConnectionEnded as error:
                why = error
            except (OSError, asyncio.TimeoutError) as error:
                why = ConnectionEnded(1006, str(error) or "the server cannot be reached")
            except Exception as error:  # the token's function
                why = ConnectionEnded(1006, f"no token: {error}")
            if not was_open and why.code == 1006:
                self._transports.failed(transport)
            if self._is_final(why, was_open):
                return self.close(str(why))
            self._failures += 1
            self.emit("status", {"state": "waiting", "reason": str(why)})
            await asyncio.sleep(max(5.0 if why.code == _RATE_LIMITED else 0.0, self._wait()))

    def _is_final(self, why: ConnectionEnded, was_open: bool) -> bool:
        if why.code == _UNAUTHORIZED:
            self._unauthorized += 1
            return not callable(self._token) or self._unauthorized >= _MAX_UNAUTHORIZED
        if why.code == _EXPIRED:
            return not callable(self._token) and not was_open
        return not why.may_reconnect

    def _wait(self) -> float:
        """Seconds until the next attempt: at random in a window that doubles with every failure."""
        least, most = self._window
        end = min(_MAX_WAIT_MS, most * 2 ** max(0, self._failures - 1))
        return (least + (end - least) * random.random()) / 1000

    def _serve(self, link: Connection, state: str) -> None:
        self.serving = link
        self.emit("status", {"state": state, "server": link.welcome["server"], "transport": link.transport.kind})
        for room in self._rooms.values():
            room.wake()

    def _on_end(self, link: Connection) -> None:
        for room in self._rooms.values():
            room.lost(link)
        if link is self._next:
            self._next = None
        elif link is self.serving:
            self._ended = link.ended
            following, self._next = self._next, None
            if following is not None and following.ended is None:
                # The one that was to take over has not joined everything yet; it continues as the only one.
                self._serve(following, "open")
            else:
                self.serving = None
                self._lost.set()

    async def _move(self, link: Connection, move: Dict[str, Any]) -> None:
        """Opens another connection, resumes there, and only then closes this one (M1).

        Where a server is named that none of some attempts reached, the user stays.
        """
        await asyncio.sleep(move["afterMs"] / 1000)
        query = {"to": move["to"]} if "to" in move else {}
        url = move.get("url", self._url)
        if url.startswith("ws:") and self._url.startswith("wss:"):
            url = self._url
        attempts = 0
        while self.serving is link and link.ended is None:
            try:
                following = await self._open(url, link.transport, **query)
            except (ConnectionEnded, OSError, asyncio.TimeoutError):
                self._failures += 1
                attempts += 1
                url = self._url
                if query and attempts >= _MOVE_ATTEMPTS:
                    self._failures = 0
                    return
                await asyncio.sleep(self._wait())
                continue
            if self.serving is not link:
                # Another connection was opened meanwhile.
                following.close()
                return
            self._next = following
            for room in self._rooms.values():
                room.join_on(following)
            self._take_over_when_ready()
            return

    def _take_over_when_ready(self) -> None:
        following, link = self._next, self.serving
        if following is None or not all(room.is_joined_on(following) for room in self._rooms.values()):
            return
        self._next = None
        self._serve(following, "moved")
        if link is not None:
            link.close()

    def _renew_later(self, expires_in_ms: Optional[float]) -> None:
        if self._renew_task is not None and self._renew_task is not asyncio.current_task():
            self._renew_task.cancel()
        self._renew_task = None
        if expires_in_ms is not None and callable(self._token):
            self._renew_task = asyncio.ensure_future(self._renew(expires_in_ms))

    async def _renew(self, left_ms: float) -> None:
        """Gives the server a newer token in time (C4)."""
        while True:
            wait = max(1.0, (left_ms - min(30_000, left_ms / 2)) / 1000)
            await asyncio.sleep(wait)
            left_ms -= wait * 1000
            if left_ms <= 0:
                return
            try:
                if self.serving is not None:
                    token = await self.token_of(self._token)
                    answer = await self.serving.request("auth", _REQUEST_SECONDS, token=token)
                    left_ms = answer.get("expiresInMs", left_ms)
            except Exception:  # tried again while the token in use is valid
                continue

    # Receiving

    def _receive(self, link: Connection, message: Dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "move":
            if link is self.serving and self._next is None:
                if self._move_task is not None:
                    self._move_task.cancel()
                self._move_task = asyncio.ensure_future(self._move(link, message))
            return
        if kind == "error":
            self.emit("error", message)
            return
        room = self._rooms.get(message.get("room", ""))
        if room is None:
            return
        if kind == "message":
            if room.receive(link, message):
                self.emit("message", message)
        elif kind == "joined":
            if room.joined(link, message):
                self._take_over_when_ready()
        elif kind == "gap":
            first = room.skip(link, message)
            if first is not None:
                self.emit("gap", {"room": room.name, "from": first, "to": message["to"]})
        elif kind == "left":
            if message.get("code") == "unauthorized" and callable(room.token):
                room.join_on(link)
            elif "code" in message:
                self.room_rejected(room, ChatError(message["code"], message.get("message", "removed from the room")))
        elif kind in ("presence", "typing") and link is self.serving:
            self.emit(kind, message)

    def room_rejected(self, room: Room, error: ChatError) -> None:
        """The server does not have this user in the room (any more)."""
        if self._rooms.get(room.name) is room:
            self._drop(room.name, error)
            self.emit("error", {"code": error.code, "message": str(error), "room": room.name})

    def _drop(self, name: str, error: ChatError) -> bool:
        room = self._rooms.pop(name, None)
        if room is None:
            return False
        room.end(error)
        self._take_over_when_ready()
        return True

    # Helpers

    def _id_or(self, given: Any) -> Any:
        """The id that is given, or one of its own."""
        if given is not None:
            return given
        self._sent += 1
        return f"{self._name}-{self._sent}"

    def _check_open(self) -> None:
        if self._closed:
            raise ChatError("closed", "the client is closed")
        self.start()

    async def _ask(self, room: str, kind: str, timeout: Optional[float], **fields: Any) -> Dict[str, Any]:
        _check(kind, room=room, **fields)
        joined = self._rooms.get(room)
        if joined is None or not joined.is_joined_on(self.serving):
            raise ChatError("disconnected", f"there is no connection to {room} now")
        return await self.serving.request(kind, timeout, room=room, **fields)

    @staticmethod
    def _forget(request: Awaitable[Any]) -> None:
        task = asyncio.ensure_future(request)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())


def _check(kind: str, **fields: Any) -> None:
    problem = problem_of(kind, fields)
    if problem is not None:
        raise ChatError("invalid", problem)
