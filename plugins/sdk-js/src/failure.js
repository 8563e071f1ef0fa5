// How a function fails: the variant `failure` of wit/0.1.0/types.wit, as an error to be thrown.

export class Failure extends Error {
  constructor(tag, val) {
    super(typeof val === "string" ? val : (val.reason ?? val.text));
    this.name = "Failure";
    this.tag = tag;
    this.val = val;
  }
}

const problem = (code, text, detail = "") => ({ code, text, detail });

export const failure = {
  temporary: (reason, afterMs = null) => new Failure("temporary", { afterMs, reason }),
  rejected: (code, text, detail) => new Failure("rejected", problem(code, text, detail)),
  unauthorised: (text) => new Failure("unauthorised", text),
  notConfigured: (text) => new Failure("not-configured", text),
  inDoubt: (text) => new Failure("in-doubt", text),
  other: (code, text, detail) => new Failure("other", problem(code, text, detail)),
};

// What an import failed with. The engine throws an error that holds it; anything else is no failure of an import.
export function failed(error) {
  if (error?.payload === undefined) throw error;
  return error.payload;
}
