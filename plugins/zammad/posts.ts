// What Zammad is told of an event. Pure.

/** An event of the feed, as far as it is used here (docs/vendor.md, "The feed"). */
export interface Told {
  event: string;
  leg: number;
  role?: string;
  by?: { extension: string } | { outside: string } | string;
  credited?: string | null;
  call: {
    pbx: string;
    chain: string;
    direction: "inbound" | "outbound" | "internal";
    external: { raw: string; e164: string | null } | null;
    line: string;
    queue: string;
    outcome: string;
    reason: string;
    agents: { extension: string; name: string; state: string }[];
    credited: { extension: string; name: string } | null;
    extra: [string, string][];
  };
}

/** A request to `POST /api/v1/cti/TOKEN`. */
export interface Post {
  event: "newCall" | "answer" | "hangup";
  callId: string;
  from: string;
  to: string;
  direction: "in" | "out";
  user?: string | string[];
  queue?: string;
  answeringNumber?: string;
  cause?: string;
}

type Cause = "normalClearing" | "busy" | "cancel" | "noAnswer" | "congestion" | "notFound" | "forwarded";

/** Stands for a number that is withheld. */
const ANONYMOUS = "anonymous";

const CAUSES: Record<string, Cause> = {
  normal: "normalClearing",
  busy: "busy",
  cancelled: "cancel",
  abandoned: "cancel",
  no_answer: "noAnswer",
  agent_no_answer: "noAnswer",
  voicemail: "noAnswer",
  unreachable: "notFound",
  failed: "congestion",
};

/** What follows from an event; nothing for most. */
export function posts(told: Told): Post[] {
  const { call } = told;
  if (call.direction === "internal") return [];
  switch (told.event) {
    // The first event of each call, and there is only one.
    case "new":
      return [announcement(told)];
    // Only the first answer: later ones are transfers.
    case "answered": {
      if (told.leg !== 1 || told.role !== "called") return [];
      const agent = answerer(told);
      const post: Post = { event: "answer", ...parties(told) };
      if (agent) {
        post.user = called(agent);
        post.answeringNumber = agent.extension;
      }
      return [post];
    }
    case "ended":
    // It goes on as a part of another one.
    case "merged": {
      const post: Post = { event: "hangup", ...parties(told), cause: cause(told) };
      if (call.outcome === "answered" && call.credited) post.answeringNumber = call.credited.extension;
      return [post];
    }
    default:
      return [];
  }
}

/** What makes a call known to Zammad, at any time. */
export function announcement(told: Told): Post {
  const { call } = told;
  const ringing = call.agents.filter(({ state }) => state === "ringing" || state === "dialing").map(called);
  const post: Post = { event: "newCall", ...parties(told) };
  if (ringing.length > 0) post.user = ringing;
  if (call.queue) post.queue = call.queue;
  return post;
}

function parties({ call }: Told): Pick<Post, "callId" | "from" | "to" | "direction"> {
  const outside = digits(call.external ? (call.external.e164 ?? call.external.raw) : "") || ANONYMOUS;
  const own = digits(call.line) || call.agents[0]?.extension || ANONYMOUS;
  const inbound = call.direction === "inbound";
  return {
    callId: `${call.pbx}/${call.chain}`,
    from: inbound ? outside : own,
    to: inbound ? own : outside,
    direction: inbound ? "in" : "out",
  };
}

/** A number as Zammad compares it: with its country, without `+`. */
function digits(number: string): string {
  return number.replace(/[^0-9]/g, "");
}

function called({ extension, name }: { extension: string; name: string }): string {
  return name || extension;
}

/** Who of us talks since this answer. */
function answerer({ by, call }: Told): { extension: string; name: string } | null {
  if (typeof by === "object" && "extension" in by) {
    return call.agents.find(({ extension }) => extension === by.extension) ?? { extension: by.extension, name: "" };
  }
  return call.agents.find(({ state }) => state === "talking") ?? call.agents[0] ?? null;
}

function cause({ event, call }: Told): Cause {
  if (event === "merged" || call.outcome === "answered") return "normalClearing";
  const forwarded = call.extra.some(([name, value]) => name === "transfer" && value === "forward");
  return forwarded ? "forwarded" : (CAUSES[call.reason] ?? "noAnswer");
}
