"""Write Hookswitch plugins in Python.

A plugin is a module with a class `Plugin` and a class for each interface that it serves, with the functions that it
serves; README.md shows one. What each function is for, when the host calls it and what a failure does is said in the
contract, `wit/0.1.0`.
"""

import sys

if sys.platform == "wasi":
    from . import sources

    sources.install()

from . import clock, job, log, people, phone, secrets, settings, storage
from .contract import (
    Agent, Call, Contact, ContactPage, Dial, Direction, Entry, Event, Hook, Note, Number, PhoneEntry, Recording, Reference,
    Route, Text, Transcript, Turn, User, UserPage,
)
from .failure import Failure, InDoubt, NotConfigured, Other, Rejected, Temporary, Unauthorised
from .http import Answer, Client, Effect
from .interfaces import (
    Cards, Commands, Contacts, Directory, Feed, Journal, Lookup, Plugin, Recordings, Routing, Speech, Tickets,
)
from .manifest import Credential, Hook as HookOf, Limits, Manifest, Setting
from .once import search_then_create
from .pages import pages
from .replies import DialAction, HangUp, OtherAction, RefreshUsers, Reply
from .speech import Done, Pending

__all__ = [
    "Agent", "Answer", "Call", "Cards", "Client", "Commands", "Contact", "ContactPage", "Contacts", "Credential",
    "Dial", "DialAction", "Direction", "Directory", "Done", "Effect", "Entry", "Event", "Failure", "Feed", "HangUp",
    "Hook", "HookOf", "InDoubt", "Journal", "Limits", "Lookup", "Manifest", "NotConfigured", "Note", "Number", "Other",
    "OtherAction", "Pending", "PhoneEntry", "Plugin", "Recording", "Recordings", "Reference", "RefreshUsers",
    "Rejected", "Reply", "Route", "Routing", "Setting", "Speech", "Temporary", "Text", "Tickets", "Transcript", "Turn",
    "Unauthorised", "User", "UserPage", "clock", "job", "log", "pages", "people", "phone", "search_then_create",
    "secrets", "settings", "storage",
]
