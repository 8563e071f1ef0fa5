// The smallest useful plugin: it finds the caller in a CRM, and writes the call down there.
//
// The CRM takes JSON at two addresses below a secret one: `GET contacts?phone=…` and `POST calls`.

import http from "hookswitch:plugin/http@0.1.0";
import job from "hookswitch:plugin/job@0.1.0";

export const plugin = {
  manifest() {
    return JSON.stringify({
      manifest: 1,
      name: "first-plugin-js",
      title: "First plugin in JavaScript",
      version: "0.1.0",
      serves: ["lookup.by-number", "journal.write"],
      credentials: [
        { handle: "crm", kind: "base-url", title: "Address of the CRM", help: "With its key: https://crm.example.com/api/KEY/" },
      ],
      http: ["credential:crm"],
    });
  },
  prepare() {},
  check() {
    return [];
  },
};

export const lookup = {
  byNumber(number, call) {
    const phone = number.e164 ?? number.raw;
    const people = send("GET", `contacts?phone=${encodeURIComponent(phone)}`, "read");
    return people.map((person) => ({ ...nobody, id: person.id, kind: "contact", lastName: person.name }));
  },
  byEmail() {
    throw notServed;
  },
  byText() {
    throw notServed;
  },
};

export const journal = {
  write({ call, contacts, text }, begun) {
    const written = send("POST", "calls", "idempotent", {
      // The CRM takes a second call with the same key for the first one: that makes the request idempotent.
      key: job.key("call"),
      contact: contacts[0]?.id ?? null,
      phone: call.external && (call.external.e164 ?? call.external.raw),
      agent: call.credited && call.credited.extension,
      outcome: call.outcome,
      seconds: Math.floor(call.talkMs / 1000),
      text: text.subject,
    });
    return { kind: "call", id: written.id, url: "" };
  },
  begin() {
    throw notServed;
  },
  update() {
    throw notServed;
  },
};

// A contact of which nothing is known.
const nobody = {
  id: "", kind: "", firstName: "", lastName: "", company: "", url: "", photoUrl: "",
  emails: [], phones: [], owner: null, address: [], extra: [],
};

// A function fails by throwing a `failure` of the contract (wit/0.1.0/types.wit).
const notServed = { tag: "not-configured", val: "this plugin does not serve that" };
const temporary = (reason) => ({ tag: "temporary", val: { afterMs: null, reason } });
const rejected = (code, text, detail) => ({ tag: "rejected", val: { code, text, detail } });

// Sends JSON to the CRM and returns the JSON that it answers.
function send(method, url, effect, json) {
  let response;
  try {
    response = http.send({
      method, url, effect,
      headers: [["content-type", "application/json"]],
      credential: "crm",
      body: json === undefined ? { tag: "empty" } : { tag: "text", val: JSON.stringify(json) },
      timeoutMs: null,
      keepSecret: [],
    });
  } catch (error) {
    throw noAnswer(error.payload);
  }
  const { status, body } = response;
  const answer = body.tag === "text" ? body.val : "";
  if (status === 401 || status === 403) throw { tag: "unauthorised", val: `the CRM answered ${status}` };
  if (status === 429 || status >= 500) throw temporary(`the CRM answered ${status}`);
  if (status < 200 || status > 299) throw rejected(`http-${status}`, `the CRM answered ${status}`, answer.slice(0, 300));
  try {
    return JSON.parse(answer);
  } catch {
    throw temporary("the CRM's answer is not JSON");
  }
}

// What to do when there is no answer; the cases are explained in wit/0.1.0/http.wit.
function noAnswer({ tag, val }) {
  switch (tag) {
    case "denied":
      return { tag: "not-configured", val };
    case "unauthorised":
      return { tag: "unauthorised", val };
    case "not-sent":
    case "in-doubt": // Both requests may be repeated.
      return temporary(val);
    default:
      return { tag: "other", val: { code: "http", text: "the request could not be sent", detail: val } };
  }
}
