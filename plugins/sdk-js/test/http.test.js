import assert from "node:assert/strict";
import { test } from "node:test";
import { failure, http } from "../src/index.js";
import { waitMs } from "../src/answer.js";
import { host, thrown } from "./crm.js";

const crm = http.client({ credential: "crm", headers: { "x-tenant": 7 } });

test("a request is the record that the contract wants", () => {
  const requests = host([[200, "{}"]]);
  crm.post("calls?a=1", { query: { phone: "+49 30", none: null }, json: { id: "7" }, effect: "idempotent" });
  assert.deepEqual(requests, [
    {
      method: "POST", url: "calls?a=1&phone=%2B49%2030", credential: "crm", effect: "idempotent", timeoutMs: null, keepSecret: [],
      headers: [["accept", "application/json"], ["content-type", "application/json"], ["x-tenant", "7"]],
      body: { tag: "text", val: '{"id":"7"}' },
    },
  ]);
});

test("what the plugin does not say is the careful choice", () => {
  const requests = host([[200, "{}"], [200, "{}"], [200, "{}"], [204, ""], [200, "{}"]]);
  for (const method of ["get", "post", "put", "delete", "patch"]) http[method]("x");
  assert.deepEqual(requests.map(({ effect }) => effect), ["read", "once", "idempotent", "idempotent", "once"]);
  assert.deepEqual(requests[0].body, { tag: "empty" });
});

test("bodies of every kind", () => {
  const bodies = (options) => {
    const [request] = [host([[200, "{}"]])].map((requests) => (http.post("x", options), requests[0]));
    return request.body;
  };
  assert.deepEqual(bodies({ form: { a: 1 } }), { tag: "form", val: [["a", "1"]] });
  assert.deepEqual(bodies({ parts: ["{", { recordingBase64: "r1" }] }), {
    tag: "parts", val: [{ tag: "text", val: "{" }, { tag: "recording-base64", val: "r1" }],
  });
  assert.deepEqual(bodies({ multipart: [{ name: "file", fileName: "a.wav", value: { recording: "r1" } }] }), {
    tag: "multipart", val: [{ name: "file", fileName: "a.wav", contentType: null, part: { tag: "recording", val: "r1" } }],
  });
});

test("a status becomes the failure that has the right effect", () => {
  const tags = (status, effect) => (host([[status, "<html>"]]), thrown(() => http.post("x", { effect })).tag);
  for (const [status, read, once] of [
    [401, "unauthorised", "unauthorised"], [403, "unauthorised", "unauthorised"], [404, "rejected", "rejected"],
    [408, "temporary", "temporary"], [429, "temporary", "temporary"], [500, "temporary", "in-doubt"],
    [502, "temporary", "in-doubt"], [503, "temporary", "temporary"], [200, "temporary", "in-doubt"],
  ]) {
    assert.equal(tags(status, "read"), read, `${status} read`);
    assert.equal(tags(status, "idempotent"), read, `${status} idempotent`);
    assert.equal(tags(status, "once"), once, `${status} once`);
  }
});

test("a lost answer is in doubt only for a write that would happen twice", () => {
  const tag = (payload, effect) => (host([payload]), thrown(() => http.post("x", { effect })).tag);
  for (const [error, read, once] of [
    ["denied", "not-configured", "not-configured"], ["not-sent", "temporary", "temporary"],
    ["in-doubt", "temporary", "in-doubt"], ["too-large", "other", "in-doubt"],
    ["unauthorised", "unauthorised", "unauthorised"], ["other", "other", "other"],
  ]) {
    assert.equal(tag({ tag: error, val: "why" }, "read"), read, error);
    assert.equal(tag({ tag: error, val: "why" }, "once"), once, error);
  }
});

test("nothing is nothing only where the CRM says so", () => {
  host([[204, ""], [404, "no such"], [200, ""]]);
  assert.equal(http.get("x"), null);
  assert.equal(http.get("x", { nothing: [404] }), null);
  assert.equal(thrown(() => http.get("x")).tag, "temporary", "an empty 200 was cut off");
});

test("the CRM's wait is kept to, and bounded", () => {
  const now = 784111777000;
  for (const [headers, expected] of [
    [{ "retry-after": "120" }, 120_000], [{ "retry-after": " 0 " }, 0], [{ "retry-after": "86400" }, 3_600_000],
    [{ "retry-after": "Sun, 06 Nov 1994 08:49:47 GMT" }, 10_000], [{ "retry-after": "Sun, 06 Nov 1994 08:49:27 GMT" }, 0],
    [{ "retry-after": "soon" }, null], [{}, null], [{ "ratelimit-reset": "7" }, 7_000],
    [{ "x-ratelimit-reset": "2000000000" }, 3_600_000],
  ]) {
    assert.equal(waitMs((name) => headers[name] ?? null, now), expected, JSON.stringify(headers));
  }
  host([[429, "", { "retry-after": "3" }]]);
  assert.equal(thrown(() => http.get("x")).val.afterMs, 3000);
});

test("an error inside a 200 is the plugin's to understand", () => {
  const odd = http.client({ problem: (json) => json.error && failure.rejected(json.error, "no") });
  host([[200, '{"error":"E7"}'], [200, '{"id":"1"}']]);
  assert.equal(thrown(() => odd.get("x")).val.code, "E7");
  assert.deepEqual(odd.get("x"), { id: "1" });
});

test("an answer that is not like the example is not understood", () => {
  const why = (body, like) => (host([[200, body]]), thrown(() => http.get("x", { like })).val.reason);
  assert.match(why('[{"id":"1"},{"id":2}]', [{ id: "" }]), /`\[1\]\.id` is not a text/);
  assert.match(why("{}", { user: { id: 0 } }), /`user` is missing/);
  assert.match(why('{"unexpected":true}', []), /it is not a list/);
  host([[200, '[{"id":"1","more":null}]']]);
  assert.deepEqual(http.get("x", { like: [{ id: "", more: null }] }), [{ id: "1", more: null }]);
});
