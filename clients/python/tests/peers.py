"""Joins and sends over servers that answer wrongly at first. ``python3 peers.py URL...``."""

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "src"))

from concertina_chat import ChatClient  # noqa: E402


async def talk(url: str) -> None:
    async with ChatClient(url, user="ann") as ann:
        received = []
        ann.on("message", received.append)
        await ann.join("a")
        acked = await ann.send("a", "x")
        assert acked["seq"] == 5 and received == [], (url, acked, received)
        assert ann.cursor("a") == {"epoch": "e", "seq": 4}, ann.cursor("a")


async def main() -> None:
    await asyncio.wait_for(asyncio.gather(*map(talk, sys.argv[1:])), 30)


asyncio.run(main())
