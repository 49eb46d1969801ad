"""A WebSocket client (RFC 6455) on asyncio streams: text frames, no extensions."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import ssl as tls
import struct
from typing import Optional
from urllib.parse import urlsplit

from .errors import ConnectionEnded
from .http import connect, read_head, request_head

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TEXT, _BINARY, _CLOSE, _PING, _PONG = 0x1, 0x2, 0x8, 0x9, 0xA
#: Bytes of a message from the server at most.
_MAX_MESSAGE = 64 * 2**20


def _masked(data: bytes, mask: bytes) -> bytes:
    length = len(data)
    key = (mask * (length // 4 + 1))[:length]
    return (int.from_bytes(data, "big") ^ int.from_bytes(key, "big")).to_bytes(length, "big")


class WebSocket:
    """An open WebSocket. Exactly one task may receive."""

    kind = "websocket"

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self._reader = reader
        self._writer = writer
        self._closing = False

    @classmethod
    async def connect(cls, url: str, ssl: Optional[tls.SSLContext] = None) -> WebSocket:
        """Opens a WebSocket; raises ``ConnectionEnded`` when the server rejects it, ``OSError`` when it is away."""
        parts = urlsplit(url)
        reader, writer = await connect(parts, ssl)
        try:
            await cls._shake_hands(reader, writer, parts)
        except BaseException:
            writer.transport.abort()
            raise
        return cls(reader, writer)

    @staticmethod
    async def _shake_hands(reader, writer, parts) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        upgrade = {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": key,
            "Sec-WebSocket-Version": "13",
        }
        writer.write(request_head("GET", parts, upgrade))
        try:
            status, headers = await read_head(reader)
        except (EOFError, ValueError) as error:
            raise ConnectionEnded(1006, "the server does not speak WebSocket") from error
        if status != "101":
            raise ConnectionEnded(1006, f"unexpected server response: {status}")
        expected = base64.b64encode(hashlib.sha1((key + _GUID).encode()).digest()).decode()
        if headers.get("sec-websocket-accept") != expected:
            raise ConnectionEnded(1006, "the server does not speak WebSocket")

    async def receive(self) -> str:
        """The next message; raises ``ConnectionEnded`` when there is none any more."""
        message = b""
        try:
            while True:
                final, opcode, data = await self._frame()
                if opcode == _PING:
                    self._write(_PONG, data)
                elif opcode == _CLOSE:
                    code = struct.unpack("!H", data[:2])[0] if len(data) >= 2 else 1005
                    self._close(code if code != 1005 else 1000)
                    raise ConnectionEnded(code, data[2:].decode("utf-8", "replace"))
                elif opcode != _PONG:
                    message += data
                    if len(message) > _MAX_MESSAGE:
                        self._close(1009)
                        raise ConnectionEnded(1006, "a message of the server is too large")
                    if final:
                        return message.decode("utf-8")
        except (OSError, EOFError, UnicodeDecodeError) as error:
            self.abort()  # the server's end alone leaves ours open
            raise ConnectionEnded(1006, str(error)) from error

    async def _frame(self) -> tuple[bool, int, bytes]:
        first, second = await self._reader.readexactly(2)
        length = second & 0x7F
        if length == 126:
            length = struct.unpack("!H", await self._reader.readexactly(2))[0]
        elif length == 127:
            length = struct.unpack("!Q", await self._reader.readexactly(8))[0]
        if first & 0x70 or second & 0x80 or length > _MAX_MESSAGE:
            self._close(1002)
            raise ConnectionEnded(1006, "the server broke RFC 6455")
        return bool(first & 0x80), first & 0x0F, await self._reader.readexactly(length)

    def _write(self, opcode: int, data: bytes) -> None:
        length = len(data)
        head = bytes([0x80 | opcode])
        if length < 126:
            head += bytes([0x80 | length])
        elif length < 65536:
            head += struct.pack("!BH", 0x80 | 126, length)
        else:
            head += struct.pack("!BQ", 0x80 | 127, length)
        mask = os.urandom(4)
        self._writer.write(head + mask + _masked(data, mask))

    def send(self, text: str) -> None:
        """Sends a message; what the network cannot take yet waits."""
        if not self._closing:
            self._write(_TEXT, text.encode())

    def _close(self, code: int) -> None:
        if self._closing:
            return
        self._write(_CLOSE, struct.pack("!H", code))
        self._closing = True
        self._writer.close()

    def close(self) -> None:
        """Closes it in order, without waiting for the server."""
        self._close(1000)

    def abort(self) -> None:
        """Breaks it off."""
        self._closing = True
        self._writer.transport.abort()
