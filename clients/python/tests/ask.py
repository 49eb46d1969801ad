"""Everything else that a client can ask for, once. ``python3 ask.py URL SECRET``; raises when an answer is wrong."""

import asyncio
import base64
import hashlib
import hmac
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "src"))

from concertina_chat import ChatClient, ChatError, private_room  # noqa: E402


def sign(secret: str, **claims) -> str:
    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    text = ".".join(part(json.dumps(each).encode()) for each in ({"alg": "HS256"}, claims))
    return f"{text}.{part(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest())}"


async def rejected(code: str, asked) -> None:
    try:
        await asked
    except ChatError as error:
        assert error.code == code, f"{error.code}: {error}"
    else:
        raise AssertionError(f"not rejected with {code}")


async def main() -> None:
    url, secret = sys.argv[1:]

    def token(user: str, seconds: int = 60, **claims) -> str:
        return sign(secret, sub=user, exp=int(time.time()) + seconds, **claims)

    tokens = []

    async def short() -> str:
        tokens.append(token("ann", 3))
        return tokens[-1]

    async with ChatClient(url, token=short) as ann, ChatClient(url, token=token("bob", rooms=["r"])) as bob:
        received = []
        stop = ann.on("message", received.append)
        assert (await ann.join("r"))["room"] == "r"
        await bob.join("r", history=10)
        first = await ann.send("r", "one", data={"mentions": ["bob"]})
        assert first["durability"] == "memory"
        assert (await ann.send("r", "one", id=first["id"])) == first
        await ann.edit("r", first["seq"], "uno")
        page = await bob.history("r", first["seq"] + 1, 10)
        assert [each["body"] for each in page["messages"]] == ["uno"], page
        await rejected("forbidden", bob.edit("r", first["seq"], "x"))
        second = await bob.send("r", "two \N{GRINNING FACE}" + "x" * 3000)
        await bob.delete("r", second["seq"])
        ann.typing("r")
        assert (await bob.unread(["r"]))[0]["mentions"] == 1
        await bob.mark_read("r", second["seq"])
        assert (await bob.unread(["r"]))[0]["unread"] == 0
        assert private_room("bob", "a&b") == "@a%26b&bob"
        await bob.join(private_room("bob"))
        invited = bob.messages(private_room("bob"))
        following = asyncio.ensure_future(invited.__anext__())
        await asyncio.sleep(0)
        await ann.invite("r", "bob")
        assert (await asyncio.wait_for(following, 10))["data"] == {"invitation": {"room": "r"}}
        await invited.aclose()
        await rejected("forbidden", bob.join("vip"))
        await bob.join("vip", token=token("bob", 60, use="subscribe", room="vip"))
        await rejected("not-joined", bob.send("nowhere", "x"))
        await rejected("too-large", ann.send("r", "x" * 9000))
        await rejected("invalid", ann.join("half of a character: \ud800"))
        bob.leave("vip")
        # The token expires after three seconds, and is renewed before that.
        await asyncio.sleep(4)
        await ann.send("r", "still here")
        assert len(tokens) >= 2, tokens
        for _ in range(200):
            if received[-1]["body"] == "still here":
                break
            await asyncio.sleep(0.05)
        bodies = [each["body"] for each in received]
        assert bodies[:2] == ["one", "uno"] and bodies[-1] == "still here", bodies
        stop()
        waiting = asyncio.ensure_future(ann.join("elsewhere"))
        await asyncio.sleep(0)
        ann.close()
        await rejected("closed", waiting)
        await rejected("closed", ann.send("r", "x"))

    forged = ChatClient(url, token=sign("x" * 32, sub="eve", exp=int(time.time()) + 60))
    statuses = []
    forged.on("status", statuses.append)
    await rejected("closed", forged.join("r"))
    assert statuses[-1]["state"] == "closed" and "not valid" in statuses[-1]["reason"], statuses
    away = ChatClient("ws://127.0.0.1:9/chat", user="ann")
    try:
        await away.join("r", timeout=0.3)
    except asyncio.TimeoutError:
        away.close()


asyncio.run(main())
