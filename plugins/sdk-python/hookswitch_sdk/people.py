"""Who is who: extensions and CRM users."""

from wit_world.imports.people import extension_of, user_of

__all__ = ["extension_of", "user_of"]
