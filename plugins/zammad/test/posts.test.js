import assert from "node:assert/strict";
import { test } from "node:test";
import { announcement, posts } from "../posts";

// The caller who rings 201.
const ringing = {
  pbx: "office", chain: "4711.0", direction: "inbound", external: { raw: "0301234567", e164: "+49301234567" },
  line: "+49309876543", queue: "", outcome: "", reason: "", agents: [{ extension: "201", name: "", state: "ringing" }],
  credited: null, extra: [],
};
const parties = { callId: "office/4711.0", from: "49301234567", to: "49309876543", direction: "in" };

const told = (event, call = {}, more = {}) => ({ event, leg: 1, ...more, call: { ...ringing, ...call } });
const answered = (call, more = {}) => told("answered", call, { role: "called", by: { extension: "201" }, ...more });
const missed = (reason, call = {}) => told("ended", { outcome: "missed", reason, ...call });
const only = (event) => {
  const all = posts(event);
  assert.equal(all.length, 1);
  return all[0];
};

test("a call that rings, is answered and ends is three posts about the same people", () => {
  assert.deepEqual(only(told("new")), { event: "newCall", ...parties, user: ["201"] });
  const talking = { agents: [{ extension: "201", name: "Alice Anders", state: "talking" }] };
  const answer = { event: "answer", ...parties, user: "Alice Anders", answeringNumber: "201" };
  assert.deepEqual(only(answered(talking)), answer);
  const over = { outcome: "answered", reason: "normal", credited: { extension: "201", name: "" } };
  const hangup = { event: "hangup", ...parties, cause: "normalClearing", answeringNumber: "201" };
  assert.deepEqual(only(told("ended", over)), hangup);
});

test("everybody whose phone rings is named, and nobody else", () => {
  const agents = ["ringing", "missed", "dialing"].map((state, at) => ({ extension: `20${at}`, name: "", state }));
  assert.deepEqual(only(told("new", { agents })).user, ["200", "202"]);
  const queued = only(told("new", { agents: [], queue: "sales" }));
  assert.equal("user" in queued, false);
  assert.equal(queued.queue, "sales");
});

test("an outbound call goes from our line to the other number", () => {
  const { from, to, direction } = only(told("new", { direction: "outbound" }));
  assert.deepEqual([from, to, direction], ["49309876543", "49301234567", "out"]);
});

test("a number is digits, and where there is none that is said", () => {
  const from = (external) => only(told("new", { external })).from;
  assert.equal(from(null), "anonymous");
  assert.equal(from({ raw: "anonymous", e164: null }), "anonymous");
  assert.equal(only(told("new", { line: "" })).to, "201");
  assert.equal(only(told("new", { line: "", agents: [] })).to, "anonymous");
});

test("of several answers only the first is told", () => {
  assert.deepEqual(posts(answered({}, { leg: 2 })), []);
  assert.deepEqual(posts(answered({}, { role: "caller" })), []);
  const byPhone = (by) => only(answered({ agents: [{ extension: "202", name: "", state: "talking" }] }, { by }));
  assert.equal(byPhone({ outside: "+49301234567" }).answeringNumber, "202", "the other side answers: who talks is it");
  assert.equal(byPhone({ extension: "203" }).answeringNumber, "203", "somebody whom the call does not name");
  assert.equal("answeringNumber" in only(answered({ agents: [] }, { by: "unknown" })), false);
});

test("every reason is a cause that Zammad knows", () => {
  const causes = {
    no_answer: "noAnswer", agent_no_answer: "noAnswer", voicemail: "noAnswer", unknown: "noAnswer", busy: "busy",
    cancelled: "cancel", abandoned: "cancel", unreachable: "notFound", failed: "congestion", "of a later version": "noAnswer",
  };
  for (const [reason, cause] of Object.entries(causes)) assert.equal(only(missed(reason)).cause, cause, reason);
  assert.equal(only(missed("no_answer", { extra: [["transfer", "forward"]] })).cause, "forwarded");
  assert.equal("answeringNumber" in only(missed("busy", { credited: { extension: "201", name: "" } })), false);
});

test("a call that goes on as a part of another one is over", () => {
  const { event, cause } = only(told("merged"));
  assert.deepEqual([event, cause], ["hangup", "normalClearing"]);
});

test("internal calls and all other events are no business of Zammad's", () => {
  for (const event of ["new", "answered", "ended"]) assert.deepEqual(posts(told(event, { direction: "internal" })), []);
  for (const event of ["ringing", "held", "transferred", "leg-ended", "corrected", "of a later version"]) {
    assert.deepEqual(posts(told(event)), []);
  }
});

test("a call can be made known at any time", () => {
  const over = { outcome: "answered", agents: [{ extension: "201", name: "", state: "done" }] };
  assert.deepEqual(announcement(told("ended", over)), { event: "newCall", ...parties });
});
