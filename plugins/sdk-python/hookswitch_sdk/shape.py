"""Whether an answer is like an example of it: the same kinds of values at the same places, others may be there too."""

from __future__ import annotations

from typing import Any

_KINDS = {dict: "an object", list: "a list", str: "a text", bool: "a flag", int: "a number", float: "a number"}


def unlike(value: Any, example: Any, place: str = "") -> str | None:
    """Says what is wrong, or None.

    `""` stands for a text, `0` for a number, `True` for a flag, `None` for anything, `[x]` for a list whose items are
    like x, `{…}` for an object that has these keys.
    """
    if example is None:
        return None
    kind = _KINDS[type(example)]
    where = f"`{place}`" if place else "it"
    if _KINDS.get(type(value)) != kind:
        return f"{where} is not {kind}"
    wrong: list[str | None] = []
    if isinstance(example, list) and example:
        wrong = [unlike(item, example[0], f"{place}[{index}]") for index, item in enumerate(value)]
    if isinstance(example, dict):
        for key, part in example.items():
            path = f"{place}.{key}" if place else key
            missing = key not in value and part is not None
            wrong.append(f"`{path}` is missing" if missing else unlike(value.get(key), part, path))
    return next((text for text in wrong if text is not None), None)
