import * as job from "hookswitch:plugin/job@0.1.0";

// Creates something in the CRM, or finds what an earlier try of this job has created already.
//
// On the first try nothing can be there, so nothing is searched. On a later one the try before may have written without
// hearing of it: what `search` finds is the result, and only where it finds nothing `create` is called.
//
// A creation that ends in doubt is handed on at once: it may still be under way in the CRM, so a look right now would
// prove nothing. The host waits and tries again, and that try searches.
export function searchThenCreate(search, create) {
  const found = job.attempt() > 1 ? search() : null;
  return found ?? create();
}
