// Evaluates a script, and tells where in it something went wrong.

import { exception, raise } from "hookswitch/define";

// Lines that the engine puts before the text of a `Function`: `(function anonymous(…` and `) {`.
const HEAD = 2;
// What the engine calls a text that is no file.
const TEXT = "<input>";

// Runs the script's text, which sets `exports` as a CommonJS module does. Returns them, and what turns a place of the
// engine's into one of the script's.
export function evaluate(name, text, sdk) {
  const last = text.split("\n").length;
  // What is only missed at the end ("}" for instance) is missed behind the last line.
  const within = (line) => Math.min(Math.max(line - HEAD, 1), last);
  const where = {
    source: name,
    place: (file, line, column) => (file === TEXT ? `${name}:${within(line)}:${column}` : null),
  };
  const require = (module) => {
    if (module === "hookswitch") return sdk;
    throw new Error(`there is no module ${JSON.stringify(module)}; a script can require "hookswitch" only`);
  };
  const module = { exports: {} };
  try {
    new Function("require", "module", "exports", `${text}\n`)(require, module, module.exports);
  } catch (error) {
    raise(exception(error, where));
  }
  return { exports: module.exports, where };
}
