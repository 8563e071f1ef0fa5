"""The words of the contract, `wit/0.1.0/types.wit`, which explains each of them.

What a plugin only gets is the contract's own class. What it makes has defaults: what is left out is empty.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from wit_world.imports.types import Agent, Call, Direction, Note, Number, PhoneEntry, Recording, Text, Turn

if TYPE_CHECKING:
    from wit_world.exports.commands import Dial, Hook
    from wit_world.exports.feed import Event
    from wit_world.exports.journal import Entry
else:
    # Only a plugin that exports their interfaces has these classes.
    Dial = Hook = Entry = Event = Any

Fields = list[tuple[str, str]]


def _has_id(record: Any) -> None:
    """Without its id the CRM's record would be lost."""
    if not isinstance(record.id, str) or not record.id:
        raise ValueError(f"a {type(record).__name__.lower()} needs its id as text, not {record.id!r}")


@dataclass
class Contact:
    """A person, company or lead of the CRM."""

    id: str
    kind: str = ""
    first_name: str = ""
    last_name: str = ""
    company: str = ""
    url: str = ""
    photo_url: str = ""
    emails: list[str] = field(default_factory=list)
    phones: list[PhoneEntry] = field(default_factory=list)
    owner: str | None = None
    address: Fields = field(default_factory=list)
    extra: Fields = field(default_factory=list)

    __post_init__ = _has_id


@dataclass
class ContactPage:
    """Contacts found by a text; `next` leads to the next page."""

    contacts: list[Contact]
    next: str | None = None


@dataclass
class Reference:
    """Something that the plugin made in the CRM and shall find again."""

    id: str
    kind: str = ""
    url: str = ""

    __post_init__ = _has_id


@dataclass
class User:
    """A user of the CRM, with the extensions entered there."""

    id: str
    name: str = ""
    email: str = ""
    extensions: list[str] = field(default_factory=list)
    active: bool = True
    extra: Fields = field(default_factory=list)

    __post_init__ = _has_id


@dataclass
class UserPage:
    """Users; `next` leads to the next page."""

    users: list[User]
    next: str | None = None


@dataclass
class Route:
    """Where a caller should go. `kind` says what `target` is: `extension`, `queue`, `group`, `external` …; by default
    there is no wish."""

    kind: str = "default"
    target: str = ""
    display_name: str | None = None
    tags: Fields = field(default_factory=list)


@dataclass
class Transcript:
    """The words of a recording."""

    language: str = ""
    turns: list[Turn] = field(default_factory=list)
    summary: str | None = None
    extra: Fields = field(default_factory=list)


__all__ = [
    "Agent", "Call", "Contact", "ContactPage", "Dial", "Direction", "Entry", "Event", "Fields", "Hook", "Note", "Number",
    "PhoneEntry", "Recording", "Reference", "Route", "Text", "Transcript", "Turn", "User", "UserPage",
]
