"""The admin's settings."""

from __future__ import annotations

from wit_world.imports import settings as host

from .failure import NotConfigured


def text(name: str) -> str | None:
    """A setting without spaces around it; None where it is empty."""
    return (host.get(name) or "").strip() or None


def flag(name: str) -> bool:
    return text(name) == "true"


def number(name: str) -> float | None:
    value = text(name)
    return None if value is None else float(value)


def required(name: str) -> str:
    """As `text`; empty is *not configured*."""
    value = text(name)
    if value is None:
        raise NotConfigured(f"setting `{name}` is empty")
    return value
