// JSON over HTTP, with statuses and lost answers turned into failures.

import * as gate from "hookswitch:plugin/http@0.1.0";
import { Answer, noAnswer } from "./answer.js";
import { failed } from "./failure.js";
import { unlike } from "./shape.js";

// What sending a request twice would do, where the plugin does not say. A method that creates is taken for the worst.
const EFFECTS = { GET: "read", HEAD: "read", PUT: "idempotent", DELETE: "idempotent" };

// Requests that have some options in common: `http.client({ credential: "crm" })`.
function client(common = {}) {
  const request = (method, url, options = {}) => send(method, url, merged(common, options));
  const json = (method) => (url, options = {}) => {
    const all = merged(common, options);
    const answer = send(method, url, all);
    if (all.nothing?.includes(answer.status)) return null;
    const value = answer.success().json();
    const refusal = all.problem?.(value, answer);
    if (refusal) throw refusal;
    const wrong = all.like === undefined || value === null ? null : unlike(value, all.like);
    if (wrong !== null) throw answer.notUnderstood(wrong);
    return value;
  };
  return {
    client: (more) => client(merged(common, more)),
    request,
    get: json("GET"), post: json("POST"), put: json("PUT"), patch: json("PATCH"), delete: json("DELETE"),
  };
}

export const http = client();

const merged = (common, options) => ({ ...common, ...options, headers: { ...common.headers, ...options.headers } });

function send(method, url, options) {
  const effect = options.effect ?? EFFECTS[method] ?? "once";
  const [body, type] = bodyOf(options);
  const headers = { accept: "application/json", ...(type && { "content-type": type }), ...options.headers };
  let response;
  try {
    response = gate.send({
      method,
      url: url + queryOf(options.query, url),
      headers: Object.entries(headers).map(([name, value]) => [name, String(value)]),
      credential: options.credential ?? null,
      body,
      effect,
      timeoutMs: options.timeoutMs ?? null,
      keepSecret: options.keepSecret ?? [],
    });
  } catch (error) {
    throw noAnswer(failed(error), effect);
  }
  return new Answer(effect, response);
}

function queryOf(query = {}, url) {
  const parameters = [];
  for (const [name, value] of Array.isArray(query) ? query : Object.entries(query)) {
    if (value !== undefined && value !== null) parameters.push(`${encodeURIComponent(name)}=${encodeURIComponent(value)}`);
  }
  return parameters.length === 0 ? "" : (url.includes("?") ? "&" : "?") + parameters.join("&");
}

// The body of a request, and its type where the host does not set it.
function bodyOf({ json, form, text, bytes, parts, multipart }) {
  if (json !== undefined) return [{ tag: "text", val: JSON.stringify(json) }, "application/json"];
  if (form !== undefined) return [{ tag: "form", val: fields(form) }];
  if (text !== undefined) return [{ tag: "text", val: String(text) }];
  if (bytes !== undefined) return [{ tag: "bytes", val: bytes }];
  if (parts !== undefined) return [{ tag: "parts", val: parts.map(part) }];
  if (multipart !== undefined) return [{ tag: "multipart", val: multipart.map(formPart) }];
  return [{ tag: "empty" }];
}

const fields = (form) => (Array.isArray(form) ? form : Object.entries(form)).map(([name, value]) => [name, String(value)]);

// `"text"`, bytes, `{ recording: "id" }` or `{ recordingBase64: "id" }`.
function part(value) {
  if (value instanceof Uint8Array) return { tag: "bytes", val: value };
  if (value?.recording !== undefined) return { tag: "recording", val: value.recording };
  if (value?.recordingBase64 !== undefined) return { tag: "recording-base64", val: value.recordingBase64 };
  return { tag: "text", val: String(value) };
}

const formPart = ({ name, fileName = null, contentType = null, value }) => ({ name, fileName, contentType, part: part(value) });
