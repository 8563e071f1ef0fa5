"""What the plugin may know about the piece of work that it runs in."""

from wit_world.imports.job import attempt, deadline_ms, key

__all__ = ["attempt", "deadline_ms", "key"]
