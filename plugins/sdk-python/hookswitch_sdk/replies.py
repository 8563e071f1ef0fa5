"""What a plugin answers to a hook of the CRM, and has the host do."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from wit_world.imports.types import Content_Bytes, Content_Text

from .contract import Fields


@dataclass
class DialAction:
    """Has a call made: the user's own phone rings first, then the number is dialled."""

    number: str
    user: str | None = None
    extension: str | None = None
    line: str = ""
    crm_call: str | None = None
    extra: Fields = field(default_factory=list)


@dataclass
class HangUp:
    """By `call.chain` or `call.crm_call`."""

    call: str


@dataclass
class RefreshUsers:
    """The CRM's users have changed."""


@dataclass
class OtherAction:
    name: str
    arguments: Fields = field(default_factory=list)


@dataclass
class Reply:
    """What the CRM gets as answer, and what shall happen. A body that is neither text nor bytes is sent as JSON."""

    status: int = 200
    headers: Fields = field(default_factory=list)
    body: Any = ""
    actions: list[DialAction | HangUp | RefreshUsers | OtherAction] = field(default_factory=list)

    def wire(self) -> Any:
        """The contract's own form; only a plugin that exports `commands` has it."""
        from wit_world.exports import commands

        def action(of: Any) -> Any:
            match of:
                case DialAction():
                    return commands.Action_Dial(of)
                case HangUp(call):
                    return commands.Action_HangUp(call)
                case RefreshUsers():
                    return commands.Action_RefreshUsers()
                case _:
                    return commands.Action_Other((of.name, of.arguments))

        if isinstance(self.body, bytes):
            body: Any = Content_Bytes(self.body)
        else:
            body = Content_Text(self.body if isinstance(self.body, str) else json.dumps(self.body))
        return commands.Reply(self.status, self.headers, body, [action(of) for of in self.actions])
