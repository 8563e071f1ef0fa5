// {{title}}: finds the caller in the CRM or makes a contact of him, and writes the call down there.
//
// The CRM here is made up: it takes JSON at `contacts` (`GET` by `phone` or `key`, `POST`) and `calls` (`POST`). Put your
// own requests in their place, and in the scenarios.

const { failure, http, job, searchThenCreate } = require("hookswitch");

exports.manifest = {
  name: "{{name}}",
  title: "{{title}}",
  version: "0.1.0",
  credentials: [
    {
      handle: "crm",
      kind: "base-url",
      title: "Address of the CRM",
      help: "With its key: https://crm.example.com/api/KEY/",
    },
  ],
};

// What an answer must be like; anything else is half an answer, or not the CRM's.
const person = { id: "", name: "" };

const crm = http.client({ credential: "crm", problem });

exports.lookup = {
  byNumber(number) {
    return people("phone", number.e164 ?? number.raw);
  },
};

exports.contacts = {
  create(draft) {
    // The CRM makes as many contacts as it is told to. If an earlier try lost its answer, the key finds the contact.
    const key = job.key("contact");
    return searchThenCreate(
      () => people("key", key)[0],
      () => {
        const name = draft.lastName || "Unknown caller";
        const json = { key, name, phone: draft.phones[0]?.value ?? null };
        return contact(crm.post("contacts", { effect: "once", json, like: person }));
      },
    );
  },
};

exports.journal = {
  write({ call, contacts, text }) {
    const written = crm.post("calls", {
      // The CRM takes a second call with the same key for the first one: that makes the request idempotent.
      effect: "idempotent",
      json: {
        key: job.key("call"),
        contact: contacts[0]?.id ?? null,
        phone: call.external && (call.external.e164 ?? call.external.raw),
        agent: call.credited && call.credited.extension,
        outcome: call.outcome,
        seconds: Math.floor(call.talkMs / 1000),
        text: text.subject,
      },
      like: { id: "" },
    });
    return { kind: "call", id: written.id };
  },
};

/** Tests the connection: what it returns is shown by `hookswitch check`. */
exports.check = () => {
  people("key", "none");
  return ["the CRM answers"];
};

// Contacts of the CRM. It answers 204 where it has none.
function people(by, value) {
  return (crm.get("contacts", { query: { [by]: value }, like: [person] }) ?? []).map(contact);
}

function contact({ id, name }) {
  return { id, kind: "contact", lastName: name };
}

// Errors that come with status 200: `{"error": {"code": "…", "message": "…"}}`.
function problem(json) {
  const error = json?.error;
  if (!error) return null;
  if (error.code === "busy") return failure.temporary(`the CRM is busy: ${error.message}`);
  return failure.rejected(error.code, `The CRM refused it: ${error.message}`);
}
