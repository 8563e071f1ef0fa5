// The words of the contract, `wit/0.1.0/types.wit`, which explains each of them. Times are Unix time in milliseconds.

export type Fields = [string, string][];
export type Content = { tag: "text"; val: string } | { tag: "bytes"; val: Uint8Array };
export type Direction = "inbound" | "outbound" | "internal";

/** A telephone number, normalised by the host. */
export interface PhoneNumber {
  raw: string;
  e164: string | null;
  region: string | null;
  /** Spellings to search for, the surest first. */
  search: string[];
}

export interface Agent {
  extension: string;
  /** The CRM's id of this person. */
  user: string | null;
  name: string;
  email: string;
  state: string;
  talkMs: number;
}

export interface Call {
  pbx: string;
  chain: string;
  leg: number;
  direction: Direction;
  /** `null`: anonymous, or internal. */
  external: PhoneNumber | null;
  externalName: string;
  line: string;
  queue: string;
  state: string;
  /** `answered`, `missed` or `lost` at the end; open list. */
  outcome: string;
  reason: string;
  startedMs: number;
  answeredMs: number | null;
  endedMs: number | null;
  talkMs: number;
  agents: Agent[];
  /** Whom the journal entry belongs to. */
  credited: Agent | null;
  crmCall: string | null;
  extra: Fields;
}

export interface PhoneEntry {
  kind: string;
  value: string;
}

export interface Contact {
  id: string;
  kind: string;
  firstName: string;
  lastName: string;
  company: string;
  url: string;
  photoUrl: string;
  emails: string[];
  phones: PhoneEntry[];
  owner: string | null;
  address: Fields;
  extra: Fields;
}

export interface Reference {
  kind: string;
  id: string;
  url: string;
}

export type Failure =
  | { tag: "temporary"; val: { afterMs: number | null; reason: string } }
  | { tag: "rejected" | "other"; val: { code: string; text: string; detail: string } }
  | { tag: "unauthorised" | "not-configured" | "in-doubt"; val: string };

export interface Text {
  subject: string;
  body: string;
}

export interface Note {
  author: string;
  outcome: string;
  text: string;
}

export interface Recording {
  id: string;
  chain: string;
  leg: number;
  index: number;
  contentType: string;
  fileName: string;
  size: number;
  durationMs: number | null;
  damaged: boolean;
  extra: Fields;
}

export interface Turn {
  speaker: string;
  startMs: number;
  endMs: number;
  text: string;
}

export interface Transcript {
  language: string;
  turns: Turn[];
  summary: string | null;
  extra: Fields;
}

export interface Entry {
  call: Call;
  contacts: Contact[];
  text: Text;
  notes: Note[];
  links: string[];
  ticket: Reference | null;
}

export interface Hook {
  name: string;
  method: string;
  query: Fields;
  headers: Fields;
  form: Fields;
  body: Content;
  proven: string[];
}

export interface Dial {
  user: string | null;
  extension: string | null;
  number: string;
  line: string;
  crmCall: string | null;
  extra: Fields;
}

export interface Event {
  id: string;
  seq: number;
  kind: string;
  json: string;
}
