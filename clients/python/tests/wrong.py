"""Wrong input: each is rejected at once, with what is allowed, and harms nothing that follows. ``python3 wrong.py URL``."""

import asyncio
import inspect
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "src"))

from concertina_chat import ChatClient, ChatError  # noqa: E402

NO_NAMES = (None, 5, True, "", "x" * 129, "\N{GRINNING FACE}" * 65, "a\x00", "\ud800", [], {}, b"x")
NO_TEXTS = (None, 5, True, [], b"x")
NO_PLACES = (-1, 0, 1.5, "1", None, True, float("nan"), 10**30)
NO_COUNTS = (-1, 1.5, "1", None, True, float("nan"), 1001)
NO_DATA = (5, [], "x", {"a": float("nan")}, {"a": object()}, {"a": "x" * 2048}, {"a": [[[[[[[[]]]]]]]]})
NO_IDS = ("", "x" * 65, 5, b"x", "\ud800")


async def code_of(ask) -> str:
    try:
        made = ask()
        if inspect.isawaitable(made):
            await asyncio.wait_for(made, 30)
    except ChatError as error:
        return error.code
    return "accepted"


async def main() -> None:
    (url,) = sys.argv[1:]
    for wrong in (
        *({"url": each} for each in (None, 3, "nonsense", "ftp://x")),
        *({"user": each} for each in NO_NAMES if each is not None),
        {"user": "ann", "transport": "pigeon"},
        {"user": "ann", "token": 5},
        *({"user": "ann", "max_queued": each} for each in (0, -1, 1.5, "x", True)),
    ):
        assert await code_of(lambda: ChatClient(**{"url": url, **wrong})) == "invalid", wrong
    async with ChatClient(url, user="ann") as ann:
        await ann.join("r")
        asks = [lambda: ann.on("bogus", print), lambda: ann.on("message", None), lambda: ann.unread(["r"] * 51)]
        for bad in NO_NAMES:
            asks += [lambda bad=bad: ann.join(bad), lambda bad=bad: ann.send(bad, "x"), lambda bad=bad: ann.invite("r", bad)]
            asks += [lambda bad=bad: ann.history(bad, 5, 5), lambda bad=bad: ann.unread([bad]), lambda bad=bad: ann.unread(bad)]
        for bad in NO_TEXTS:
            asks += [lambda bad=bad: ann.send("r", bad), lambda bad=bad: ann.edit("r", 1, bad)]
        for bad in NO_PLACES:
            asks += [lambda bad=bad: ann.edit("r", bad, "x"), lambda bad=bad: ann.delete("r", bad)]
            asks += [lambda bad=bad: ann.mark_read("r", bad)]
        for bad in NO_COUNTS:
            asks += [lambda bad=bad: ann.join("q", history=bad), lambda bad=bad: ann.history("r", 5, bad)]
        for bad in NO_DATA:
            asks += [lambda bad=bad: ann.send("r", "x", data=bad)]
        for bad in NO_IDS:
            asks += [lambda bad=bad: ann.send("r", "x", id=bad), lambda bad=bad: ann.delete("r", 1, id=bad)]
        for bad in (5, [], {"epoch": 5, "seq": 1}, {"epoch": "e", "seq": -1}):
            asks += [lambda bad=bad: ann.join("q", cursor=bad)]
        for ask in asks:
            code = await code_of(ask)
            assert code == "invalid", f"{code}: {inspect.getclosurevars(ask).nonlocals} {ask.__defaults__!a}"
        assert await code_of(lambda: ann.send("r", "x" * 1_000_000)) == "too-large"
        assert await code_of(lambda: ann.send("r", "x", data={"replyTo": "x"})) == "bad-message"
        assert (await ann.send("r", "half \ud800, \x00 * 8000"))["seq"] == 1
        assert (await ann.send("r", "still here"))["seq"] == 2
        waiting = asyncio.ensure_future(ann.send("nowhere", "x"))
    assert await code_of(lambda: waiting) in ("not-joined", "closed")
    assert await code_of(lambda: ann.send("r", "x")) == "closed"


asyncio.run(main())
