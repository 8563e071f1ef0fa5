// What the tests talk to: a CRM whose answers are given one after the other.

// Puts a host in place; returns the requests that it gets. An answer is `[status, body, headers]` or the import's error.
export function host(answers = [], { attempt = 1 } = {}) {
  const requests = [];
  globalThis.host = {
    http: {
      send(request) {
        requests.push(request);
        const answer = answers.shift();
        if (!Array.isArray(answer)) throw Object.assign(new Error("import"), { payload: answer });
        const [status, body, headers = {}] = answer;
        return { status, headers: Object.entries(headers), body: { tag: "text", val: body } };
      },
    },
    clock: { nowMs: () => 784111777000n }, // Sun, 06 Nov 1994 08:49:37 GMT
    job: { attempt: () => attempt, key: (label) => `key-${label}` },
  };
  return requests;
}

// What is thrown.
export function thrown(call) {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}
