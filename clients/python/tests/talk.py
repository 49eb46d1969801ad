"""Users who talk in one room, while a test breaks their connections. Prints what they did and saw, one JSON object a line, as the
history checker reads it. ``python3 talk.py URL USERS MESSAGES TRANSPORT``; ends when its input ends and everything has arrived."""

import asyncio
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "src"))

from concertina_chat import ChatClient  # noqa: E402


def show(**event):
    print(json.dumps(event), flush=True)


async def talk(session: int, url: str, messages: int, transport: str, heads: dict) -> ChatClient:
    user = f"user {session}"
    client = ChatClient(url, user=user, transport=transport)
    show(type="join", session=session, user=user, room="r")
    client.on("resumed", lambda it: show(type="resumed", session=session, **it["cursor"]))
    client.on("gap", lambda it: show(type="gap", session=session, **{"from": it["from"], "to": it["to"]}))
    client.on("status", lambda it: show(type="status", session=session, **it))
    client.on("error", lambda it: show(type="error", session=session, error=it))
    client.on(
        "message",
        lambda it: show(
            type="message",
            session=session,
            at=0,
            **{key: it[key] for key in ("seq", "prevSeq", "user", "id")},
        ),
    )
    await client.join("r", timeout=30)

    async def send(number: int) -> None:
        name = f"{session}-{number}"
        show(type="send", session=session, id=name, at=0)
        ack = await client.send("r", f"body {name}", id=name)
        heads["r"] = max(heads.get("r", 0), ack["seq"])
        show(type="ack", session=session, id=name, seq=ack["seq"], at=0)

    sending = []
    for number in range(messages):
        sending.append(asyncio.ensure_future(send(number)))
        await asyncio.sleep(0.02)
    await asyncio.gather(*sending)
    return client


async def main() -> None:
    url, users, messages, transport = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    heads: dict = {}
    clients = await asyncio.gather(*(talk(session, url, messages, transport, heads) for session in range(users)))
    show(type="sent")
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    for _ in range(600):
        if all(client.cursor("r")["seq"] >= heads["r"] for client in clients):
            break
        await asyncio.sleep(0.05)
    show(type="end")
    for client in clients:
        client.close()


asyncio.run(main())
