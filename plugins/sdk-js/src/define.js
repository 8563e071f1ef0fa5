// From what a plugin defines to what a component exports.

import { Failure, failure } from "./failure.js";
import { interfaces } from "./interfaces.js";
import { texts } from "./records.js";
import { told } from "./place.js";

export { interfaces } from "./interfaces.js";
export { bundled } from "./place.js";

// What else a plugin may define.
const own = ["manifest", "prepare", "check"];

// Returns `{ plugin, lookup, … }`, the exports of a component. A function that the plugin does not define fails with
// `not-configured`, and the manifest does not say that it is served.
export function definePlugin(source, where) {
  const exports = { plugin: basic(source, where) };
  for (const [name, functions] of Object.entries(interfaces)) {
    if (source[name] !== undefined) exports[name] = whole(name, functions, source[name], where);
  }
  return exports;
}

// Throws where a plugin defines something that nobody would ever call.
export function verify(source) {
  const known = [...own, ...Object.keys(interfaces)];
  for (const name of Object.keys(source)) {
    if (!known.includes(name)) throw new TypeError(`the plugin exports \`${name}\`; what counts is ${known.join(", ")}`);
  }
  for (const [name, functions] of Object.entries(interfaces)) {
    const unknown = Object.keys(source[name] ?? {}).find((key) => !(key in functions));
    if (unknown !== undefined) {
      throw new TypeError(`\`${name}\` has no function \`${unknown}\`; it has ${Object.keys(functions).join(", ")}`);
    }
  }
  if (typeof source.manifest !== "object" || source.manifest === null) {
    throw new TypeError("the plugin has no `manifest`: export an object with name, title and version");
  }
}

function basic(source, where) {
  return {
    manifest: guarded(where, () => {
      verify(source);
      return JSON.stringify(manifest(source));
    }),
    prepare: guarded(where, () => void source.prepare?.()),
    check: guarded(where, () => texts(source.check?.(), "what check returns")),
  };
}

function manifest(source) {
  const { http = [], credentials = [], ...rest } = source.manifest;
  const bases = credentials.filter(({ kind }) => kind === "base-url").map(({ handle }) => `credential:${handle}`);
  return { manifest: 1, ...rest, serves: served(source), credentials, http: [...new Set([...http, ...bases])] };
}

const kebab = (name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

// The functions that a plugin defines, in the contract's words: "lookup.by-number".
function served(source) {
  return Object.entries(interfaces).flatMap(([name, functions]) =>
    Object.keys(functions).filter((key) => source[name]?.[key] !== undefined).map((key) => `${name}.${kebab(key)}`),
  );
}

function whole(name, functions, defined, where) {
  const exports = {};
  for (const [key, convert] of Object.entries(functions)) {
    exports[key] =
      defined[key] === undefined
        ? () => raise(failure.notConfigured(`this plugin does not serve ${name}.${kebab(key)}`))
        : guarded(where, (...given) => checked(`${name}.${kebab(key)}`, convert, defined[key](...given)));
  }
  return exports;
}

// What a function returned, as the contract wants it.
function checked(name, convert, result) {
  try {
    return convert(result, "the result");
  } catch (error) {
    throw new TypeError(`${name} returned something else than the contract says: ${error.message}`);
  }
}

function guarded(where, call) {
  return (...given) => {
    try {
      return call(...given);
    } catch (error) {
      raise(exception(error, where));
    }
  };
}

// The failure that follows from something thrown. An exception that leaves an export would end the instance without a
// word: instead it says where it happened. A second try would not mend it, so it is for a person.
export function exception(error, where) {
  if (error instanceof Failure) return error;
  if (!(error instanceof Error)) return failure.other("exception", `the plugin threw ${JSON.stringify(error)}`);
  const { place, trail } = told(error, where);
  return failure.other("exception", `${place}: ${error.name}: ${error.message}`, trail);
}

// Throws a failure in the engine's own form.
export function raise({ tag, val }) {
  throw { tag, val };
}
