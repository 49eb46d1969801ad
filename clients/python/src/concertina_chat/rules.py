"""What the protocol allows in a request, checked before anything is sent. The server applies the same rules."""

from __future__ import annotations

import json
import re
from typing import Any, Callable, Dict, Optional

_MAX_HISTORY = 1000
_MAX_UNREAD_ROOMS = 50
_MAX_DATA_BYTES = 2048
_MAX_DATA_DEPTH = 8
_MAX_WHOLE = 2**53 - 1
_NO_LABEL = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


def _is_label(value: Any, longest: int) -> bool:
    """Text of 1 to ``longest`` UTF-16 units that is whole characters, none of them a control character."""
    if not isinstance(value, str) or not value or len(value) > longest or _NO_LABEL.search(value):
        return False
    return len(value.encode("utf-16-le")) <= 2 * longest


def _is_name(value: Any) -> bool:
    return _is_label(value, 128)


def _is_whole(value: Any, most: int = _MAX_WHOLE) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most


def _is_cursor(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    epoch = value.get("epoch")
    return isinstance(epoch, str) and len(epoch) <= 64 and _is_whole(value.get("seq"))


def _depth_of(value: Any, left: int = _MAX_DATA_DEPTH) -> int:
    if not isinstance(value, (dict, list, tuple)) or left == 0:
        return 1
    parts = value.values() if isinstance(value, dict) else value
    return 1 + max((_depth_of(each, left - 1) for each in parts), default=0)


def _is_data(value: Any) -> bool:
    if not isinstance(value, dict) or _depth_of(value) > _MAX_DATA_DEPTH:
        return False
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError):
        return False
    return len(text.encode("utf-8", "surrogatepass")) <= _MAX_DATA_BYTES


def _content_problem(fields: Dict[str, Any]) -> Optional[str]:
    if not isinstance(fields["body"], str):
        return "body is text"
    if "data" in fields and not _is_data(fields["data"]):
        return f"data is a JSON object of at most {_MAX_DATA_BYTES} bytes, nested at most {_MAX_DATA_DEPTH} deep"
    return None


def _place_problem(fields: Dict[str, Any]) -> Optional[str]:
    return None if _is_whole(fields["seq"]) and fields["seq"] > 0 else "seq is the place of a message"


def _join_problem(fields: Dict[str, Any]) -> Optional[str]:
    if fields["cursor"] is not None and not _is_cursor(fields["cursor"]):
        return "cursor is {epoch, seq} as given by the server"
    return None if _is_whole(fields["history"], _MAX_HISTORY) else f"history is a whole number up to {_MAX_HISTORY}"


def _history_problem(fields: Dict[str, Any]) -> Optional[str]:
    if _is_whole(fields["before"]) and _is_whole(fields["limit"], _MAX_HISTORY):
        return None
    return f"before and limit are whole numbers, limit up to {_MAX_HISTORY}"


def _unread_problem(fields: Dict[str, Any]) -> Optional[str]:
    rooms = fields["rooms"]
    if isinstance(rooms, (list, tuple)) and 1 <= len(rooms) <= _MAX_UNREAD_ROOMS and all(map(_is_name, rooms)):
        return None
    return f"rooms is a list of 1 to {_MAX_UNREAD_ROOMS} names of rooms"


def _user_problem(fields: Dict[str, Any]) -> Optional[str]:
    return None if _is_label(fields["user"], 127) else "user is 1 to 127 characters without control characters"


_RULES: Dict[str, Callable[[Dict[str, Any]], Optional[str]]] = {
    "join": _join_problem,
    "send": _content_problem,
    "edit": lambda fields: _content_problem(fields) or _place_problem(fields),
    "delete": _place_problem,
    "invite": _user_problem,
    "mark": _place_problem,
    "unread": _unread_problem,
    "history": _history_problem,
}


def problem_of(kind: str, fields: Dict[str, Any]) -> Optional[str]:
    """What is wrong with a request; ``None`` when nothing is."""
    if "id" in fields and not _is_label(fields["id"], 64):
        return "id is 1 to 64 characters without control characters"
    if "room" in fields and not _is_name(fields["room"]):
        return "room is 1 to 128 characters without control characters"
    rule = _RULES.get(kind)
    return rule(fields) if rule is not None else None


def user_problem(user: Any) -> Optional[str]:
    """What is wrong with the name of an anonymous user."""
    return None if _is_name(user) else f"user: {user!a:.40} is not 1 to 128 characters without control characters"
