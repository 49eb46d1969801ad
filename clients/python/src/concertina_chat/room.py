"""A room as its client follows it: how far it is, and what waits there."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from typing import TYPE_CHECKING, Any, Deque, Dict, List, NamedTuple, Optional

from .connection import Connection
from .errors import ChatError, reject

if TYPE_CHECKING:
    from .client import ChatClient

_JOIN_SECONDS = 30
_REPAIR_AGAIN_SECONDS = 1.0
#: Messages that got no answer, of which so many are remembered.
_MAX_UNANSWERED = 100
#: The state of a connection that has joined the room; before that it is the id of the join.
_JOINED = object()


class _Outgoing(NamedTuple):
    fields: Dict[str, Any]
    acked: asyncio.Future


class Room:
    def __init__(self, client: ChatClient, name: str, cursor, history: int, token):
        self.name = name
        #: The place up to which everything was received.
        self.cursor: Optional[Dict[str, Any]] = cursor
        self.token = token
        self.left = False
        self.was_joined = False
        self.waiting: List[asyncio.Future] = []
        self._client = client
        self._history = history
        self._links: Dict[Connection, Any] = {}
        self._queue: Deque[_Outgoing] = deque()
        #: Ids of messages that got no answer and may be in the room, also when their sender does not wait any more and may
        #: send them again; with their places, once they came.
        self._unanswered: Dict[str, Optional[Dict[str, Any]]] = {}
        #: The room's last place when it was joined last.
        self._head = 0
        self._wake = asyncio.Event()
        self._repairs = 0
        self._tasks = {asyncio.ensure_future(self._send_all())}

    def is_joined_on(self, link: Optional[Connection]) -> bool:
        return link is not None and link.ended is None and self._links.get(link) is _JOINED

    def join_on(self, link: Connection, after: float = 0) -> None:
        """Asks the server for the room, from where this client is; again, when it did before."""
        if after == 0 and not self.left and link.ended is None:
            self._links[link] = link.next_id()
        task = asyncio.ensure_future(self._join(link, after))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _join(self, link: Connection, after: float) -> None:
        if after > 0:
            await asyncio.sleep(after)
            if link not in self._links:
                return
            self._links[link] = link.next_id()
        request_id = self._links.get(link)
        if self.left or link.ended or request_id is None:
            return
        try:
            fields: Dict[str, Any] = {"id": request_id, "room": self.name}
            if self.token is not None:
                fields["token"] = await self._client.token_of(self.token)
            if self._links.get(link) != request_id:
                return
            if self.cursor:
                fields["cursor"] = self.cursor
            if self._history:
                fields["history"] = self._history
            await link.request("join", _JOIN_SECONDS, **fields)
        except asyncio.TimeoutError:
            link.abort()
        except ChatError as error:
            if self._links.get(link) != request_id:
                return
            if error.retry_ms is not None:
                self.join_on(link, error.retry_ms / 1000)
            elif error.code != "disconnected":
                self._client.room_rejected(self, error)

    def joined(self, link: Connection, answer: Dict[str, Any]) -> bool:
        """A server confirmed a join; an answer to an earlier request than the last one does not count."""
        if self._links.get(link) != answer.get("id"):
            return False
        self._links[link] = _JOINED
        cursor = answer["cursor"]
        # Of another epoch our own place means nothing; of the same one, ours is as far or further.
        reset = self.cursor is not None and (answer.get("reset", False) or self.cursor["epoch"] != cursor["epoch"])
        if self.cursor is None or reset:
            self.cursor = cursor
        self._head = answer["head"]
        self.was_joined = True
        expires = answer.get("expiresInMs")
        if expires is not None and callable(self.token):
            self.join_on(link, max(1.0, (expires - min(30_000, expires / 2)) / 1000))
        known = {key: answer[key] for key in ("room", "members", "users") if key in answer}
        self._client.emit("resumed", {**known, "cursor": self.cursor, "reset": bool(reset)})
        for waiting in self.waiting:
            if not waiting.done():
                waiting.set_result(known)
        self.waiting.clear()
        self.wake()
        return True

    def receive(self, link: Connection, message: Dict[str, Any]) -> bool:
        """Whether the message is the next one of the room (R1); it counts as received then."""
        if not self.cursor or not self.is_joined_on(link) or message["seq"] <= self.cursor["seq"]:
            return False
        if message["prevSeq"] > self.cursor["seq"]:
            self._links[link] = None
            self._repairs += 1
            if self._repairs == 1:
                self.join_on(link)
            else:
                self.join_on(link, _REPAIR_AGAIN_SECONDS)
            return False
        self._repairs = 0
        self._answer_by(link, message)
        self._advance(message["seq"])
        return True

    def skip(self, link: Connection, gap: Dict[str, Any]) -> Optional[int]:
        """The messages up to ``to`` will never come (R4). Returns the first that was still awaited."""
        if not self.cursor or not self.is_joined_on(link) or gap["to"] <= self.cursor["seq"]:
            return None
        first = max(gap["from"], self.cursor["seq"] + 1)
        self._advance(gap["to"])
        return first

    def _answer_by(self, link: Connection, message: Dict[str, Any]) -> None:
        """A message of this user without an answer has its place now, and one in flight if it gets none."""
        welcome, id = link.welcome, message["id"]
        is_first = bool(self._queue) and self._queue[0].fields["id"] == id
        is_unanswered = id in self._unanswered
        if message["user"] != welcome["user"] or not (is_first or is_unanswered):
            return
        self._unanswered[id] = {"seq": message["seq"], "id": id, "durability": welcome["durability"]}
        if is_unanswered:
            self._answer_first()

    def _answer_first(self) -> None:
        """What is to be sent next may have come already."""
        if self._queue:
            fields, acked = self._queue[0]
            found = self._unanswered.get(fields["id"])
            if found and not acked.done():
                acked.set_result(found)

    def _advance(self, seq: int) -> None:
        self.cursor = {"epoch": self.cursor["epoch"], "seq": seq}
        if self._is_caught_up():
            self.wake()

    def _is_caught_up(self) -> bool:
        return self.cursor is not None and self.cursor["seq"] >= self._head

    def lost(self, link: Connection) -> None:
        self._links.pop(link, None)

    def wake(self) -> None:
        self._wake.set()

    def add(self, fields: Dict[str, Any], max_queued: int) -> asyncio.Future:
        """Queues a message; the future has its acknowledgement."""
        if len(self._queue) >= max_queued:
            raise ChatError("queue-full", f"{max_queued} messages of this room wait already")
        acked = asyncio.get_running_loop().create_future()
        self._queue.append(_Outgoing(fields, acked))
        self.wake()
        return acked

    async def _send_all(self) -> None:
        """One message in flight at a time, so that the room has them in their order (S5).

        What got no answer is sent again only after all that the room has by then was received: it may be there, and a
        server remembers ids for a while only.
        """
        while True:
            link = self._client.serving
            first = self._queue[0] if self._queue else None
            self._answer_first()
            is_unanswered = first is not None and not first.acked.done() and first.fields["id"] in self._unanswered
            waits = is_unanswered and not self._is_caught_up()
            if first is None or waits or not self.is_joined_on(link):
                self._wake.clear()
                await self._wake.wait()
                continue
            if not first.acked.done():
                await self._send_one(link, *first)
            if first.acked.done():
                self._queue.popleft()

    async def _send_one(self, link: Connection, fields: Dict[str, Any], acked: asyncio.Future) -> None:
        try:
            answer = await link.request("send", self._client.ack_seconds, room=self.name, **fields)
            self._unanswered.pop(answer["id"], None)
            if not acked.done():
                acked.set_result({key: answer[key] for key in ("seq", "id", "durability")})
        except asyncio.TimeoutError:
            self._may_be_there(fields["id"])
            link.abort()
        except ChatError as error:
            self._may_be_there(fields["id"])
            # What a connection that is left rejects, the next one may accept.
            if link is not self._client.serving or error.code == "disconnected":
                return
            if error.code == "not-joined":
                self.join_on(link)
            elif error.retry_ms is not None:
                await asyncio.sleep(error.retry_ms / 1000 * (1 + random.random() / 4))
            else:
                self._unanswered.pop(fields["id"], None)
                reject(acked, error)

    def _may_be_there(self, id: str) -> None:
        if id in self._unanswered:
            return
        if len(self._unanswered) >= _MAX_UNANSWERED:
            del self._unanswered[next(iter(self._unanswered))]
        self._unanswered[id] = None

    def end(self, error: ChatError) -> None:
        """It is over: everything that waits raises."""
        self.left = True
        self._links.clear()
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()
        for future in [*self.waiting, *(acked for _, acked in self._queue)]:
            reject(future, error)
        self.waiting.clear()
        self._queue.clear()
