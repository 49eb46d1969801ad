"""Names of private rooms (rule P1)."""

from __future__ import annotations


def private_room(*users: str) -> str:
    """The room of these users alone, in whatever order they are given: ``@ann&bob``."""
    names = sorted(set(users), key=lambda name: name.encode("utf-16-be", "surrogatepass"))
    return "@" + "&".join(name.replace("%", "%25").replace("&", "%26") for name in names)
