"""Writing once, though a try may end without its answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from wit_world.imports import job

T = TypeVar("T")


def search_then_create(search: Callable[[], T | None], create: Callable[[], T]) -> T:
    """Creates something in the CRM, or finds what an earlier try of this job has created already.

    `create` puts `job.key(…)` where the CRM keeps it, with effect `once`; `search` asks for that key, by a query that
    sees what was written a moment ago, and returns None where it is not there. On the first try nothing can be there, so
    nothing is searched; on a later one the try before may have written without hearing of it.

    A creation that ends in doubt is handed on at once: it may still be under way in the CRM, so a look right now would
    prove nothing. The host waits and tries again, and that try searches.
    """
    found = search() if job.attempt() > 1 else None
    return create() if found is None else found
