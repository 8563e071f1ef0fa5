(() => {
  "use strict";
  const at = (id) => document.getElementById(id);
  // Behind the # stands the token of a personal address. It is taken out of the address at once, and so out of
  // bookmarks and what others see on the screen.
  const token = location.hash.slice(1);
  if (token) {
    history.replaceState(null, "", location.pathname);
    at("token").value = token;
    at("extension").textContent = token.split("~")[0];
    at("offer").hidden = false;
    for (const id of ["ready", "unknown"]) if (at(id)) at(id).hidden = true;
  }
  // The same address with another token only changes what stands behind the #.
  addEventListener("hashchange", () => location.reload());
  const button = at("register");
  if (!button) return;
  const say = (text) => { at("told").textContent = text; };
  const unable = (text) => { button.disabled = true; say(text); };
  if (!isSecureContext) return unable("Browsers offer this on https pages only. Your administrator can change that.");
  if (!navigator.registerProtocolHandler) {
    return unable("This browser cannot hand telephone links to a page. Chrome, Edge and Firefox on a computer can.");
  }
  button.addEventListener("click", () => {
    try {
      navigator.registerProtocolHandler("tel", location.origin + location.pathname + "/call?number=%s", "Hookswitch");
      say("If your browser asks, allow it. From then on, clicked telephone numbers open here.");
    } catch (error) {
      say("The browser refused: " + error.message);
    }
  });
})();
