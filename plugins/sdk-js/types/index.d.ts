// Write Hookswitch plugins: the helpers, typed. A plugin is a module that exports `manifest` and the interfaces that it
// serves, `export const lookup: Lookup = { byNumber(number) { … } }`.

import type { Content, Failure as Variant, Fields, PhoneNumber, Recording } from "./contract";

export type * from "./contract";
export type * from "./manifest";
export type * from "./plugin";

/** A failure to be thrown. What each does is said in `wit/0.1.0/types.wit`. */
export class Failure extends Error {
  readonly tag: Variant["tag"];
  readonly val: Variant["val"];
}

/** Makes failures: `throw failure.rejected("user-unknown", "No CRM user has this extension.")`. */
export const failure: {
  /** Passes by itself. Without `afterMs` the host chooses when to try again. */
  temporary(reason: string, afterMs?: number | null): Failure;
  /** The CRM will not take this. `code` is its own or a short word, `text` one sentence for the admin. */
  rejected(code: string, text: string, detail?: string): Failure;
  /** Holds the plugin's work until the admin has mended a credential. */
  unauthorised(text: string): Failure;
  /** One sentence that names the setting. */
  notConfigured(text: string): Failure;
  /** What may have been done or not; the next try looks before it writes. */
  inDoubt(text: string): Failure;
  other(code: string, text: string, detail?: string): Failure;
};

/** What sending a request twice would do: nothing, nothing more than once, or everything twice. */
export type Effect = "read" | "idempotent" | "once";

/** A piece of a body; a recording's bytes are put in by the host. */
export type Part = string | Uint8Array | { recording: string } | { recordingBase64: string };

export interface Options {
  /** Has the host put this credential in. With one of kind `base-url` the URL is relative. */
  credential?: string;
  /** Parameters, encoded; `null` and `undefined` are left out. */
  query?: Record<string, string | number | boolean | null | undefined> | [string, string][];
  headers?: Record<string, string | number>;
  /** The body, one of these. */
  json?: unknown;
  form?: Record<string, string | number | boolean> | [string, string][];
  text?: string;
  bytes?: Uint8Array;
  parts?: Part[];
  multipart?: { name: string; fileName?: string; contentType?: string; value: Part }[];
  /** Default: `read` for GET, `idempotent` for PUT and DELETE, `once` for POST and PATCH. State it truthfully. */
  effect?: Effect;
  /** For the whole exchange. Default: 15 s. */
  timeoutMs?: number;
  /** Places in the JSON answer that hold a secret: "access_token". */
  keepSecret?: string[];
  /** Statuses that mean "nothing there": the result is `null`. `[404]`, for instance. */
  nothing?: number[];
  /**
   * An example of the answer: `{ id: "", name: "" }`, `[{ id: 0 }]`. `null` stands for anything. An answer that has other
   * kinds of values, or lacks some, is not understood: `temporary`, or `in-doubt` with effect `once`.
   */
  like?: unknown;
  /** Looks into a 2xx answer for an error; what it returns is thrown. */
  problem?(json: any, answer: Answer): Failure | null | undefined | void;
}

/** A complete answer, whatever its status. */
export interface Answer {
  readonly effect: Effect;
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Fields;
  /** The body, or "" where it is not text. */
  readonly text: string;
  readonly bytes: Uint8Array | null;
  header(name: string): string | null;
  /**
   * Passes a 2xx on. 401 and 403 are `unauthorised`; 408, 425, 429 and 5xx `temporary`, for as long as the CRM says; a
   * 5xx but 503 to a request with effect `once` is `in-doubt`; all others are `rejected`.
   */
  success(): Answer;
  /** The body as JSON; `null` for 204. Else a failure: half an answer, or a page put in between by a proxy. */
  json(): any;
  /** The failure for an answer that does not say what came of the request. */
  notUnderstood(what: string): Failure;
  /** How long the CRM wants to be left alone (`Retry-After`, a rate limit's reset), in milliseconds. */
  wait(): number | null;
  /** The first 300 characters of the body, to be shown. */
  beginning(): string;
}

