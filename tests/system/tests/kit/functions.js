const { http } = require("hookswitch");

exports.manifest = {
  name: "all", title: "All functions", version: "1.0.0",
  credentials: [{ handle: "crm", kind: "base-url", title: "CRM" }],
};

const crm = http.client({ credential: "crm" });
const put = (url, text) => void crm.put(url, { text });
const people = (id) => [{ id, lastName: "Scripted" }];
const entry = (id) => ({ kind: "entry", id });
const ticket = (id) => ({ kind: "ticket", id });
const field = ({ form }, name) => new Map(form).get(name);

exports.prepare = () => {};
exports.check = () => [];
exports.lookup = {
  byNumber: (number) => people(number.e164),
  byEmail: people,
  byText: (text, next) => ({ contacts: people(text), next }),
};
exports.contacts = { create: ({ phones }, call) => ({ id: call.chain, phones }) };
exports.directory = { users: (after) => ({ users: [{ id: `u${after}` }] }) };
exports.journal = {
  begin: (call, contact) => entry(contact.id),
  write: ({ call }, begun) => entry(`${call.chain} ${begun.id}`),
  update: (written, { call }) => entry(`${call.chain} ${written.id}`),
};
exports.tickets = {
  open: (call, contact, { subject }) =>
    ticket(crm.post("tickets", { text: `${contact.id}: ${subject}`, effect: "once" }).id),
  update: (opened, call) => ticket(`${opened.id} ${call.chain}`),
  ofContact: (contact) => [ticket(contact.id)],
};
exports.cards = {
  sync: (call, begun, contact, visible, gone) =>
    put("cards", `${begun.id} ${contact.id} ${visible.join(" ")} not ${gone.join(" ")}`),
};
exports.recordings = { attach: (to) => to, transcribe: (to) => to };
exports.routing = { route: (call, [known]) => ({ kind: "extension", target: known.id }) };
exports.commands = {
  receive: (hook) => ({
    status: 202,
    body: `${field(hook, "user")} ${hook.body.val}`,
    actions: [
      { dial: { extension: "201", number: field(hook, "number") } }, "refresh-users", { hangUp: hook.proven.join() },
    ],
  }),
  finished: (dial, outcome, reason) => put("dials", `${dial.number} ${outcome} ${reason}`),
};
exports.feed = { deliver: (events) => put("events", events.map(({ seq, json }) => `${seq} ${json}`).join("\n")) };
exports.speech = {
  start: ({ id }) => ({ pending: [id, 1000] }),
  poll: (token) => ({ done: { turns: [{ speaker: "external", text: token }] } }),
  summarise: ({ turns }) => turns.map(({ text }) => text).join(" "),
};
