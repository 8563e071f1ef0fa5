"""What a CRM answered, and what follows from it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from wit_world.imports import clock, http

from .failure import Failure, InDoubt, NotConfigured, Other, Rejected, Temporary, Unauthorised

LONGEST_WAIT_MS = 60 * 60 * 1000
"""No CRM is waited for longer than this, whatever it says."""


@dataclass
class Answer:
    """A complete answer. The names of its headers are in lower case; `text` is "" where the body is not text."""

    effect: str
    status: int
    headers: list[tuple[str, str]]
    text: str

    def header(self, name: str) -> str | None:
        return next((value for given, value in self.headers if given == name.lower()), None)

    def success(self) -> Answer:
        """Passes a 2xx on.

        401 and 403 are *unauthorised*; 408, 425, 429 and 5xx *temporary*, for as long as the CRM says; all others are
        *rejected*. A 5xx to a request with effect `once` is *in doubt*, since a server may fail after it has done the
        work; 503 says that it has not begun.
        """
        if 200 <= self.status <= 299:
            return self
        said = f"the CRM answered {self.status}"
        if self.status in (401, 403):
            raise Unauthorised(f"{said}: {self.beginning()}")
        if self.status >= 500 and self.status != 503 and self.effect == "once":
            raise InDoubt(f"{said} and may have done it")
        if self.status >= 500 or self.status in (408, 425, 429):
            raise Temporary(said, self.wait())
        raise Rejected(f"http-{self.status}", said, self.beginning())

    def json(self) -> Any:
        """The body as JSON; None with 204. Raises *not understood*: half an answer, or a page put in by a proxy."""
        if self.status == 204:
            return None
        try:
            return json.loads(self.text)
        except ValueError as error:
            raise self.not_understood(str(error)) from None

    def not_understood(self, what: str) -> Failure:
        """The failure for an answer that does not say what came of the request."""
        reason = f"the CRM's answer ({self.status}) is not understood: {what}"
        return InDoubt(reason) if self.effect == "once" else Temporary(reason)

    def wait(self) -> int | None:
        """How long the CRM wants to be left alone, in milliseconds; None if it does not say."""
        return wait_ms(self.header, clock.now_ms)

    def beginning(self) -> str:
        """The first 300 characters of the body, to be shown."""
        return self.text[:300]


def wait_ms(header: Callable[[str], str | None], now_ms: Callable[[], int]) -> int | None:
    """Reads `Retry-After` (seconds or a date, RFC 9110 section 10.2.3), else the reset of a rate limit, which some give
    as seconds from now and some as Unix time."""
    after = (header("retry-after") or "").strip()
    if after.isdecimal():
        return _bounded(float(after) * 1000)
    if after:
        try:
            return _bounded(parsedate_to_datetime(after).timestamp() * 1000 - now_ms())
        except ValueError:
            return None
    try:
        reset = float(header("ratelimit-reset") or header("x-ratelimit-reset") or "")
    except ValueError:
        return None
    return _bounded(reset * 1000 - now_ms() if reset > 1e9 else reset * 1000)


def _bounded(wait: float) -> int | None:
    return int(min(max(wait, 0), LONGEST_WAIT_MS)) if math.isfinite(wait) else None


def no_answer(error: http.Error, effect: str) -> Failure:
    """What to do where there is no answer; the cases are explained in `wit/0.1.0/http.wit`."""
    match error:
        case http.Error_Denied(text):
            return NotConfigured(text)
        case http.Error_Unauthorised(text):
            return Unauthorised(text)
        case http.Error_NotSent(reason):
            return Temporary(reason)
        case http.Error_InDoubt(reason):
            return InDoubt(reason) if effect == "once" else Temporary(reason)
        case http.Error_TooLarge(detail) if effect == "once":
            return InDoubt(detail)  # It was carried out all the same: what it made can be searched for.
        case http.Error_TooLarge(detail):
            return Other("answer-too-large", "the CRM's answer is larger than allowed", detail)
        case _:
            return Other("http", "the request could not be sent", str(error.value))
