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
  // People neither see nor reach this field.
  const trap = make("input", { name: "website", tabindex: "-1", autocomplete: "off", "aria-hidden": "true",
    style: "position:absolute;left:-9999px" });
  const button = make("button", { type: "submit" }, texts.button);
  const status = make("p", { id: id + "-status", role: "status", "aria-live": "polite" });
  const form = make("form", { class: "callback", "aria-labelledby": id + "-heading", novalidate: "" },
    make("h2", { id: id + "-heading" }, texts.heading), make("label", { for: id }, texts.label),
    number, trap, button, status);
  const say = (text, wrong) => {
    status.textContent = text;
    number.setAttribute("aria-invalid", wrong ? "true" : "false");
  };
  const ask = async (path, options) => {
    const answer = await fetch(url + path, { credentials: "omit", ...options });
    return { ok: answer.ok, body: await answer.json().catch(() => ({})) };
  };
  let ticket = "";
  const open = async () => {
    const { ok, body } = await ask("");
    ticket = (ok && body.ticket) || "";
    if (ok && !body.open) {
      const opens = body.opens ? new Date(body.opens).toLocaleString(document.documentElement.lang || undefined,
        { weekday: "long", hour: "2-digit", minute: "2-digit" }) : "";
      button.disabled = true;
      say(texts.closed + " " + opens);
    }
  };
  const follow = async (call) => {
    for (let wait = 1000; ; wait = Math.min(wait + 250, 5000)) {
      await new Promise((done) => setTimeout(done, wait));
      const { ok, body } = await ask("/" + call).catch(() => ({ ok: false, body: {} }));
      if (!ok) continue;
      say(texts[body.state] || texts.failed);
      if (body.state === "done" || body.state === "failed") return;
    }
  };
  const wrong = { number: "number-wrong", "too-often": "too-often", already: "already" };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!number.value.trim()) return say(texts["number-wrong"], true);
    button.disabled = true;
    try {
      const { ok, body } = await ask("", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ number: number.value, ticket, website: trap.value }),
      });
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
    button.disabled = false;
    number.focus();
  });
  script ? script.after(form) : document.body.append(form);
  open().catch(() => say(texts.failed));
})();
