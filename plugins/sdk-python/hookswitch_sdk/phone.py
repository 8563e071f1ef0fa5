"""Telephone numbers that come from the CRM; those of the call are parsed already."""

from __future__ import annotations

from componentize_py_types import Err
from wit_world.imports import phone
from wit_world.imports.phone import format
from wit_world.imports.types import Number

__all__ = ["format", "parse"]


def parse(text: str, region: str | None = None) -> Number | None:
    """Parses a number as a person writes it; None: it is no number."""
    try:
        return phone.parse(text, region)
    except Err:
        return None
