"""{{title}}: finds the caller in the CRM or makes a contact of him, and writes the call down there.

The CRM here is made up: it takes JSON at `contacts` (`GET` by `phone` or `key`, `POST`) and `calls` (`POST`). Put your own
requests in their place, and in the scenarios.
"""

import hookswitch_sdk as hookswitch
from hookswitch_sdk import (
    Client, Contact, Credential, Failure, Manifest, Number, Reference, Rejected, Temporary, job, search_then_create,
)


def problem(json: dict) -> Failure | None:
    """Errors that come with status 200: `{"error": {"code": "…", "message": "…"}}`."""
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
        name="{{name}}",
        title="{{title}}",
        version="0.1.0",
        credentials=[
            Credential("crm", "base-url", "Address of the CRM", "With its key: https://crm.example.com/api/KEY/"),
        ],
    )

    def check(self) -> list[str]:
        """Tests the connection: what it returns is shown by `hookswitch check`."""
        people(key="none")
        return ["the CRM answers"]


class Lookup(hookswitch.Lookup):
    def by_number(self, number: Number, call) -> list[Contact]:
        return people(phone=number.e164 or number.raw)


class Contacts(hookswitch.Contacts):
    def create(self, draft: Contact, call) -> Contact:
        # The CRM makes as many contacts as it is told to. If an earlier try lost its answer, the key finds the contact.
        key = job.key("contact")

        def create() -> Contact:
            name = draft.last_name or "Unknown caller"
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


def people(**by: str) -> list[Contact]:
    """Contacts of the CRM. It answers 204 where it has none."""
    return [contact(person) for person in crm.get("contacts", query=by, like=[PERSON]) or []]


def contact(person: dict) -> Contact:
    return Contact(person["id"], kind="contact", last_name=person["name"])
