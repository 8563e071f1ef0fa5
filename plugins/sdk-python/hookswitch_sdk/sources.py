"""Python's own sources of time and chance, put on the job's: the sandbox has none, and a replay must give the same.

Modules that are imported after this one get them; the build imports `hookswitch_sdk` first.
"""

from __future__ import annotations

import datetime
import os
import random
import time

from wit_world.imports import clock
from wit_world.imports import random as chance

# The host gives this many bytes at a time.
_MOST = 1024


def urandom(size: int) -> bytes:
    return b"".join(chance.bytes(min(_MOST, size - at)) for at in range(0, size, _MOST))


class Datetime(datetime.datetime):
    """A moment whose present is the job's. Without a zone it is UTC."""

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> Datetime:
        moment = cls.fromtimestamp(clock.now_ms() / 1000, datetime.timezone.utc)
        return moment.astimezone(tz) if tz else moment.replace(tzinfo=None)

    @classmethod
    def utcnow(cls) -> Datetime:
        return cls.now()

    @classmethod
    def today(cls) -> Datetime:
        return cls.now()


class Date(datetime.date):
    @classmethod
    def today(cls) -> Date:
        now = Datetime.now()
        return cls(now.year, now.month, now.day)


def install() -> None:
    """Puts them in place."""
    time.time = lambda: clock.now_ms() / 1000
    time.time_ns = lambda: clock.now_ms() * 1_000_000
    Datetime.__name__ = Datetime.__qualname__ = "datetime"
    Date.__name__ = Date.__qualname__ = "date"
    datetime.datetime, datetime.date = Datetime, Date
    os.urandom = random._urandom = urandom
    source = random.SystemRandom()
    for name in random.__all__:
        if not name[0].isupper() and hasattr(source, name):
            setattr(random, name, getattr(source, name))
