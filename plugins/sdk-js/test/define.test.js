import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { definePlugin, interfaces } from "../src/define.js";
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

test("every function of the contract has its place, with types", () => {
  const read = (file) => readFileSync(new URL(file, import.meta.url), "utf8");
  const wit = (name) => read(`../../../wit/0.1.0/${name}.wit`);
  const camel = (name) => name.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
  const names = [...wit("world").matchAll(/^ +export ([a-z-]+);/gm)].map(([, name]) => name).filter((name) => name !== "plugin");
  assert.ok(names.includes("lookup"));
  const contract = {};
  for (const name of names) {
    const functions = [...wit(name).matchAll(/^ +([a-z-]+): func\(([^)]*)\)/gm)];
    contract[name] = Object.fromEntries(functions.map(([, key, given]) => [camel(key), given.split(/, /).map((text) => camel(text.split(":")[0]))]));
  }
  const keys = (of) => Object.fromEntries(Object.entries(of).map(([name, functions]) => [name, Object.keys(functions)]));
  assert.deepEqual(keys(interfaces), keys(contract));
  const types = read("../types/plugin.d.ts");
  for (const [name, functions] of Object.entries(contract)) {
    const title = name[0].toUpperCase() + name.slice(1);
    const typed = types.split(`export interface ${title} {`)[1]?.split("\n}")[0] ?? "";
    for (const [key, given] of Object.entries(functions)) {
      const [, parameters] = new RegExp(`\\b${key}\\?\\(([^)]*)\\)`).exec(typed) ?? [];
      assert.deepEqual(parameters?.split(", ").map((text) => text.split(":")[0]), given, `types of ${name}.${key}`);
    }
    assert.match(types, new RegExp(`  ${name}\\?: ${title};`));
  }
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

test("a route, a ticket and how far a transcript is are records of the contract", () => {
  const { tickets, cards, routing, feed, speech } = definePlugin({
    manifest,
    tickets: { open: () => ({ id: 7, kind: "ticket" }), ofContact: () => [{ id: "8" }] },
    cards: { sync: () => "ignored" },
    routing: { route: (call, [known]) => known && { kind: "extension", target: known.id, tags: { priority: 2 } } },
    feed: { deliver: ([event]) => event.seq },
    speech: {
      start: () => ({ pending: ["p-1", 1000] }),
      poll: () => ({ done: { language: "de", turns: [{ speaker: "external", text: "Hallo" }] } }),
      summarise: ({ turns }) => turns[0].text,
    },
  }, where);
  assert.deepEqual(tickets.open(), { kind: "ticket", id: "7", url: "" });
  assert.deepEqual(tickets.ofContact(), [{ kind: "", id: "8", url: "" }]);
  assert.equal(thrown(() => tickets.update()).tag, "not-configured");
  assert.equal(cards.sync(), undefined);
  assert.deepEqual(routing.route({}, [{ id: "201" }]), {
    displayName: null, kind: "extension", target: "201", tags: [["priority", "2"]],
  });
  assert.equal(routing.route({}, []), null);
  assert.equal(feed.deliver([{ seq: 3 }]), undefined);
  assert.deepEqual(speech.start(), { tag: "pending", val: ["p-1", 1000] });
  assert.deepEqual(speech.poll("p-1"), {
    tag: "done",
    val: { language: "de", turns: [{ speaker: "external", startMs: 0, endMs: 0, text: "Hallo" }], summary: null, extra: [] },
  });
  assert.equal(speech.summarise({ turns: [{ text: "Hallo" }] }), "Hallo");
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
