"""What the client raises."""

from __future__ import annotations

import asyncio
from typing import Optional


class ChatError(Exception):
    """A request that was not carried out. ``code`` is one of the protocol's, or of the client's own:
    ``invalid``, ``disconnected``, ``closed``, ``left`` and ``queue-full``."""

    def __init__(self, code: str, message: str, retry_ms: Optional[float] = None):
        super().__init__(message)
        self.code = code
        #: The same request may succeed after this many milliseconds.
        self.retry_ms = retry_ms


class ConnectionEnded(Exception):
    """A connection is closed, or could not be opened."""

    def __init__(self, code: int, reason: str):
        super().__init__(reason or f"the connection was lost (code {code})")
        self.code = code
        self.reason = reason

    @property
    def may_reconnect(self) -> bool:
        """Whether the same connection may be tried again (close codes of the protocol)."""
        return not 4000 <= self.code < 4500 and self.code not in (1002, 1003, 1007, 1009)


def reject(waiting: asyncio.Future, error: Exception) -> None:
    """Ends what may still be waited for; nothing is logged when nothing waits."""
    if not waiting.done():
        waiting.set_exception(error)
        waiting.exception()
