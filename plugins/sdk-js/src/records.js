// Records of the contract, made of what a plugin returns: what it leaves out is empty, and a key that the record does not
// have is a mistake that must not be lost in silence.

// Names and values, from an object or from pairs.
export const pairs = (fields) =>
  (Array.isArray(fields) ? fields : Object.entries(fields ?? {})).map(([name, value]) => [String(name), String(value)]);

const text = (value) => (value === undefined || value === null ? "" : String(value));
// Without its id the CRM's record would be lost.
const id = (value, what) => {
  if (value === undefined || value === null || value === "") throw new TypeError(`${what} is empty`);
  return String(value);
};
const optional = (convert) => (value) => (value === undefined || value === null ? null : convert(value));
const list = (convert) => (value, what) => {
  if (value === undefined || value === null) return [];
  if (typeof value === "string" || typeof value[Symbol.iterator] !== "function") {
    throw new TypeError(`${what} must be a list, not ${JSON.stringify(value)}`);
  }
  return Array.from(value, (item) => convert(item, what));
};
const flag = (value) => (value === undefined ? true : Boolean(value));
const number = (value) => Number(value ?? 0);

const record = (name, fields) => (value) => {
  if (typeof value !== "object" || value === null) throw new TypeError(`${name} is missing, this is ${JSON.stringify(value)}`);
  const unknown = Object.keys(value).find((key) => !(key in fields));
  if (unknown !== undefined) {
    throw new TypeError(`${name} has no \`${unknown}\`; it has ${Object.keys(fields).join(", ")}`);
  }
  const made = {};
  for (const [key, convert] of Object.entries(fields)) made[key] = convert(value[key], `${name}.${key}`);
  return made;
};

const content = (value) => {
  if (value === undefined || value === null) return { tag: "text", val: "" };
  if (value instanceof Uint8Array) return { tag: "bytes", val: value };
  return { tag: "text", val: typeof value === "string" ? value : JSON.stringify(value) };
};

export const nothing = () => undefined;
export const plainText = text;
export const texts = list(text);

export const contact = record("a contact", {
  id, kind: text, firstName: text, lastName: text, company: text, url: text, photoUrl: text,
  emails: list(text),
  phones: list((phone) => (typeof phone === "string" ? { kind: "other", value: phone } : { kind: text(phone.kind), value: text(phone.value) })),
  owner: optional(String), address: pairs, extra: pairs,
});
export const contacts = list(contact);
export const contactPage = record("a page of contacts", { contacts, next: optional(String) });

export const reference = record("a reference", { kind: text, id, url: text });
export const references = list(reference);

const user = record("a user", {
  id, name: text, email: text, extensions: list(text), active: flag, extra: pairs,
});
export const userPage = record("a page of users", { users: list(user), next: optional(String) });

export const routing = optional(
  record("a routing answer", { displayName: optional(String), kind: text, target: text, tags: pairs }),
);

const dial = record("a dial", {
  user: optional(String), extension: optional(String), number: text, line: text, crmCall: optional(String), extra: pairs,
});

// `{ dial: {…} }`, `{ hangUp: "call" }`, `"refresh-users"`, `{ other: ["name", {…}] }`.
const action = (value) => {
  if (value === "refresh-users") return { tag: "refresh-users" };
  if (value?.dial) return { tag: "dial", val: dial(value.dial) };
  if (value?.hangUp) return { tag: "hang-up", val: String(value.hangUp) };
  if (value?.other) return { tag: "other", val: [String(value.other[0]), pairs(value.other[1])] };
  throw new TypeError(`${JSON.stringify(value)} is no action: dial, hangUp, "refresh-users" or other`);
};
export const reply = record("a reply", {
  status: (value) => Number(value ?? 200), headers: pairs, body: content, actions: list(action),
});

const turn = record("a turn", { speaker: text, startMs: number, endMs: number, text });
const transcript = record("a transcript", { language: text, turns: list(turn), summary: optional(String), extra: pairs });

// `{ done: {…} }` or `{ pending: ["token", afterMs] }`.
export const progress = (value) => {
  if (value?.done) return { tag: "done", val: transcript(value.done) };
  if (value?.pending) return { tag: "pending", val: [String(value.pending[0]), Number(value.pending[1])] };
  throw new TypeError(`${JSON.stringify(value)} is no progress: done or pending`);
};
