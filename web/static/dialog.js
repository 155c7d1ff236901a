// A question in front of the page. The browser keeps the focus inside, and Escape closes it.

import { fill, h, trouble } from "./dom.js";

// `build(body, close, run)` fills the body; `run(button, work)` does something that may fail, and shows why it did.
export function ask(title, build, signal) {
  const body = h("div", { class: "dialog-body" });
  const answer = h("div");
  const close = () => dialog.close();
  const dialog = h("dialog", { "aria-label": title },
    h("div", { class: "dialog-head" }, h("h2", {}, title), h("button", { type: "button", class: "quiet", "aria-label": "Close", onclick: close }, "✕")),
    body, answer);
  const run = async (button, work) => {
    button.disabled = true;
    answer.replaceChildren();
    try {
      await work();
    } catch (error) {
      if (error.name !== "AbortError") fill(answer, trouble(error));
    }
    button.disabled = false;
  };
  const own = new AbortController();
  signal.addEventListener("abort", close, { once: true, signal: own.signal });
  dialog.addEventListener("close", () => (own.abort(), dialog.remove()));
  document.body.append(dialog);
  build(body, { close, run, signal: own.signal });
  dialog.showModal();
  return dialog;
}
