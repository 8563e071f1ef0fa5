// The contract's small imports, as they are; where one fails, the error becomes a failure or nothing.

import * as clockOfJob from "hookswitch:plugin/clock@0.1.0";
import * as stores from "hookswitch:plugin/documents@0.1.0";
import * as work from "hookswitch:plugin/job@0.1.0";
import * as mapping from "hookswitch:plugin/people@0.1.0";
import * as numbers from "hookswitch:plugin/phone@0.1.0";
import * as chance from "hookswitch:plugin/random@0.1.0";
import * as files from "hookswitch:plugin/recording@0.1.0";
import * as hidden from "hookswitch:plugin/secrets@0.1.0";
import { failed, failure } from "./failure.js";

const orElse = (call, otherwise) => {
  try {
    return call();
  } catch (error) {
    return otherwise(failed(error));
  }
};
const raise = (made) => {
  throw made;
};

export const job = {
  key: (label = "") => work.key(label),
  attempt: () => work.attempt(),
  deadlineMs: () => work.deadlineMs(),
};

export const clock = {
  nowMs: () => Number(clockOfJob.nowMs()),
  format: (unixMs, pattern, zone = null) =>
    orElse(() => clockOfJob.format(unixMs, zone, pattern), (text) => raise(failure.other("time-format", text))),
};

export const phone = {
  parse: (text, region = null) => orElse(() => numbers.parse(text, region), () => null),
  format: (e164, style = "international") => numbers.format(e164, style),
};

export const people = {
  userOf: (extension) => mapping.userOf(extension) ?? null,
  extensionOf: (user) => mapping.extensionOf(user) ?? null,
};

export const random = {
  bytes: (count) => chance.bytes(count),
  uuid: () => chance.uuid(),
};

export const secrets = {
  placeholder: (handle, encoding = "plain") =>
    orElse(() => hidden.placeholder(handle, encoding), (text) => raise(failure.notConfigured(text))),
  matches: (handle, candidate) => hidden.matches(handle, candidate),
};

export const recording = {
  ofCall: (chain) => files.ofCall(chain),
  read: (id, offset, length) =>
    orElse(() => files.read(id, offset, length), (text) => raise(failure.other("recording", "the recording cannot be read", text))),
  signLink: (id, ttlS, once = false) =>
    orElse(() => files.signLink(id, ttlS, once), (text) => raise(failure.notConfigured(text))),
};

const inStore = (call) =>
  orElse(call, (text) => raise(failure.other("documents", "the document store refused it", text)));

export const documents = {
  find(store, collection, filter, { args = [], options, after = null } = {}) {
    const text = options === undefined ? "" : JSON.stringify(options);
    const page = inStore(() => stores.find(store, collection, JSON.stringify(filter), args, text, after));
    return { items: page.documents.map((document) => JSON.parse(document)), next: page.next ?? null };
  },
  insert: (store, collection, document) =>
    JSON.parse(inStore(() => stores.insert(store, collection, JSON.stringify(document)))),
  update: (store, collection, filter, change, { args = [], upsert = false } = {}) =>
    Number(inStore(() => stores.update(store, collection, JSON.stringify(filter), args, JSON.stringify(change), upsert))),
};
