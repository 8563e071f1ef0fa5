"""Secrets without their values. The manifest asks for the capability `secrets`."""

from __future__ import annotations

from typing import Literal

from componentize_py_types import Err
from wit_world.imports import secrets
from wit_world.imports.secrets import matches

from .failure import NotConfigured

__all__ = ["matches", "placeholder"]


def placeholder(handle: str, encoding: Literal["plain", "percent", "base64", "json"] = "plain") -> str:
    """The text that stands for a credential's value in a URL, header or body; the host puts the value there."""
    try:
        return secrets.placeholder(handle, encoding)
    except Err as error:
        raise NotConfigured(error.value) from None
