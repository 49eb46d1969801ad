"""Asyncio client of the Concertina chat."""

from .client import ChatClient
from .errors import ChatError
from .names import private_room

__all__ = ["ChatClient", "ChatError", "private_room"]
__version__ = "0.1.0"
