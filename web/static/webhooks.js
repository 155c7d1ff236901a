// One's own webhooks: how each stands, and making one. A secret is shown once, with a button that copies it.

import { ask } from "./api.js";
import { ask as question } from "./dialog.js";
import { badge, count, empty, field, fill, h, head, loading, moment, row, say, table, trouble } from "./dom.js";
import { REASONS } from "./notice.js";

const COLUMNS = ["Address", "State", "Told of", "Waiting", "Last delivery"];
export const EVENTS = { "job.done": "jobs that are done", "job.rejected": "jobs that were not begun" };
const MOST_COUNTED = 1_000; // the server counts no further
export const webhookPath = (id, more = "") => `/api/webhooks/${encodeURIComponent(id)}${more}`;

export const webhookState = (one) => badge(one.status, one.status === "active" ? "succeeded" : "failed");
export const reason = (one) => (one.reason ? (REASONS[one.reason] ?? one.reason) : "");
export const waiting = (one) => (one.waiting >= MOST_COUNTED ? `at least ${count(MOST_COUNTED)}` : count(one.waiting));
export const STATES = { delivered: "succeeded", failed: "failed", waiting: "queued" };

const cells = (one) => [
  h("a", { class: "id", href: `#/webhooks/${one.id}` }, one.url),
  [webhookState(one), one.reason && h("small", {}, reason(one))],
  h("ul", { class: "plain" }, one.events.map((name) => h("li", {}, EVENTS[name] ?? name))),
  [waiting(one), one.waiting && one.next_try_on ? h("small", {}, "next try ", moment(one.next_try_on)) : null],
  one.last_delivery ? [badge(one.last_delivery.status, STATES[one.last_delivery.status]), " ", h("small", {}, moment(one.last_delivery.tried_on))] : "–",
];

export async function showWebhooks(main, { signal, ready }) {
  const place = h("div", {}, loading("webhooks"));
  const make = h("button", { type: "button", class: "main", onclick: () => create(signal, load) }, "New webhook");
  fill(main, head("Webhooks", h("div", { class: "actions" }, make)),
    h("p", { class: "hint" }, "An address of yours that is told when your jobs end. What is sent is signed with the webhook's secret."), place);
  ready();
  addEventListener("webhook", load, { signal });
  await load();

  async function load() {
    try {
      const { data } = await ask("/api/webhooks", { signal });
      if (!data.webhooks.length) return fill(place, nothing(signal, load));
      fill(place, table("Webhooks", COLUMNS, h("tbody", {}, data.webhooks.map((one) => row(COLUMNS, cells(one))))));
    } catch (error) {
      if (error.name === "AbortError" || error.status === 401) return;
      fill(place, trouble(error, load));
    }
  }
}

const nothing = (signal, load) =>
  empty(h("p", {}, "No webhooks yet."), h("p", {}, "Instead of asking how a job stands, be told when it ends."),
    h("p", {}, h("button", { type: "button", class: "main", onclick: () => create(signal, load) }, "New webhook")));

function create(outer, made) {
  question("New webhook", (body, { run, close, signal }) => {
    const url = h("input", { id: "hook-url", type: "url", required: true, spellcheck: "false", autocomplete: "off", "aria-describedby": "hook-hint" });
    const boxes = Object.entries(EVENTS).map(([name, text]) => [name, text, h("input", { type: "checkbox", id: `hook-${name}`, checked: true })]);
    const send = h("button", { class: "main" }, "Make it");
    const submit = (event) => (event.preventDefault(), run(send, store));
    fill(body, h("form", { method: "post", onsubmit: submit },
      h("div", { class: "field" }, h("label", { for: "hook-url" }, "Address"), url, h("p", { class: "hint", id: "hook-hint" }, "It begins with https, and its host is on the public internet.")),
      h("fieldset", {}, h("legend", {}, "Told of"), boxes.map(([name, text, box]) => h("div", { class: "check" }, box, h("label", { for: `hook-${name}` }, text)))),
      h("div", { class: "dialog-foot" }, h("button", { type: "button", onclick: close }, "Leave it"), send)));

    async function store() {
      const events = boxes.filter(([, , box]) => box.checked).map(([name]) => name);
      const { data } = await ask("/api/webhooks", { method: "POST", json: { url: url.value.trim(), events }, signal });
      fill(body, secretShown(data.secret, close));
      made();
    }
  }, outer);
}

// The one time that a secret is seen.
export function secretShown(secret, close) {
  const input = h("input", { id: "hook-secret", readonly: true, value: secret, spellcheck: "false", onfocus: () => input.select() });
  const copy = h("button", { type: "button", class: "main", onclick: async () => {
    input.select();
    try {
      await navigator.clipboard.writeText(secret);
      say("The secret is copied.");
      copy.textContent = "Copied";
    } catch {
      say("The browser did not let the page copy it; it is marked, so that you can.");
      copy.textContent = "Marked: copy it yourself";
    }
  } }, "Copy");
  setTimeout(() => copy.focus());
  return [
    field("Secret", input),
    h("p", { class: "note" }, h("b", {}, "It is shown this once."), " Keep it where your receiver verifies signatures; whoever has it can sign in the name of this service."),
    h("div", { class: "dialog-foot" }, copy, h("button", { type: "button", onclick: close }, "I have kept it")),
  ];
}
