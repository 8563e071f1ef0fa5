import assert from "node:assert/strict";
import { test } from "node:test";
import { definePlugin } from "../src/define.js";
import { failure } from "../src/index.js";
import { thrown } from "./crm.js";

const manifest = { name: "acme", title: "Acme", version: "1.0.0" };
const where = { source: "plugin.js", place: (file, line) => (file.endsWith("define.test.js") ? `here:${line}` : null) };
const told = (source) => JSON.parse(definePlugin({ manifest, ...source }, where).plugin.manifest([]));

test("the manifest says what is served, and asks for the origins of base addresses", () => {
  const credentials = [{ handle: "crm", kind: "base-url", title: "Address" }];
  assert.deepEqual(told({ manifest: { ...manifest, credentials, http: ["https://a.example"] }, lookup: { byNumber() {} }, journal: { write() {} } }), {
    manifest: 1, ...manifest, credentials, serves: ["lookup.by-number", "journal.write"],
    http: ["https://a.example", "credential:crm"],
  });
});

test("a function that is not defined is not served", () => {
  const { lookup, journal } = definePlugin({ manifest, lookup: { byNumber: () => [] } }, where);
  assert.equal(journal, undefined);
  assert.deepEqual(thrown(() => lookup.byEmail("x")), {
    tag: "not-configured", val: "this plugin does not serve lookup.by-email",
  });
});

test("what nobody would call is a mistake", () => {
  const text = (source) => thrown(() => told(source)).val.text;
  assert.match(text({ lookups: {} }), /exports `lookups`/);
  assert.match(text({ lookup: { byNumbr() {} } }), /`lookup` has no function `byNumbr`/);
});

test("what a result leaves out is empty, and what it has too much is a mistake", () => {
  const { lookup, directory, commands } = definePlugin({
    manifest,
    lookup: { byNumber: ([contact]) => [contact] },
    directory: { users: () => ({ users: [{ id: 7, extensions: ["201"] }] }) },
    commands: { receive: () => ({ body: { ok: true }, actions: ["refresh-users", { dial: { number: "030", user: 7 } }] }) },
  }, where);
  assert.deepEqual(lookup.byNumber([{ id: 7, phones: ["030"], address: { city: "Berlin" } }]), [{
    id: "7", kind: "", firstName: "", lastName: "", company: "", url: "", photoUrl: "", emails: [],
    phones: [{ kind: "other", value: "030" }], owner: null, address: [["city", "Berlin"]], extra: [],
  }]);
  assert.match(thrown(() => lookup.byNumber([{ id: "7", lastname: "x" }])).val.text, /lookup.by-number returned .* no `lastname`/);
  assert.match(thrown(() => lookup.byNumber([{ lastName: "x" }])).val.text, /a contact.id is empty/);
  assert.deepEqual(directory.users(null), {
    users: [{ id: "7", name: "", email: "", extensions: ["201"], active: true, extra: [] }], next: null,
  });
  assert.deepEqual(commands.receive({}), {
    status: 200, headers: [], body: { tag: "text", val: '{"ok":true}' },
    actions: [{ tag: "refresh-users" }, {
      tag: "dial", val: { user: "7", extension: null, number: "030", line: "", crmCall: null, extra: [] },
    }],
  });
});

test("a failure is thrown in the engine's form, an exception says where it happened", () => {
  const { lookup } = definePlugin({
    manifest,
    lookup: {
      byNumber() {
        throw failure.temporary("busy", 5);
      },
      byEmail: (email) => email.of.nobody,
    },
  }, where);
  assert.deepEqual(thrown(() => lookup.byNumber()), { tag: "temporary", val: { afterMs: 5, reason: "busy" } });
  const { tag, val } = thrown(() => lookup.byEmail("x"));
  assert.equal(tag, "other");
  assert.match(val.text, /^here:\d+: TypeError: /);
  assert.match(val.detail, /byEmail \(here:\d+\)/);
});
