"""Stays in a room, whatever its server asks, until its input ends. ``python3 moves.py URL``."""

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "src"))

from concertina_chat import ChatClient  # noqa: E402


async def main() -> None:
    async with ChatClient(sys.argv[1], user="ann") as ann:
        await ann.join("a")
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main())
