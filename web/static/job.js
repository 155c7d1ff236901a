// One job: its counts as they change, what can be done with it, and its items.

import { ask, freshKey, query } from "./api.js";
import { count, fill, h, head, moment, say, trouble } from "./dom.js";
import { itemList } from "./items.js";
import { jobName } from "./jobs.js";
import { follow, over } from "./live.js";
import { bar, pace, PARTS, state, words, WORDS } from "./progress.js";

export async function showJob(main, { signal, name: token, query: asked, ready }) {
  const { data: job } = await ask(`/api/jobs/${encodeURIComponent(token)}`, { signal });
  const summary = h("section", { class: "card", "aria-label": "Progress" });
  const actions = h("div", { class: "actions" });
  const answer = h("div");
  const items = itemList(token, asked.get("status") ?? null, signal);
  fill(main, head(jobName(job), actions), summary, answer, items.element);
  ready();

  let before = null;
  const show = (now) => {
    fill(summary, facts(now));
    if (!before || changed(before, now)) fill(actions, buttons(now, act));
    if (before && over(now) && !over(before)) say(`The job is ${now.outcome ?? now.status}: ${words(now)}.`);
    before = now;
    items.update(now);
  };
  const act = async (verb, button) => {
    button.disabled = true;
    try {
      await ACTS[verb](token);
    } catch (error) {
      button.disabled = false;
      fill(answer, trouble(error));
    }
  };
  show(job);
  if (!over(job)) await follow(token, signal, show);
}

const ACTS = {
  async cancel(token) {
    await ask(`/api/jobs/${token}/cancel`, { method: "POST" });
    say("The job is asked to stop.");
  },
  async retry(token) {
    const { data } = await ask(`/api/jobs/${token}/retry`, { method: "POST", headers: { "Idempotency-Key": `"${freshKey()}"` } });
    location.hash = `#/jobs/${data.result["job.token"]}`;
  },
};

const changed = (before, now) => over(before) !== over(now) || before.cancel_requested !== now.cancel_requested;

function buttons(job, act) {
  const button = (verb, text, kind = "") => {
    const made = h("button", { type: "button", class: kind, onclick: () => act(verb, made) }, text);
    return made;
  };
  if (!over(job)) return job.cancel_requested ? h("button", { disabled: true }, "Stopping …") : button("cancel", "Cancel");
  return job.failed && !job.purged_on ? button("retry", `Retry ${count(job.failed)} failed`, "main") : null;
}

function facts(job) {
  const fact = (term, ...value) => h("div", {}, h("dt", {}, term), h("dd", {}, value));
  const numbers = PARTS.filter((name) => job[name] || name === "succeeded" || name === "failed");
  const error = job.info?.error;
  return [
    h("p", { class: "far" }, state(job), " ", h("b", {}, words(job)), job.stalled && !over(job) && h("em", {}, " · no progress for a while"), h("small", {}, pace(job))),
    bar(job),
    error && h("p", { class: "note bad" }, h("b", {}, error.code), " ", error.detail, error.pointer && h("code", {}, ` ${error.pointer}`)),
    h("dl", { class: "facts" },
      fact("items", count(job.total)),
      numbers.map((name) => fact(WORDS[name], job[name] ? h("a", { href: `#/jobs/${job.token}${query({ status: name })}` }, count(job[name])) : "0")),
      fact("sent", moment(job.created_on)),
      fact("ended", moment(job.finished_on)),
      job.parent && fact("retry of", h("a", { href: `#/jobs/${job.parent}` }, h("code", {}, job.parent.slice(0, 8)))),
      job.tags.length ? fact("tags", job.tags.join(", ")) : null,
      fact("token", h("code", { class: "token" }, job.token))),
  ];
}
