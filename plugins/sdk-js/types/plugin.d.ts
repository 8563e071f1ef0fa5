// What a plugin may export. What it leaves out of a result is empty; `Fields` may be given as an object.

import type {
  Call, Contact, Content, Dial, Entry, Event, Hook, Note, PhoneNumber, PhoneEntry, Recording, Reference, Text, Transcript,
} from "./contract";
import type { Manifest } from "./manifest";

type Names = Record<string, string | number | boolean> | [string, string][];

/** A contact as a plugin returns it. */
export type Found = { id: string } & Partial<Omit<Contact, "address" | "extra" | "phones">> & {
  phones?: (PhoneEntry | string)[];
  address?: Names;
  extra?: Names;
};
/** A reference as a plugin returns it. */
export type Made = { id: string } & Partial<Reference>;

export interface Lookup {
  /** Empty means: surely nobody. */
  byNumber?(number: PhoneNumber, call: Call | null): Found[];
  byEmail?(email: string): Found[];
  byText?(text: string, after: string | null): { contacts: Found[]; next?: string | null };
}
export interface Contacts {
  create?(draft: Contact, call: Call | null): Found;
}
export interface Journal {
  begin?(call: Call, contact: Contact | null): Made;
  write?(entry: Entry, begun: Reference | null): Made;
  update?(written: Reference, entry: Entry): Made;
}
export interface Tickets {
  open?(call: Call, contact: Contact | null, text: Text): Made;
  update?(ticket: Reference, call: Call, text: Text, notes: Note[]): Made;
  ofContact?(contact: Contact): Made[];
}
export interface Cards {
  sync?(call: Call, begun: Reference | null, contact: Contact | null, visible: string[], gone: string[]): void;
}
export interface Recordings {
  attach?(to: Reference, file: Recording, link: string | null): Made;
  transcribe?(to: Reference, file: Recording, words: Transcript): Made;
}
export interface User {
  id: string;
  name?: string;
  email?: string;
  extensions?: string[];
  /** Default: true. */
  active?: boolean;
  extra?: Names;
}
export interface Directory {
  users?(after: string | null): { users: User[]; next?: string | null };
}
export interface Routing {
  route?(call: Call, known: Contact[]): { displayName?: string; kind: string; target?: string; tags?: Names } | null;
}
export type Action = { dial: { number: string } & Partial<Dial> } | { hangUp: string } | "refresh-users" | { other: [string, Names] };
export interface Commands {
  /** The body of the reply is text, bytes, or an object that is sent as JSON. */
  receive?(hook: Hook): { status?: number; headers?: Names; body?: string | Uint8Array | object; actions?: Action[] };
  finished?(dial: Dial, outcome: string, reason: string): void;
}
export interface Feed {
  deliver?(events: Event[]): void;
}
export type Progress = { done: Partial<Transcript> } | { pending: [token: string, afterMs: number] };
export interface Speech {
  start?(file: Recording, language: string): Progress;
  poll?(token: string): Progress;
  summarise?(words: Transcript): string;
}

/** A plugin as a module: what it exports. */
export interface Plugin {
  manifest: Manifest;
  /** Fetches global facts of the CRM into storage. */
  prepare?(): void;
  /** Tests the connection, and returns lines for the admin. */
  check?(): string[];
  lookup?: Lookup;
  contacts?: Contacts;
  journal?: Journal;
  tickets?: Tickets;
  cards?: Cards;
  recordings?: Recordings;
  directory?: Directory;
  routing?: Routing;
  commands?: Commands;
  feed?: Feed;
  speech?: Speech;
}
