"""Lists that the CRM gives page by page."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import TypeVar

from .failure import Other

T = TypeVar("T")
C = TypeVar("C", bound=Hashable)


def pages(fetch: Callable[[C | None], tuple[Iterable[T], C | None]], first: C | None = None, most: int = 100) -> Iterator[T]:
    """Walks through a list: `for user in pages(lambda after: …)`.

    `fetch` gets the cursor of a page and returns its items and the next cursor; None or "": that was the last page. More
    than `most` pages, or a cursor that comes twice, is a failure: a list cut short must not pass for the whole.
    """
    seen = set()
    after = first
    for _ in range(most):
        items, after = fetch(after)
        yield from items
        if after is None or after == "":
            return
        if after in seen:
            raise Other("pages", "the CRM's list of pages runs in a circle", f"page {after} came twice")
        seen.add(after)
    raise Other("pages", f"the CRM's list has more than {most} pages")
