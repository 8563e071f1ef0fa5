"""The plugin's log. Keep the message constant and put what varies into fields. Telephone numbers at `debug` only."""

from __future__ import annotations

from typing import Any

from wit_world.imports import logging


def debug(message: str, **fields: Any) -> None:
    _log(logging.Level.DEBUG, message, fields)


def info(message: str, **fields: Any) -> None:
    _log(logging.Level.INFO, message, fields)


def warn(message: str, **fields: Any) -> None:
    """Something an admin should mend, though the job goes on."""
    _log(logging.Level.WARN, message, fields)


def error(message: str, **fields: Any) -> None:
    _log(logging.Level.ERROR, message, fields)


def _log(level: logging.Level, message: str, fields: dict[str, Any]) -> None:
    logging.log(level, message, [(name, str(value)) for name, value in fields.items()])
