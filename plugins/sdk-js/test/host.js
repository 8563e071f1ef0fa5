// A host for tests: the imports of the contract, each function answered by `globalThis.host`.

import { register } from "node:module";

const FUNCTIONS = {
  http: ["send"], job: ["key", "attempt", "deadlineMs"], clock: ["nowMs", "format"], logging: ["log"],
  settings: ["get"], storage: ["get", "put", "delete", "keys"], phone: ["parse", "format"],
  people: ["userOf", "extensionOf"], random: ["bytes", "uuid"], secrets: ["placeholder", "matches"],
  recording: ["ofCall", "read", "signLink"], documents: ["find", "insert", "update"],
};

const hooks = `
const FUNCTIONS = ${JSON.stringify(FUNCTIONS)};
const name = (url) => /^hookswitch:plugin\\/(\\w+)@/.exec(url)?.[1];
export const resolve = (url, context, next) => name(url) ? { url, shortCircuit: true } : next(url, context);
export function load(url, context, next) {
  if (!name(url)) return next(url, context);
  const source = FUNCTIONS[name(url)].map((call) =>
    \`const \${call}_ = (...given) => globalThis.host.\${name(url)}.\${call}(...given); export { \${call}_ as \${call} };\`);
  return { format: "module", source: source.join("\\n"), shortCircuit: true };
}`;

register(`data:text/javascript,${encodeURIComponent(hooks)}`);
