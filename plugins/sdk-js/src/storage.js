// The plugin's storage, with values as JSON.

import * as host from "hookswitch:plugin/storage@0.1.0";
import { failed, failure } from "./failure.js";

const works = (call) => {
  try {
    return call();
  } catch (error) {
    throw failure.other("storage", "the plugin's storage does not work", failed(error));
  }
};

const within = (scope) => ({
  get(key) {
    const entry = works(() => host.get(scope, key));
    if (entry?.value.tag !== "text") return null;
    try {
      return JSON.parse(entry.value.val);
    } catch {
      return null; // Another version of the plugin wrote it in another way.
    }
  },
  set(key, value, { ttlS = null } = {}) {
    works(() => host.put(scope, key, { tag: "text", val: JSON.stringify(value) }, null, ttlS));
  },
  delete: (key) => works(() => host.delete(scope, key, null)),
  keys(prefix = "", { after = null, limit = 1000 } = {}) {
    return works(() => host.keys(scope, prefix, after, limit));
  },
});

export const storage = { plugin: within("plugin"), call: within("call") };
