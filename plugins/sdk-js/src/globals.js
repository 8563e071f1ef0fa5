// JavaScript's own sources of time and chance, put on the job's: the engine has none, and a replay must give the same.

import { nowMs } from "hookswitch:plugin/clock@0.1.0";
import { bytes } from "hookswitch:plugin/random@0.1.0";

const now = () => Number(nowMs());

globalThis.Date = new Proxy(Date, {
  construct: (date, given, target) => Reflect.construct(date, given.length === 0 ? [now()] : given, target),
  apply: (date) => new date(now()).toString(),
  get: (date, name) => (name === "now" ? now : Reflect.get(date, name)),
});

// 53 random bits, as many as a number holds.
Math.random = () => {
  const [a, b, c, d, e, f, g] = bytes(7);
  return ((a & 31) * 2 ** 48 + b * 2 ** 40 + c * 2 ** 32 + d * 2 ** 24 + e * 2 ** 16 + f * 2 ** 8 + g) / 2 ** 53;
};
