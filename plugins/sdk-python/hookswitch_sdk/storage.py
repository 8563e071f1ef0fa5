"""The plugin's storage, with values as JSON. The manifest asks for the capability `storage`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

from componentize_py_types import Err
from wit_world.imports import storage as host
from wit_world.imports.types import Content_Text

from .failure import Other

T = TypeVar("T")


class Store:
    """One scope of the storage."""

    def __init__(self, scope: host.Scope) -> None:
        self._scope = scope

    def get(self, key: str) -> Any:
        """The value of a key; None: no such key, its time is over, or another version of the plugin wrote it."""
        entry = _works(lambda: host.get(self._scope, key))
        if entry is None or not isinstance(entry.value, Content_Text):
            return None
        try:
            return json.loads(entry.value.value)
        except ValueError:
            return None

    def set(self, key: str, value: Any, ttl_s: int | None = None) -> None:
        """Writes a value, whatever was there; forgets it after `ttl_s` seconds."""
        _works(lambda: host.put(self._scope, key, Content_Text(json.dumps(value)), None, ttl_s))

    def delete(self, key: str) -> bool:
        """Removes a key. False: there was none."""
        return _works(lambda: host.delete(self._scope, key, None))

    def keys(self, prefix: str = "", after: str | None = None, limit: int = 1000) -> list[str]:
        return _works(lambda: host.keys(self._scope, prefix, after, limit))


def _works(call: Callable[[], T]) -> T:
    try:
        return call()
    except Err as error:
        raise Other("storage", "the plugin's storage does not work", error.value) from None


plugin = Store(host.Scope.PLUGIN)
"""As long as the plugin is configured."""

call = Store(host.Scope.CALL)
"""As long as the present call."""
