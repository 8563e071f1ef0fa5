"""How a function fails: the variant `failure` of the contract, as exceptions. Choose by what shall happen next."""

from __future__ import annotations

from typing import Any

from wit_world.imports import types


class Failure(Exception):
    """Any of the failures below."""

    def wire(self) -> Any:
        """The contract's own form."""
        raise NotImplementedError


class Temporary(Failure):
    """Passes by itself: tried again later. Without `after_ms` the host chooses when."""

    def __init__(self, reason: str, after_ms: int | None = None) -> None:
        super().__init__(reason)
        self.reason, self.after_ms = reason, after_ms

    def wire(self) -> Any:
        return types.Failure_Temporary(types.Delay(self.after_ms, self.reason))


class _Problem(Failure):
    def __init__(self, code: str, text: str, detail: str = "") -> None:
        super().__init__(text)
        self.code, self.text, self.detail = code, text, detail

    def problem(self) -> Any:
        return types.Problem(self.code, self.text, self.detail)


class Rejected(_Problem):
    """The CRM will not take this. `code` is its own or a short word, `text` one sentence for the admin."""

    def wire(self) -> Any:
        return types.Failure_Rejected(self.problem())


class Other(_Problem):
    """Anything else that somebody must look at."""

    def wire(self) -> Any:
        return types.Failure_Other(self.problem())


class Unauthorised(Failure):
    """Holds the plugin's work until the admin has mended a credential."""

    def wire(self) -> Any:
        return types.Failure_Unauthorised(str(self))


class NotConfigured(Failure):
    """One sentence that names the setting."""

    def wire(self) -> Any:
        return types.Failure_NotConfigured(str(self))


class InDoubt(Failure):
    """What may have been done or not; the next try looks before it writes."""

    def wire(self) -> Any:
        return types.Failure_InDoubt(str(self))
