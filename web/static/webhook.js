// One webhook: how it stands, what can be done with it, and the log of its deliveries with each try.

import { ask, pause, query, visible } from "./api.js";
import { ask as question } from "./dialog.js";
import { badge, choice, count, empty, fill, h, head, loading, moment, row, say, table, trouble } from "./dom.js";
import { short } from "./words.js";
import { EVENTS, reason, secretShown, STATES, waiting, webhookPath, webhookState } from "./webhooks.js";

const COLUMNS = ["No.", "Job", "State", "Tries", ""];
const TRIES = ["Try", "When", "Took", "Answer"];
const SHOWN = [["", "all deliveries"], ["waiting", "waiting"], ["delivered", "delivered"], ["failed", "failed"]];
const SIZE = 25;
const EVERY = 5;

export async function showWebhook(main, { signal, name: id, query: asked, ready }) {
  const status = asked.get("status") ?? "";
  const actions = h("div", { class: "actions" });
  const facts = h("section", { class: "card", "aria-label": "How it stands" });
  const answer = h("div", { role: "status" });
  const body = h("tbody");
  const place = h("div", {}, loading("deliveries"));
  const more = h("button", { type: "button", hidden: true, onclick: () => load(cursor) }, "Older deliveries");
  const failed = h("button", { type: "button", onclick: () => act(failed, replayFailed) }, "Replay all failed");
  const narrow = choice("status", SHOWN, status, { onchange: () => (location.hash = `#/webhooks/${id}${query({ status: narrow.value })}`) });
  let webhook = (await ask(webhookPath(id), { signal })).data;
  let cursor = null;
  fill(main, head([h("a", { href: "#/webhooks" }, "Webhook"), " ", h("small", {}, short(id))], actions), answer, facts,
    h("div", { class: "head" }, h("h2", {}, "Deliveries"), h("div", { class: "actions" }, h("label", { for: "status", class: "unseen" }, "State"), narrow, failed)), place, more);
  ready();
  show();
  await load(null);
  for (;;) {
    await pause(EVERY, signal);
    await visible(signal);
    const before = JSON.stringify(webhook);
    try {
      webhook = (await ask(webhookPath(id), { signal })).data;
    } catch (error) {
      if (error.name === "AbortError" || error.status === 401 || error.status === 404) throw error;
      continue; // it is asked again
    }
    if (JSON.stringify(webhook) === before) continue;
    show();
    if (body.children.length <= SIZE && !body.querySelector("details[open], :focus")) await load(null);
  }

  function show() {
    const off = webhook.status === "disabled";
    const fact = (term, ...value) => h("div", {}, h("dt", {}, term), h("dd", {}, value));
    const button = (text, onclick, kind = "") => {
      const made = h("button", { type: "button", class: kind, onclick: () => onclick(made) }, text);
      return made;
    };
    const focused = actions.contains(document.activeElement) && document.activeElement.textContent;
    fill(actions, off ? button("Enable", (made) => act(made, enable), "main") : button("Disable", (made) => act(made, disable)), button("Rotate secret", rotate), button("Delete", remove));
    if (focused) [...actions.children].find((one) => one.textContent === focused)?.focus();
    failed.disabled = off;
    fill(facts,
      h("p", {}, webhookState(webhook), " ", h("b", { class: "id" }, webhook.url)),
      off && h("p", { class: "note bad" }, h("b", {}, "Disabled: "), `${reason(webhook)}.`, " What ends meanwhile is not told."),
      h("dl", { class: "facts" },
        fact("told of", webhook.events.map((one) => EVENTS[one] ?? one).join(", ")),
        fact("events so far", count(webhook.sequence)), fact("waiting", waiting(webhook)),
        webhook.waiting && webhook.next_try_on ? fact("next try", moment(webhook.next_try_on)) : null,
        fact("made", moment(webhook.created_on)),
        webhook.old_secret_until && fact("old secret signs too until", moment(webhook.old_secret_until))));
  }

  async function act(button, work) {
    button.disabled = true;
    try {
      await work();
      fill(answer);
      show();
    } catch (error) {
      if (error.name !== "AbortError") fill(answer, trouble(error));
    }
    button.disabled = false;
  }
  async function post(more) {
    return (await ask(webhookPath(id, more), { method: "POST", signal })).data;
  }
  async function enable() {
    webhook = await post("/enable");
    say("The webhook is enabled.");
  }
  async function disable() {
    webhook = await post("/disable");
    say("The webhook is disabled.");
  }
  async function replayFailed() {
    const { replayed } = await post("/deliveries/replay");
    say(replayed ? `${count(replayed)} of them will be tried again.` : "No delivery has failed.");
    await load(null);
  }
  function rotate() {
    question("Rotate the secret", (place, { run, close }) => {
      const go = h("button", { type: "button", class: "main", onclick: () => run(go, async () => {
        const { secret, ...now } = await post("/rotate");
        webhook = now;
        show();
        fill(place, secretShown(secret, close));
      }) }, "Rotate");
      fill(place, h("p", {}, "The webhook gets a new secret. For a day the one it has signs beside it, so that your receiver can change in peace."),
        h("div", { class: "dialog-foot" }, h("button", { type: "button", onclick: close }, "Leave it"), go));
    }, signal);
  }
  function remove() {
    question("Delete the webhook", (place, { run, close }) => {
      const go = h("button", { type: "button", class: "main", onclick: () => run(go, async () => {
        await ask(webhookPath(id), { method: "DELETE", signal });
        close();
        location.hash = "#/webhooks";
      }) }, "Delete it");
      fill(place, h("p", {}, `Nothing more is told to ${webhook.url}, and its log is deleted too.`),
        h("div", { class: "dialog-foot" }, h("button", { type: "button", onclick: close }, "Leave it"), go));
    }, signal);
  }

  async function load(from) {
    more.disabled = true;
    try {
      const { data } = await ask(webhookPath(id, `/deliveries${query({ status, "page.size": SIZE, "page.cursor": from })}`), { signal });
      const lines = data.deliveries.map(line);
      from ? body.append(...lines) : body.replaceChildren(...lines);
      cursor = data["page.cursor"];
      more.hidden = !cursor;
      if (!body.children.length) fill(place, empty(h("p", {}, status ? "No delivery is like that." : "Nothing has been told yet: no job has ended since the webhook was made.")));
      else if (!place.contains(body)) fill(place, table("Deliveries", COLUMNS, body));
    } catch (error) {
      if (error.name === "AbortError" || error.status === 401) throw error;
      fill(place, trouble(error, () => load(from)));
    }
    more.disabled = false;
  }

  function line(one) {
    const again = h("button", { type: "button", disabled: webhook.status === "disabled", "aria-label": `Replay number ${one.sequence}`, onclick: () => act(again, async () => {
      const { data } = await ask(webhookPath(id, `/deliveries/${one.id}/replay`), { method: "POST", signal });
      made.replaceWith(line(data));
      say(`Number ${one.sequence} will be delivered again.`);
    }) }, "Replay");
    const made = row(COLUMNS, [
      [h("b", {}, `#${count(one.sequence)}`), h("small", {}, moment(one.created_on))],
      [h("a", { href: `#/jobs/${one["job.token"]}` }, h("code", {}, short(one["job.token"]))), h("small", {}, EVENTS[one.event] ?? one.event)],
      [badge(one.status, STATES[one.status]), one.replayed_on && h("small", {}, "replayed ", moment(one.replayed_on))],
      tries(one.attempts), again,
    ]);
    return made;
  }
}

function tries(attempts) {
  if (!attempts.length) return "none yet";
  const last = attempts.at(-1);
  const cells = (one) => [count(one.no), moment(one.started_on), one.milliseconds == null ? "–" : `${count(one.milliseconds)} ms`, said(one)];
  return h("details", {}, h("summary", {}, `${count(attempts.length)}, last: ${said(last)}`),
    h("table", {}, h("thead", {}, h("tr", {}, TRIES.map((name) => h("th", { scope: "col" }, name)))), h("tbody", {}, attempts.map((one) => row(TRIES, cells(one))))));
}

const said = (one) => (one.error ?? (one.status == null ? "not ended" : `answered ${one.status}`));
