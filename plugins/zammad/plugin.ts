// Zammad's generic CTI: who calls, who answered and how it ended, for the caller log and for the ticket screen that opens
// when an agent answers. Facts are from the fact sheet *Helpdesks*, section 7.1.
//
// All of it is made of the feed, which has every event once and in order. A request that may have been lost is simply sent
// again: Zammad knows a call by `callId`, and says of a second `newCall` that it has the call.

import { failure, http, job, log, secrets, settings } from "hookswitch";
import type { Answer, Event, Feed, Manifest } from "hookswitch";

import { announcement, posts } from "./posts";
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
    for (const event of events) {
      const news = told(event);
      for (const post of posts(news)) deliver(post, news);
    }
  },
};

// Asks for a call that there is not: a wrong token is refused before Zammad looks for it.
export function check(): string[] {
  const unknown: Post = {
    event: "hangup", callId: "hookswitch-check", from: "0", to: "0", direction: "in", cause: "normalClearing",
  };
  const answer = send(unknown, "read");
  if (answer.status === 404) {
    throw failure.notConfigured("Zammad has no CTI at this address: check the setting `url`");
  }
  if (answer.status !== 500) wishes(unknown, object(accepted(answer)));
  else if (!("error" in object(answer))) throw answer.notUnderstood("it is no error of Zammad's");
  return ["Zammad answers, and takes the token"];
}

function told(event: Event): Told {
  try {
    return JSON.parse(event.json) as Told;
  } catch (error) {
    throw failure.rejected("event", "The host's event is not understood: update this plugin.", String(error));
  }
}

function deliver(post: Post, news: Told): void {
  let answer = send(post, "idempotent");
  if (post.event === "newCall") {
    // What an earlier try had done.
    if (isKnown(answer)) return;
  } else if (answer.status === 500) {
    if (isOver(post, news)) return;
    answer = send(post, "idempotent");
  }
  wishes(post, object(accepted(answer)));
}

// Zammad fails at an `answer` or a `hangup` and does not say why: it may be ill, or not know the call, for it was set up
// anew or its log was emptied. So it is told of the call; what it says to that tells which. Throws if it is ill.
function isOver(post: Post, news: Told): boolean {
  const answer = send(announcement(news), "idempotent");
  if (!isKnown(answer)) {
    wishes(post, object(accepted(answer)));
    log.warn("Zammad did not know the call, and was told of it anew", { call: post.callId, event: post.event });
    return false;
  }
  // It is well and knows the call. It fails at the answer of a call that has ended there, and will for ever.
  const isOver = post.event === "answer" && job.attempt() > PATIENCE;
  if (isOver) log.warn("Zammad does not take the answer of a call that it knows", { call: post.callId });
  return isOver;
}

// So often an answer is tried.
const PATIENCE = 3;

// A second `newCall` is an error 500 that says so, in one version "call_id 4711 already exists!", in another "Object already
// exists!".
function isKnown(answer: Answer): boolean {
  return answer.status === 500 && answer.text.toLowerCase().includes("already exist");
}

// Passes on what Zammad has accepted; of the rest it says what is to be done.
function accepted(answer: Answer): Answer {
  if (answer.status === 401 || answer.status === 403) {
    throw failure.unauthorised(`Zammad refuses the CTI token (${answer.status}): renew credentials.${TOKEN}`);
  }
  if (answer.status === 422) {
    // The integration is switched off or not filled in, or there is something that this version does not know.
    throw failure.rejected("zammad-refused", `Zammad refuses this, look at Admin → Integrations → CTI: ${said(answer)}`);
  }
  return answer.success();
}

// Zammad's own words.
function said(answer: Answer): string {
  const { error } = object(answer);
  return String(error).slice(0, 300);
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

// Zammad's answer: an object that is empty or names an action or an error. Anything else was put in between by somebody.
function object(answer: Answer): Record<string, unknown> {
  const value: unknown = answer.json();
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isObject || (Object.keys(value).length > 0 && !("action" in value) && !("error" in value))) {
    throw answer.notUnderstood("it is no answer of Zammad's CTI");
  }
  return value as Record<string, unknown>;
}

function send(post: Post, effect: "read" | "idempotent"): Answer {
  const url = settings.required("url").replace(/\/+$/, "");
  const token = secrets.placeholder(TOKEN, "percent");
  return http.request("POST", `${url}/api/v1/cti/${token}`, { json: post, effect });
}
