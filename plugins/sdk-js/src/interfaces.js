import * as made from "./records.js";

// Every export of the contract, with its functions and the record that each returns.
export const interfaces = {
  lookup: { byNumber: made.contacts, byEmail: made.contacts, byText: made.contactPage },
  contacts: { create: made.contact },
  journal: { begin: made.reference, write: made.reference, update: made.reference },
  tickets: { open: made.reference, update: made.reference, ofContact: made.references },
  cards: { sync: made.nothing },
  recordings: { attach: made.reference, transcribe: made.reference },
  directory: { users: made.userPage },
  routing: { route: made.routing },
  commands: { receive: made.reply, finished: made.nothing },
  feed: { deliver: made.nothing },
  speech: { start: made.progress, poll: made.progress, summarise: made.plainText },
};
