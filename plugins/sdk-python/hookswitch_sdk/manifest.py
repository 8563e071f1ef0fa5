"""The manifest, `wit/manifest.md`. The SDK writes what is served, and asks for the origins of base addresses."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass
class Setting:
    name: str
    kind: Literal["text", "secret", "choice", "flag", "number", "file"]
    title: str
    help: str = ""
    default: str | None = None
    choices: list[str] = field(default_factory=list)
    required: bool = False


@dataclass
class Credential:
    """`place`, `scheme` and `provider` are tables as in `wit/manifest.md`."""

    handle: str
    kind: Literal["none", "base-url", "bearer", "basic", "api-key", "oauth2", "signature", "secret"]
    title: str
    help: str = ""
    required: bool = True
    place: dict[str, Any] | None = None
    scheme: dict[str, Any] | None = None
    provider: dict[str, Any] | None = None


@dataclass
class Hook:
    """What the CRM may post; `verify` is a list of tables as in `wit/manifest.md`."""

    name: str
    verify: list[dict[str, Any]]
    title: str | None = None


@dataclass
class Limits:
    """What the CRM bears: requests per second, how many at once after a pause, functions at the same time."""

    per_second: float
    burst: int
    concurrency: int = 4


@dataclass
class Manifest:
    name: str
    title: str
    version: str
    vendor: str = ""
    description: str = ""
    settings: list[Setting] = field(default_factory=list)
    credentials: list[Credential] = field(default_factory=list)
    http: list[str] = field(default_factory=list)
    capabilities: list[str] = field(default_factory=list)
    hooks: list[Hook] = field(default_factory=list)
    limits: Limits | None = None

    def to_json(self, serves: Iterable[str]) -> str:
        """The text that `plugin.manifest` returns."""
        bases = [f"credential:{of.handle}" for of in self.credentials if of.kind == "base-url"]
        limits = self.limits and {
            "rate": {"per-second": self.limits.per_second, "burst": self.limits.burst},
            "concurrency": self.limits.concurrency,
        }
        parts: dict[str, Any] = {
            "manifest": 1, "name": self.name, "title": self.title, "version": self.version, "vendor": self.vendor,
            "description": self.description, "serves": list(serves), "settings": _tables(self.settings),
            "credentials": _tables(self.credentials), "http": list(dict.fromkeys([*self.http, *bases])),
            "capabilities": self.capabilities, "hooks": _tables(self.hooks), "limits": limits,
        }
        return json.dumps({name: part for name, part in parts.items() if part not in (None, [], "") or name == "serves"})


def _tables(records: Iterable[Any]) -> list[dict[str, Any]]:
    return [{name: part for name, part in vars(of).items() if part not in (None, [], "")} for of in records]
