"""A small and complete plugin: it finds the caller in a CRM or makes a contact of him, writes the call down there, and
tells the host who of the CRM's users sits at which phone.

The CRM takes JSON at three addresses below a secret one: `contacts` (`GET` by `phone` or `key`, `POST`), `calls` (`POST`)
and `users` (`GET`, page by page). Errors of its own come with status 200.
"""

import hookswitch_sdk as hookswitch
from hookswitch_sdk import (
    Client, Contact, Credential, Failure, Manifest, Number, Reference, Rejected, Setting, Temporary, User, UserPage, job,
    pages, search_then_create, settings,
)


def problem(json: dict) -> Failure | None:
    """The CRM's own errors, `{"error": {"code": "…", "message": "…"}}`. It is too busy now and then, and says so."""
    error = json.get("error") if isinstance(json, dict) else None
    if not error:
        return None
    if error["code"] == "busy":
        return Temporary(f"the CRM is busy: {error['message']}")
    return Rejected(error["code"], f"The CRM refused it: {error['message']}")


crm = Client(credential="crm", problem=problem)

# What an answer must be like; anything else is half an answer, or not the CRM's.
PERSON = {"id": "", "name": ""}


class Plugin(hookswitch.Plugin):
    about = Manifest(
        name="first-plugin-python",
        title="First plugin in Python",
        version="0.1.0",
        credentials=[
            Credential("crm", "base-url", "Address of the CRM", "With its key: https://crm.example.com/api/KEY/"),
        ],
        settings=[
            Setting(
                "unknown-caller", "text", "Name for unknown callers",
                "For contacts that are made of callers without a name.", default="Unknown caller",
            ),
        ],
    )

    def check(self) -> list[str]:
        users = list(pages(users_after))
        return [f"the CRM answers, and has {len(users)} users"]


class Lookup(hookswitch.Lookup):
    def by_number(self, number: Number, call) -> list[Contact]:
        return people(phone=number.e164 or number.raw)


class Contacts(hookswitch.Contacts):
    def create(self, draft: Contact, call) -> Contact:
        # The CRM makes as many contacts as it is told to. If an earlier try lost its answer, the key finds the contact.
        key = job.key("contact")

        def create() -> Contact:
            name = draft.last_name or settings.required("unknown-caller")
            phone = draft.phones[0].value if draft.phones else None
            json = {"key": key, "name": name, "phone": phone}
            return contact(crm.post("contacts", effect="once", json=json, like=PERSON))

        return search_then_create(lambda: next(iter(people(key=key)), None), create)


class Journal(hookswitch.Journal):
    def write(self, entry, begun) -> Reference:
        call = entry.call
        written = crm.post(
            "calls",
            # The CRM takes a second call with the same key for the first one: that makes the request idempotent.
            effect="idempotent",
            json={
                "key": job.key("call"),
                "contact": entry.contacts[0].id if entry.contacts else None,
                "phone": call.external and (call.external.e164 or call.external.raw),
                "agent": call.credited and call.credited.extension,
                "outcome": call.outcome,
                "seconds": call.talk_ms // 1000,
                "text": entry.text.subject,
            },
            like={"id": ""},
        )
        return Reference(kind="call", id=written["id"])


class Directory(hookswitch.Directory):
    def users(self, after: str | None) -> UserPage:
        return UserPage(*users_after(after))


def users_after(after: str | None) -> tuple[list[User], str | None]:
    """One page of the CRM's users, and the cursor of the next."""
    page = crm.get("users", query={"after": after}, like={"users": [{"id": ""}]})
    users = [
        User(of["id"], of.get("name") or "", of.get("email") or "", [of["extension"]] if of.get("extension") else [])
        for of in page["users"]
    ]
    return users, page.get("next")


def people(**by: str) -> list[Contact]:
    """Contacts of the CRM. It answers 204 where it has none."""
    return [contact(person) for person in crm.get("contacts", query=by, like=[PERSON]) or []]


def contact(person: dict) -> Contact:
    return Contact(person["id"], kind="contact", last_name=person["name"])
