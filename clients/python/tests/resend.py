"""Sends two messages, of which the first gets no answer at first, and prints their places. ``python3 resend.py URL``."""

import asyncio
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "src"))

from concertina_chat import ChatClient  # noqa: E402


async def main() -> None:
    (url,) = sys.argv[1:]
    async with ChatClient(url, user="ann") as ann:
        await ann.join("r")
        print(json.dumps(await asyncio.gather(ann.send("r", "once", id="a"), ann.send("r", "next", id="b"))))


asyncio.run(main())
