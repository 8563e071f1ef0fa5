import { failure } from "./failure.js";

// Walks through a list that the CRM gives page by page. An answer that is cut short is no answer (a look-up that saw the
// first page only might have a contact created a second time), so too many pages are a failure.
export function* pages(fetch, { first = null, most = 100 } = {}) {
  const seen = new Set();
  let after = first;
  for (let count = 0; count < most; count++) {
    const { items, next = null } = fetch(after);
    yield* items;
    if (next === null || next === "") return;
    if (seen.has(next)) throw failure.other("pages", "the CRM's list of pages runs in a circle", `page ${next} came twice`);
    seen.add(next);
    after = next;
  }
  throw failure.other("pages", `the CRM's list has more than ${most} pages`);
}
