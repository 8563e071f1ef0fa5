"""The job's clock."""

from __future__ import annotations

from componentize_py_types import Err
from wit_world.imports import clock
from wit_world.imports.clock import now_ms

from .failure import Other

__all__ = ["format", "now_ms"]


def format(unix_ms: int, pattern: str, zone: str | None = None) -> str:
    """Writes a time by strftime's pattern; without a zone in the host's."""
    try:
        return clock.format(unix_ms, zone, pattern)
    except Err as error:
        raise Other("time-format", error.value) from None
