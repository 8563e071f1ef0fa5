"""How far a speech plugin is with a recording."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .contract import Transcript


@dataclass
class Done:
    """The recording is turned into words."""

    words: Transcript

    def wire(self) -> Any:
        """The contract's own form; only a plugin that exports `speech` has it."""
        from wit_world.exports import speech

        return speech.Progress_Done(self.words)


@dataclass
class Pending:
    """Not finished: the host asks `poll` with this token, in so many milliseconds."""

    token: str
    after_ms: int

    def wire(self) -> Any:
        """The contract's own form; only a plugin that exports `speech` has it."""
        from wit_world.exports import speech

        return speech.Progress_Pending((self.token, self.after_ms))
