import * as host from "hookswitch:plugin/settings@0.1.0";
import { failure } from "./failure.js";

const text = (name) => host.get(name)?.trim() || null;

export const settings = {
  text,
  flag: (name) => text(name) === "true",
  number(name) {
    const value = text(name);
    return value === null ? null : Number(value);
  },
  required(name) {
    const value = text(name);
    if (value === null) throw failure.notConfigured(`setting \`${name}\` is empty`);
    return value;
  },
};
