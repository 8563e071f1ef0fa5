// Zammad's generic CTI: who calls, who answered and how it ended, for the caller log and for the ticket screen that opens
// when an agent answers. Facts are from the fact sheet *Helpdesks*, section 7.1.
//
// All of it is made of the feed, which has every event once and in order. Zammad knows a call by `callId` and refuses a
// second `newCall` with one that it has, so a request that may have been lost is simply sent again.

import { failure, http, job, log, secrets, settings } from "hookswitch";
import type { Answer, Event, Feed, Manifest } from "hookswitch";

import { posts } from "./posts";
import type { Post, Told } from "./posts";

const TOKEN = "token";

export const manifest: Manifest = {
  name: "zammad",
  title: "Zammad CTI",
  version: "0.1.0",
  vendor: "Hookswitch",
  description: "Tells Zammad of each call: its caller log, and the customer's screen when an agent answers.",
  settings: [
    {
      name: "url",
      kind: "text",
      title: "Address of Zammad",
      help: "https://helpdesk.example.com, without a path; its origin is granted in allow.http.",
      required: true,
    },
  ],
  credentials: [
    {
      handle: TOKEN,
      kind: "secret",
      title: "CTI token",
      help: "In Zammad: Admin → Integrations → CTI (generic), the last part of the endpoint's address.",
    },
  ],
  // Where Zammad is only the setting says.
  http: ["*"],
  capabilities: ["secrets"],
  limits: { rate: { "per-second": 20, burst: 50 }, concurrency: 1, batch: 20 },
};

export const feed: Feed = {
  deliver(events) {
    for (const event of events) posts(told(event)).forEach(deliver);
  },
};

// Asks for a call that there is not: a wrong token is refused before Zammad looks for it.
export function check(): string[] {
  const unknown: Post = {
    event: "hangup", callId: "hookswitch-check", from: "0", to: "0", direction: "in", cause: "normalClearing",
  };
  const answer = send(unknown, "read");
  if (answer.status === 401 || answer.status === 403) throw refused(answer);
  if (answer.status === 404) {
    throw failure.notConfigured("Zammad has no CTI at this address: check the setting `url`, and that the integration is on");
  }
  return [`Zammad answers, and takes the token (${answer.status})`];
}

function told(event: Event): Told {
  try {
    return JSON.parse(event.json) as Told;
  } catch (error) {
    throw failure.rejected("event", "The host's event is not understood: update this plugin.", String(error));
  }
}

function deliver(post: Post): void {
  const answer = send(post, "idempotent");
  // What an earlier try had done, or what Zammad was never told of: both are no reason to try for ever.
  if (answer.status === 500 && isSettled(post, answer)) return;
  if (answer.status === 401 || answer.status === 403) throw refused(answer);
  if (answer.status === 500 && job.attempt() > PATIENCE && post.event !== "newCall") {
    log.warn("Zammad does not take an event of a call that it may not know", { call: post.callId, event: post.event });
    return;
  }
  wishes(post, object(answer.success()));
}

// So often an event is tried that Zammad answers with an error of its own.
const PATIENCE = 3;

function isSettled(post: Post, answer: Answer): boolean {
  const text = answer.text.toLowerCase();
  if (post.event === "newCall") return text.includes("already exist");
  const unknown = text.includes("no such call") || text.includes("not found") || text.includes("unknown call");
  if (unknown) log.warn("Zammad does not know the call", { call: post.callId, event: post.event });
  return unknown;
}

// What Zammad would have done with the call. It is under way, and a copy of its events does not steer it.
function wishes(post: Post, { action }: Record<string, unknown>): void {
  if (action === "reject") {
    log.warn("Zammad has blocked this caller: bar the number in the phone system to have the call refused", {
      call: post.callId,
    });
  } else if (action === "dial") {
    log.debug("Zammad wants another caller id to be shown", { call: post.callId });
  }
}

// Zammad's answer: an object that is empty or names an action. Anything else was put in between by somebody.
function object(answer: Answer): Record<string, unknown> {
  const value: unknown = answer.json();
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isObject || (Object.keys(value).length > 0 && !("action" in value))) {
    throw answer.notUnderstood("it is no answer of Zammad's CTI");
  }
  return value as Record<string, unknown>;
}

function send(post: Post, effect: "read" | "idempotent"): Answer {
  const url = settings.required("url").replace(/\/+$/, "");
  const token = secrets.placeholder(TOKEN, "percent");
  return http.request("POST", `${url}/api/v1/cti/${token}`, { json: post, effect });
}

function refused(answer: Answer) {
  return failure.unauthorised(`Zammad refuses the CTI token (${answer.status}): renew credentials.${TOKEN}`);
}
