// One operation on all that is chosen: asked for, tried, and carried out as it was tried.

import { ask, BULK, freshKey } from "./api.js";
import { ask as question } from "./dialog.js";
import { badge, choice, count, field, fill, h, say } from "./dom.js";
import { keyList } from "./keys.js";
import { over } from "./live.js";
import { getJob, jobPanel } from "./panel.js";
import { WORDS } from "./progress.js";
import { shareChoices } from "./words.js";

const REASONS = [["", "no reason given"], ["SHARED_BY_MISTAKE", "shared by mistake"], ["DUPLICATE", "duplicate"], ["SENSITIVE_DATA", "sensitive data"], ["OTHER", "other"]];

// The forms of the operations: what they ask for, and what they send. `send` stores a job and gives { token, plan }.
const publish = () => {
  const level = choice("bulk-level", shareChoices, "logged_in_users");
  return { parts: [field("Share with", level)], read: () => ({ publish: level.value }) };
};
const remove = () => {
  const reason = choice("bulk-reason", REASONS, "");
  return {
    parts: [h("p", {}, "Records that were never shared are deleted; shared ones are withdrawn, and stay readable by their id."), field("Reason", reason)],
    read: () => (reason.value ? { delete_reason: reason.value } : {}),
  };
};
const patch = (signal) => {
  const key = h("input", { id: "bulk-key", list: "bulk-keys", required: true, spellcheck: "false" });
  const value = h("input", { id: "bulk-value", "aria-describedby": "bulk-empty" });
  const list = h("datalist", { id: "bulk-keys" });
  keyList(signal).then((keys) => fill(list, [...keys.values()].map((one) => h("option", { value: one.key }, one.label)))).catch(() => {});
  return {
    parts: [list, field("Evidence key", key), field("New value", value), h("p", { class: "hint", id: "bulk-empty" }, "Left empty, the value is taken away.")],
    read: () => {
      if (!key.value.trim()) throw new Error("Which key shall change?");
      return { patch: { [key.value.trim()]: value.value.trim() || null } };
    },
  };
};
const VERBS = { publish: ["Publish", publish], patch: ["Change a value", patch], delete: ["Delete", remove] };

// What the selection's bar offers over classification records.
export const recordActions = (signal) =>
  Object.entries(VERBS).map(([verb, [title, form]]) => [title, (chosen) => bulk(title, chosen, form(signal), { send: sender(verb) }, signal)]);

const sender = (verb) => async (json, signal) => {
  const headers = { Prefer: "respond-async", "Idempotency-Key": `"${freshKey()}"` };
  const { data } = await ask(`${BULK}${verb}`, { method: "POST", json, headers, signal });
  return { token: data["job.token"] ?? data.result["job.token"], plan: data.plan_token ?? data.result?.plan_token };
};

export function bulk(title, chosen, form, { send }, outer) {
  question(`${title}: ${chosen.named}`, (body, { run, close, signal }) => {
    const place = h("div");
    const fields = h("fieldset", {}, h("legend", { class: "unseen" }, title), form.parts);
    const foot = h("div", { class: "dialog-foot" });
    const look = h("button", { type: "button", class: "main", onclick: () => run(look, preview) }, "Preview");
    const start = () => {
      fields.disabled = false;
      fill(place);
      fill(foot, h("button", { type: "button", onclick: close }, "Leave it"), look);
    };
    fill(body, fields, place, foot);
    start();

    async function preview() {
      const asked = { selection: chosen.selection, ...form.read(), ...(chosen.everything && { allow_all: true }) };
      const { token, plan } = await send({ ...asked, test: true }, signal);
      fields.disabled = true;
      const panel = jobPanel(await getJob(token, signal), signal, { links: false });
      const first = h("div");
      fill(place, h("p", { class: "note", role: "status" }, "Nothing is stored yet. This is what would become of them:"), panel.element, first);
      const tried = await panel.run();
      await examples(first, token, signal);
      const again = h("button", { type: "button", onclick: start }, "Change");
      const go = h("button", { type: "button", class: "main", onclick: () => run(go, () => commit(asked, plan)) }, `${title} ${count(tried.succeeded)}`);
      go.disabled = !over(tried) || !tried.succeeded;
      fill(foot, h("button", { type: "button", onclick: close }, "Leave it"), again, go);
      (go.disabled ? again : go).focus();
    }
    async function commit(asked, plan) {
      try {
        const { token } = await send({ ...asked, ...(plan && { plan_token: plan }) }, signal);
        close();
        say("The job is stored.");
        location.hash = `#/jobs/${token}`;
      } catch (error) {
        if (error.code !== "plan_changed") throw error;
        start();
        fill(place, h("div", { class: "note bad", role: "alert" },
          h("p", {}, h("b", {}, "Something has changed since the preview."), ` ${error.message} Nothing was done. Look again:`),
          h("ul", {}, error.changes.slice(0, 10).map((one) => h("li", {}, `${one.id}: ${one.change}`)))));
      }
    }
  }, outer);
}

// The first of the items as they would be.
async function examples(place, token, signal) {
  const { data } = await ask(`/api/jobs/${token}/results?page.size=5`, { signal });
  const line = (one) => h("li", {}, badge(WORDS[one.status] ?? one.status, one.status), " ", h("code", {}, one.id ?? `#${one.index}`), one.error && ` ${one.error.detail}`);
  fill(place, h("h3", {}, "The first of them"), h("ul", { class: "plain lines" }, data.results.map(line)));
}
