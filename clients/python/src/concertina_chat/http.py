"""As much of HTTP/1.1 on asyncio streams as the chat needs."""

from __future__ import annotations

import asyncio
import ssl as tls
from typing import Dict, Optional, Tuple
from urllib.parse import SplitResult

#: Bytes of a chunk at most.
_MAX_CHUNK = 64 * 2**20

Streams = Tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def connect(parts: SplitResult, ssl: Optional[tls.SSLContext]) -> Streams:
    """Connects to the server of an address; raises ``OSError`` when it is away."""
    secure = parts.scheme in ("wss", "https")
    port = parts.port or (443 if secure else 80)
    context = (ssl or tls.create_default_context()) if secure else None
    return await asyncio.open_connection(parts.hostname, port, ssl=context, limit=2**20)


def request_head(method: str, parts: SplitResult, headers: Dict[str, str]) -> bytes:
    """The head of a request for the path and query of an address."""
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [f"{method} {target} HTTP/1.1", f"Host: {parts.netloc.rpartition('@')[2]}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


async def read_head(reader: asyncio.StreamReader) -> Tuple[str, Dict[str, str]]:
    """The status of an answer and its headers, by their names in lower case; raises ``EOFError`` or ``ValueError``."""
    try:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    except asyncio.LimitOverrunError as error:
        raise ValueError("the head of the answer is too long") from error
    pairs = (line.partition(":") for line in lines[1:])
    return " ".join(lines[0].split(" ")[1:2]), {name.lower(): value.strip() for name, _, value in pairs}


class Body:
    """The body of an answer."""

    def __init__(self, reader: asyncio.StreamReader, headers: Dict[str, str]):
        self._reader = reader
        self._chunked = "chunked" in headers.get("transfer-encoding", "").lower()
        self._left = int(headers["content-length"]) if "content-length" in headers else None

    async def read(self) -> bytes:
        """What comes next, empty at the end; raises ``EOFError`` or ``ValueError`` when it breaks off."""
        if self._chunked:
            return await self._chunk()
        data = await self._reader.read(2**16 if self._left is None else min(2**16, self._left))
        if self._left is not None:
            if not data and self._left > 0:
                raise EOFError("the answer broke off")
            self._left -= len(data)
        return data

    async def _chunk(self) -> bytes:
        size = int((await self._reader.readuntil(b"\n")).partition(b";")[0], 16)
        if not 0 <= size <= _MAX_CHUNK:
            raise ValueError("a chunk of the answer is too large")
        data = await self._reader.readexactly(size)
        if size == 0:
            while (await self._reader.readuntil(b"\n")).strip():
                pass  # trailers
        else:
            await self._reader.readexactly(2)
        return data
