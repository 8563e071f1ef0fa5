"""The interfaces that a plugin may export, as classes to derive from.

A class of the plugin has the name of its interface and defines the functions that it serves:

    class Lookup(hookswitch_sdk.Lookup):
        def by_number(self, number, call):
            …

A function that it does not define fails as not served, and the manifest leaves it out.
"""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable
from pathlib import PurePath
from typing import Any, ClassVar

from componentize_py_types import Err

from .contract import (
    Call, Contact, ContactPage, Dial, Entry, Event, Hook, Note, Number, Recording, Reference, Route, Text, Transcript,
    UserPage,
)
from .failure import Failure, NotConfigured, Other
from .manifest import Manifest
from .replies import Reply
from .speech import Done, Pending

_served: list[str] = []
"""The functions that the plugin's classes define: "lookup.by-number"."""


def served() -> list[str]:
    return list(_served)


class Interface:
    """An interface of the contract. What a derived class does not define is not served."""

    functions: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        if Interface in cls.__bases__:
            cls.functions = tuple(name for name in vars(cls) if not name.startswith("_"))
            for name in cls.functions:
                setattr(cls, name, _not_served(vars(cls)[name], f"{cls.__name__.lower()}.{_words(name)}"))
            return
        interface = cls.__mro__[1].__name__.lower()
        for name in (name for name in vars(cls) if name in cls.functions):
            setattr(cls, name, _guarded(vars(cls)[name]))
            _served.append(f"{interface}.{_words(name)}")


def _words(name: str) -> str:
    return name.replace("_", "-")


def _not_served(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    @functools.wraps(function)
    def fail(*_: Any) -> Any:
        raise Err(NotConfigured(f"this plugin does not serve {name}").wire())

    return fail


def _guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    """Failures in the contract's form. An exception that leaves an export would end the instance without a word: instead
    it says where it happened. A second try would not mend it, so it is for a person."""

    @functools.wraps(function)
    def call(*given: Any) -> Any:
        try:
            result = function(*given)
            return result.wire() if isinstance(result, (Reply, Done, Pending)) else result
        except Failure as failure:
            raise Err(failure.wire()) from None
        except Exception as error:
            raise Err(exception(error).wire()) from None

    return call


def exception(error: Exception) -> Other:
    """The failure that follows from an exception: where in the plugin's source it happened, and how it got there."""
    sdk = str(PurePath(__file__).parent)
    # Not `extract_tb`, which looks for the source's text: there are no files here, and to ask for one ends the instance.
    steps = [(frame.f_code, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    own = [(code.co_name, f"{PurePath(code.co_filename).name}:{line}") for code, line in steps
           if not code.co_filename.startswith(sdk)]
    trail = "\n".join(f"at {name} ({place})" for name, place in reversed(own))
    place = own[-1][1] if own else "the plugin"
    return Other("exception", f"{place}: {type(error).__name__}: {error}", trail)


class Plugin:
    """The one class that every plugin has. `about` is its manifest."""

    about: ClassVar[Manifest]

    def __init_subclass__(cls) -> None:
        for name in ("prepare", "check"):
            setattr(cls, name, _guarded(getattr(cls, name)))

    def manifest(self, files: list[tuple[str, str]]) -> str:
        return self.about.to_json(served())

    def prepare(self) -> None:
        """Fetches global facts of the CRM into storage."""

    def check(self) -> list[str]:
        """Tests the connection, and returns lines for the admin."""
        return []


class Lookup(Interface):
    def by_number(self, number: Number, call: Call | None) -> list[Contact]:
        """Finds who has this number. Empty means: surely nobody."""

    def by_email(self, email: str) -> list[Contact]:
        """Finds who has this e-mail address."""

    def by_text(self, text: str, after: str | None) -> ContactPage:
        """Finds contacts by what a person typed, best first."""


class Contacts(Interface):
    def create(self, draft: Contact, call: Call | None) -> Contact:
        """Creates the contact, and returns it with its id."""


class Journal(Interface):
    def begin(self, call: Call, contact: Contact | None) -> Reference:
        """Registers a call that has only begun."""

    def write(self, entry: Entry, begun: Reference | None) -> Reference:
        """Writes the finished call."""

    def update(self, written: Reference, entry: Entry) -> Reference:
        """Changes an entry that was written."""


class Tickets(Interface):
    def open(self, call: Call, contact: Contact | None, text: Text) -> Reference:
        """Opens a ticket."""

    def update(self, ticket: Reference, call: Call, text: Text, notes: list[Note]) -> Reference:
        """Adds what became of the call."""

    def of_contact(self, contact: Contact) -> list[Reference]:
        """The contact's open tickets, the newest first."""


class Cards(Interface):
    def sync(
        self, call: Call, begun: Reference | None, contact: Contact | None, visible: list[str], gone: list[str]
    ) -> None:
        """Brings the cards of a call to the given state."""


class Recordings(Interface):
    def attach(self, to: Reference, file: Recording, link: str | None) -> Reference:
        """Attaches one file to an entry."""

    def transcribe(self, to: Reference, file: Recording, words: Transcript) -> Reference:
        """Adds a transcript of a file."""


class Directory(Interface):
    def users(self, after: str | None) -> UserPage:
        """Returns users, page by page."""


class Routing(Interface):
    def route(self, call: Call, known: list[Contact]) -> Route | None:
        """Decides about a call that has not rung anywhere. None: the phone system does as it would without asking."""


class Commands(Interface):
    def receive(self, hook: Hook) -> Reply:
        """Understands what the CRM has posted; the host has proven that it comes from there."""

    def finished(self, dial: Dial, outcome: str, reason: str) -> None:
        """Learns how a dial ended that never became a call."""


class Feed(Interface):
    def deliver(self, events: list[Event]) -> None:
        """Takes a batch of events, in order."""


class Speech(Interface):
    def start(self, file: Recording, language: str) -> Done | Pending:
        """Starts on a recording. `language` is BCP 47, or empty to detect it."""

    def poll(self, token: str) -> Done | Pending:
        """Asks how far it is."""

    def summarise(self, words: Transcript) -> str:
        """Sums a conversation up in a few sentences."""
