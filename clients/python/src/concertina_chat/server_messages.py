"""The fields of the server's messages that the client relies on. Unknown types and fields pass."""

from __future__ import annotations

import math
from typing import Any, Callable, Dict

Check = Callable[[Any], bool]


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _place(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _list_of(check: Check) -> Check:
    return lambda value: isinstance(value, list) and all(check(each) for each in value)


def _or_nothing(check: Check) -> Check:
    return lambda value: value is None or check(value)


def _cursor(value: Any) -> bool:
    return isinstance(value, dict) and _text(value.get("epoch")) and _place(value.get("seq"))


def _window(value: Any) -> bool:
    return _list_of(_number)(value) and len(value) == 2 and 0 <= value[0] <= value[1]


_EXPIRY = {"expiresInMs": _or_nothing(_number)}
_RANGE = {"room": _text, "from": _place, "to": _place}
_SHAPES: Dict[str, Dict[str, Check]] = {
    "welcome": {
        "user": _text,
        "durability": _text,
        "retryMs": _window,
        "heartbeatMs": _or_nothing(_number),
        "maxBodyBytes": _or_nothing(_number),
        **_EXPIRY,
    },
    "authenticated": _EXPIRY,
    "joined": {"room": _text, "cursor": _cursor, "head": _place, "members": _number, **_EXPIRY},
    "left": {"room": _text, "code": _or_nothing(_text), "message": _or_nothing(_text)},
    "ack": {"id": _text, "room": _text, "seq": _place, "durability": _text},
    "rejected": {"code": _text, "message": _text, "retryMs": _or_nothing(_number)},
    "message": {"room": _text, "seq": _place, "prevSeq": _place, "user": _text, "id": _text, "body": _text},
    "gap": _RANGE,
    "presence": {"room": _text, "members": _number},
    "typing": {"room": _text, "user": _text},
    "move": {"afterMs": _number, "to": _or_nothing(_place), "url": _or_nothing(_text)},
    "error": {"code": _text, "message": _text},
}


def check(message: Any) -> None:
    """Raises ``ValueError`` with what is wrong with a message of the server."""
    if not isinstance(message, dict) or not _text(message.get("type")):
        raise ValueError("not a message")
    kind = message["type"]
    for field, fits in _SHAPES.get(kind, {}).items():
        if not fits(message.get(field)):
            raise ValueError(f"{kind} has a wrong {field}")
