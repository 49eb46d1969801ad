"""Which way the next connection is made."""

from __future__ import annotations

from typing import Dict, Type, Union

from .errors import ChatError
from .event_stream import EventStream
from .websocket import WebSocket

Transport = Type[Union[WebSocket, EventStream]]

_BY_NAME: Dict[str, Transport] = {each.kind: each for each in (WebSocket, EventStream)}
#: WebSockets that failed one after another, before event streams are tried: by clients that had one before, and by others.
_FAILURES_OF_SOME, _FAILURES_OF_NONE = 3, 1


class Transports:
    """Falls back to event streams where WebSockets do not come through, until those fail, too."""

    def __init__(self, option: str):
        if option not in (*_BY_NAME, "auto"):
            raise ChatError("invalid", f"transport: {option!r} is not one of auto, {', '.join(_BY_NAME)}")
        self._fixed = _BY_NAME.get(option)
        self._had_websocket = False
        self._failures = 0
        self._fell_back = False

    @property
    def next(self) -> Transport:
        if self._fixed is not None:
            return self._fixed
        most = _FAILURES_OF_SOME if self._had_websocket else _FAILURES_OF_NONE
        return EventStream if self._fell_back or self._failures >= most else WebSocket

    def welcomed(self, transport: Transport) -> None:
        self._failures = 0
        self._fell_back = transport is EventStream
        self._had_websocket = self._had_websocket or transport is WebSocket

    def failed(self, transport: Transport) -> None:
        """A connection that should have replaced a lost one, or was the first, broke without a welcome."""
        self._failures = self._failures + 1 if transport is WebSocket else 0
        self._fell_back = False
