// A component that runs a plugin written as one plain script, without any build.
//
// The host hands the script over: to `plugin.manifest` as a file, to every other function as the settings `script:name`
// and `script:text`. The script is evaluated in each fresh instance, and serves exactly what it defines.

import "hookswitch/globals";
import * as sdk from "hookswitch";
import { definePlugin, interfaces, raise } from "hookswitch/define";
import { get } from "hookswitch:plugin/settings@0.1.0";
import { evaluate } from "./script.js";

const now = () => {
  const [name, text] = [get("script:name"), get("script:text")];
  if (typeof name !== "string" || typeof text !== "string") raise(sdk.failure.notConfigured("the host gave no script"));
  return load(name, text);
};

function load(name, text) {
  const { exports, where } = evaluate(name, text, sdk);
  return definePlugin(exports, where);
}

export const plugin = {
  manifest([file]) {
    if (file === undefined) raise(sdk.failure.notConfigured("no script was given: name it by script = \"my-crm.js\""));
    return load(...file).plugin.manifest();
  },
  prepare: () => now().plugin.prepare(),
  check: () => now().plugin.check(),
};

// Every function of an interface, handed on to the script; what it does not define fails there as not served.
const handedOn = (name) => {
  const absent = () => definePlugin({ [name]: {} })[name];
  const handOn = (key) => (...given) => (now()[name] ?? absent())[key](...given);
  return Object.fromEntries(Object.keys(interfaces[name]).map((key) => [key, handOn(key)]));
};

export const lookup = handedOn("lookup");
export const contacts = handedOn("contacts");
export const journal = handedOn("journal");
export const tickets = handedOn("tickets");
export const cards = handedOn("cards");
export const recordings = handedOn("recordings");
export const directory = handedOn("directory");
export const routing = handedOn("routing");
export const commands = handedOn("commands");
export const feed = handedOn("feed");
export const speech = handedOn("speech");