/** JSON over HTTP. Results are the parsed answer; everything but 2xx is thrown as a failure. */
export interface Client {
  /** The same with these options in every request: `http.client({ credential: "crm" })`. */
  client(common: Options): Client;
  get<T = any>(url: string, options?: Options): T;
  post<T = any>(url: string, options?: Options): T;
  put<T = any>(url: string, options?: Options): T;
  patch<T = any>(url: string, options?: Options): T;
  delete<T = any>(url: string, options?: Options): T;
  /** Any complete answer, whatever its status. */
  request(method: string, url: string, options?: Options): Answer;
}
export const http: Client;

/**
 * Creates something in the CRM, or finds what an earlier try of this job has created already.
 *
 * `create` puts `job.key(…)` where the CRM keeps it, with effect `once`; `search` asks for that key, by a query that sees
 * what was written a moment ago, and returns `null` where it is not there. On the first try nothing is searched.
 */
export function searchThenCreate<T>(search: () => T | null | undefined, create: () => T): T;

/**
 * Walks through a list that comes page by page: `for (const user of pages((after) => …))`. `fetch` gets the cursor of the
 * page (first: `null`) and returns its items and the next cursor. More than `most` pages (100), or a cursor that comes
 * twice, is a failure: a list cut short must not pass for the whole.
 */
export function pages<T, C = string>(
  fetch: (after: C | null) => { items: Iterable<T>; next?: C | null },
  options?: { first?: C | null; most?: number },
): Generator<T, void>;

export const settings: {
  /** Without spaces around it; `null` where it is empty. */
  text(name: string): string | null;
  flag(name: string): boolean;
  number(name: string): number | null;
  /** As `text`; empty is the failure `not-configured`. */
  required(name: string): string;
};

/** Values are kept as JSON. The manifest asks for the capability `storage`. */
export interface Store {
  /** `null`: no such key, its time is over, or it is not JSON. */
  get<T = any>(key: string): T | null;
  set(key: string, value: unknown, options?: { ttlS?: number }): void;
  /** False: there was none. */
  delete(key: string): boolean;
  keys(prefix?: string, options?: { after?: string; limit?: number }): string[];
}
export const storage: {
  /** As long as the plugin is configured. */
  plugin: Store;
  /** As long as the present call. */
  call: Store;
};

type Line = (message: string, fields?: Record<string, unknown>) => void;
/** Keep the message constant and put what varies into the fields. Telephone numbers at `debug` only. */
export const log: { debug: Line; info: Line; warn: Line; error: Line };

export const job: {
  /** An idempotency key: the same on every try of this job. `label` tells several writes apart. */
  key(label?: string): string;
  attempt(): number;
  deadlineMs(): number;
};

/** The job's clock. `new Date()` has no time of its own here. */
export const clock: {
  nowMs(): number;
  /** `pattern` is strftime's; without `zone` the host's. */
  format(unixMs: number, pattern: string, zone?: string): string;
};

export const phone: {
  /** `null`: the text is no number. */
  parse(text: string, region?: string): PhoneNumber | null;
  format(e164: string, style?: "e164" | "international" | "national" | "rfc3966" | "digits"): string;
};

export const people: {
  userOf(extension: string): string | null;
  extensionOf(user: string): string | null;
};

export const random: { bytes(count: number): Uint8Array; uuid(): string };

export const secrets: {
  placeholder(handle: string, encoding?: "plain" | "percent" | "base64" | "json"): string;
  matches(handle: string, candidate: string): boolean;
};

export const recording: {
  ofCall(chain: string): Recording[];
  read(id: string, offset: number, length: number): Uint8Array;
  signLink(id: string, ttlS: number, once?: boolean): string;
};

/** Document stores. Filters, changes and documents are plain objects; `?0`, `?1` … in a filter stand for `args`. */
export const documents: {
  find<T = any>(
    store: string, collection: string, filter: object,
    options?: { args?: string[]; options?: object; after?: string | null },
  ): { items: T[]; next: string | null };
  insert(store: string, collection: string, document: object): any;
  update(
    store: string, collection: string, filter: object, change: object, options?: { args?: string[]; upsert?: boolean },
  ): number;
};
