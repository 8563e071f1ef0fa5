import assert from "node:assert/strict";
import { test } from "node:test";
import { failure, log, pages, searchThenCreate, settings, storage } from "../src/index.js";
import { lineTable } from "../build/lines.js";
import { world } from "../build/world.js";
import { host, thrown } from "./crm.js";

test("pages are walked to the end, and neither for ever nor in a circle", () => {
  const list = { "": { items: [1, 2], next: "b" }, b: { items: [], next: "c" }, c: { items: [3] } };
  assert.deepEqual([...pages((after) => list[after ?? ""])], [1, 2, 3]);
  assert.match(thrown(() => [...pages(() => ({ items: [1], next: "b" }))]).val.text, /circle/);
  let count = 0;
  assert.match(thrown(() => [...pages(() => ({ items: [], next: `${count++}` }), { most: 5 })]).val.text, /more than 5/);
});

test("a later try looks before it creates", () => {
  const made = [];
  const run = (attempt, search) => {
    host([], { attempt });
    return searchThenCreate(search, () => made.push("4711") && "4711");
  };
  assert.equal(run(1, () => assert.fail("searched")), "4711");
  assert.equal(run(2, () => "4711"), "4711");
  assert.equal(made.length, 1);
  assert.equal(run(3, () => null), "4711");
  assert.equal(made.length, 2);
  thrown(() => run(2, () => { throw failure.temporary("busy"); }));
  assert.equal(made.length, 2, "without an answer to the search nothing is created");
});

test("storage keeps JSON, and forgets what it cannot read", () => {
  const kept = new Map();
  globalThis.host = {
    storage: {
      get: (scope, key) => kept.has(key) ? { key, value: kept.get(key), revision: 1 } : null,
      put: (scope, key, value, expected, ttl) => void kept.set(key, value).set("ttl", ttl),
    },
  };
  storage.plugin.set("cursor", { page: 3 }, { ttlS: 60 });
  assert.deepEqual(storage.plugin.get("cursor"), { page: 3 });
  assert.equal(kept.get("ttl"), 60);
  kept.set("cursor", { tag: "text", val: "{" });
  assert.equal(storage.plugin.get("cursor"), null);
  assert.equal(storage.call.get("none"), null);
});

test("settings and log lines", () => {
  const lines = [];
  globalThis.host = {
    settings: { get: (name) => ({ flag: "true", days: "30", name: "  Ana " })[name] },
    logging: { log: (...line) => lines.push(line) },
  };
  assert.deepEqual([settings.flag("flag"), settings.flag("none"), settings.number("days"), settings.text("name"), settings.text("none")],
    [true, false, 30, "Ana", null]);
  assert.equal(thrown(() => settings.required("none")).val, "setting `none` is empty");
  log.warn("odd answer", { status: 418 });
  assert.deepEqual(lines, [["warn", "odd answer", [["status", "418"]]]]);
});

test("a source map becomes a table of lines", () => {
  // Lines 1 and 2 are lines 5 and 6 of a.js, line 4 is line 1 of b.js.
  assert.deepEqual(lineTable({ mappings: "AAIA;AACA;;ACLA", sources: ["a.js", "b.js"] }, (name) => name), [
    [1, "a.js", 5], [4, "b.js", 1],
  ]);
});

test("a world has exactly what the plugin exports", () => {
  assert.match(world(["plugin", "lookup"]), /imports@0\.1\.0;\n\n  export hookswitch:plugin\/plugin@0\.1\.0;\n  export hookswitch:plugin\/lookup@0\.1\.0;\n}\n$/);
});
