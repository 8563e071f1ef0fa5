// A small and complete plugin in one file, without any build: it finds the caller in a CRM or makes a contact of him,
// writes the call down there, and tells the host who of the CRM's users sits at which phone.
//
// The CRM takes JSON at three addresses below a secret one: `contacts` (`GET` by `phone` or `key`, `POST`), `calls`
// (`POST`) and `users` (`GET`, page by page). Errors of its own come with status 200.

const { failure, http, job, pages, searchThenCreate, settings } = require("hookswitch");

exports.manifest = {
  name: "first-plugin-script",
  title: "First plugin as a script",
  version: "0.1.0",
  credentials: [
    {
      handle: "crm",
      kind: "base-url",
      title: "Address of the CRM",
      help: "With its key: https://crm.example.com/api/KEY/",
    },
  ],
  settings: [
    {
      name: "unknown-caller",
      kind: "text",
      title: "Name for unknown callers",
      help: "For contacts that are made of callers without a name.",
      default: "Unknown caller",
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
        const name = draft.lastName || settings.required("unknown-caller");
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

exports.directory = { users: usersAfter };

// Says how many users the CRM has: for `hookswitch check`.
exports.check = () => {
  const users = [...pages((after) => {
    const { users, next } = usersAfter(after);
    return { items: users, next };
  })];
  return [`the CRM answers, and has ${users.length} users`];
};

// One page of the CRM's users, and the cursor of the next.
function usersAfter(after) {
  const { users, next } = crm.get("users", { query: { after }, like: { users: [{ id: "" }] } });
  const user = ({ id, name, email, extension }) => ({ id, name, email, extensions: extension ? [extension] : [] });
  return { users: users.map(user), next };
}

// Contacts of the CRM. It answers 204 where it has none.
function people(by, value) {
  return (crm.get("contacts", { query: { [by]: value }, like: [person] }) ?? []).map(contact);
}

function contact({ id, name }) {
  return { id, kind: "contact", lastName: name };
}

// The CRM's own errors, `{"error": {"code": "…", "message": "…"}}`. It is too busy now and then, and says so in this way.
function problem(json) {
  const error = json?.error;
  if (!error) return null;
  if (error.code === "busy") return failure.temporary(`the CRM is busy: ${error.message}`);
  return failure.rejected(error.code, `The CRM refused it: ${error.message}`);
}
