// A form in which a visitor leaves a number and is called. Put it where the form is to stand:
// <script src="https://calls.example.com/callback/NAME/snippet.js" async></script>
(() => {
  "use strict";
  const { url, texts } = __SETTINGS__;
  const script = document.currentScript;
  const make = (name, attributes, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  };
  const id = "callback-" + Math.random().toString(36).slice(2);
  const number = make("input", {
    id, name: "number", type: "tel", autocomplete: "tel", inputmode: "tel", required: "", maxlength: "30",
    "aria-describedby": id + "-status",
  });
  // People neither see nor reach this field. Set by the script: a page's policy may forbid styles as attributes.
  const trap = make("input", { name: "website", tabindex: "-1", autocomplete: "off", "aria-hidden": "true" });
  Object.assign(trap.style, { position: "absolute", left: "-9999px" });
  const button = make("button", { type: "submit" }, texts.button);
  const status = make("p", { id: id + "-status", role: "status", "aria-live": "polite" });
  const form = make("form", { class: "callback", "aria-labelledby": id + "-heading", novalidate: "" },
    make("h2", { id: id + "-heading" }, texts.heading),
    make("p", {}, make("label", { for: id }, texts.label), make("br", {}), number), trap,
    make("p", {}, button), status);
  const say = (text, wrong) => {
    status.textContent = text;
    number.setAttribute("aria-invalid", wrong ? "true" : "false");
  };
  const ask = async (path, options) => {
    const answer = await fetch(url + path, { credentials: "omit", ...options });
    return { ok: answer.ok, body: await answer.json().catch(() => ({})) };
  };
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  let ticket = "";
  let closed = false;
  const open = async () => {
    const { ok, body } = await ask("");
    ticket = (ok && body.ticket) || "";
    closed = ok && !body.open;
    if (closed) {
      const opens = body.opens ? new Date(body.opens).toLocaleString(document.documentElement.lang || undefined,
        { weekday: "long", hour: "2-digit", minute: "2-digit" }) : "";
      button.disabled = true;
      say(texts.closed + " " + opens);
    }
  };
  const follow = async (call) => {
    for (let wait = 1000; ; wait = Math.min(wait + 250, 5000)) {
      await pause(wait);
      const { ok, body } = await ask("/" + call).catch(() => ({ ok: false, body: {} }));
      if (!ok) continue;
      say(texts[body.state] || texts.failed);
      if (body.state === "done" || body.state === "failed") return;
    }
  };
  const post = () => ask("", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ number: number.value, ticket, website: trap.value }),
  });
  const wrong = { number: "number-wrong", "too-often": "too-often", already: "already" };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!number.value.trim()) return say(texts["number-wrong"], true);
    button.disabled = true;
    try {
      let { ok, body } = await post();
      if (body.error === "ticket") {
        // The page lay open for too long, or its visitor was quicker than people are taken to be.
        await open();
        await pause(1100);
        ({ ok, body } = await post());
      }
      if (ok) {
        say(texts.calling);
        await follow(body.id);
      } else {
        say(texts[wrong[body.error]] || texts.failed, body.error === "number");
      }
      await open();
    } catch {
      say(texts.failed);
    }
    button.disabled = closed;
    number.focus();
  });
  script ? script.after(form) : document.body.append(form);
  open().catch(() => say(texts.failed));
})();
