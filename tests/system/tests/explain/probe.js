// Writes nothing anywhere: what it is told to write is what it returns.
const { settings } = require("hookswitch");

exports.manifest = {
  name: "probe",
  title: "Probe",
  version: "1.0.0",
  settings: [{ name: "contacts", kind: "text", title: "Contacts", help: "JSON: number to contacts.", default: "{}" }],
};

const known = () => JSON.parse(settings.required("contacts"));

exports.lookup = {
  byNumber(number) {
    const found = known()[number.e164] ?? [];
    return found.map(({ phone, ...contact }) => ({ ...contact, phones: [{ kind: "business", value: phone }] }));
  },
};

exports.contacts = {
  create(draft) {
    return { ...draft, id: `made-${draft.phones[0].value}` };
  },
};

exports.journal = {
  begin() {
    return { kind: "call", id: "begun" };
  },
  write({ text }) {
    return { kind: "entry", id: `=${text.subject}`, url: text.body };
  },
};

exports.tickets = {
  open(call, contact, text) {
    return { kind: "ticket", id: `=${text.subject}`, url: text.body };
  },
  update(ticket, call, text) {
    return { kind: "ticket", id: `=${text.subject}`, url: text.body };
  },
};

exports.directory = {
  users() {
    return {
      users: [
        { id: "11", name: "Alice Anders", email: "alice@example.com", extensions: ["201"], active: true },
        { id: "13", name: "Carla Conrad", email: "", extensions: ["203"], active: true },
      ],
    };
  },
};
