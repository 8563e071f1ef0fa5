// What a CRM answered, and what follows from it.

import * as clock from "hookswitch:plugin/clock@0.1.0";
import { failure } from "./failure.js";

// No CRM is waited for longer than this, whatever it says.
const LONGEST_WAIT_MS = 60 * 60 * 1000;

// Statuses of a CRM that is busy, down or cut off: they pass by themselves.
const passes = (status) => [408, 425, 429].includes(status) || status >= 500;

export class Answer {
  constructor(effect, { status, headers, body }) {
    this.effect = effect;
    this.status = status;
    this.headers = headers;
    this.text = body.tag === "text" ? body.val : "";
    this.bytes = body.tag === "bytes" ? body.val : null;
  }

  header(name) {
    return this.headers.find(([given]) => given === name.toLowerCase())?.[1] ?? null;
  }

  // Passes a 2xx on, and throws the failure that follows from every other status.
  success() {
    const { status } = this;
    if (status >= 200 && status <= 299) return this;
    const said = `the CRM answered ${status}`;
    if (status === 401 || status === 403) throw failure.unauthorised(`${said}: ${this.beginning()}`);
    // A server may fail after it has done the work; 503 says that it has not begun.
    if (status >= 500 && status !== 503 && this.effect === "once") throw failure.inDoubt(`${said} and may have done it`);
    if (passes(status)) throw failure.temporary(said, this.wait());
    throw failure.rejected(`http-${status}`, said, this.beginning());
  }

  // The body as JSON; null with 204, which says that there is none. Any other empty answer was cut off on its way.
  json() {
    if (this.status === 204) return null;
    try {
      return JSON.parse(this.text);
    } catch (error) {
      throw this.notUnderstood(error.message);
    }
  }

  // The failure that follows from an answer which does not say what came of the request.
  notUnderstood(what) {
    const reason = `the CRM's answer (${this.status}) is not understood: ${what}`;
    return this.effect === "once" ? failure.inDoubt(reason) : failure.temporary(reason);
  }

  // How long the CRM wants to be left alone, in milliseconds; null if it does not say.
  wait() {
    return waitMs((name) => this.header(name), Number(clock.nowMs()));
  }

  beginning() {
    return this.text.slice(0, 300);
  }
}

// Reads `Retry-After` (seconds or a date, RFC 9110 section 10.2.3), else the reset of a rate limit, which some give as
// seconds from now and some as Unix time.
export function waitMs(header, nowMs) {
  const after = header("retry-after")?.trim();
  if (after) return bounded(/^\d+$/.test(after) ? Number(after) * 1000 : Date.parse(after) - nowMs);
  const reset = Number(header("ratelimit-reset") ?? header("x-ratelimit-reset") ?? NaN);
  return bounded(reset > 1e9 ? reset * 1000 - nowMs : reset * 1000);
}

const bounded = (ms) => (Number.isFinite(ms) ? Math.floor(Math.min(Math.max(ms, 0), LONGEST_WAIT_MS)) : null);

// What to do where there is no answer; the cases are explained in wit/0.1.0/http.wit.
export function noAnswer({ tag, val }, effect) {
  switch (tag) {
    case "denied":
      return failure.notConfigured(val);
    case "unauthorised":
      return failure.unauthorised(val);
    case "not-sent":
      return failure.temporary(val);
    case "in-doubt":
      return effect === "once" ? failure.inDoubt(val) : failure.temporary(val);
    case "too-large": // It was carried out all the same: what it made can be searched for.
      return effect === "once"
        ? failure.inDoubt(val)
        : failure.other("answer-too-large", "the CRM's answer is larger than allowed", val);
    default:
      return failure.other("http", "the request could not be sent", val);
  }
}
