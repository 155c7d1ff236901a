// One job: its counts as they change, what went wrong, what can be done with it, and its items.

import { ask, fetchFile, freshKey } from "./api.js";
import { controls, CONTROLS, steered } from "./control.js";
import { ask as question } from "./dialog.js";
import { badge, bytes, count, fill, h, head, plural, save, trouble } from "./dom.js";
import { downloads } from "./download.js";
import { itemList } from "./items.js";
import { over } from "./live.js";
import { getJob, jobPanel } from "./panel.js";
import { jobName, short } from "./words.js";

const NOT_UNDONE = ["validate_classifications", "export_classifications"];

export async function showJob(main, { signal, name: token, query: asked, ready }) {
  const job = await getJob(token, signal);
  const actions = h("div", { class: "actions" });
  const answer = h("div");
  const items = itemList(token, asked.get("status") ?? null, signal);
  const panel = jobPanel(job, signal, { onJob: show });
  fill(main, head([jobName(job), " ", h("small", {}, short(job.token))], job.test && badge("test: nothing is stored", "calm"), actions), answer, panel.element, files(job, signal), items.element);
  ready();

  let before = null;
  function show(now) {
    if (!before || changed(before, now)) fill(actions, buttons(now, act, () => before, signal));
    before = now;
    items.update(now);
  }
  async function act(button, what) {
    button.disabled = true;
    try {
      await what();
    } catch (error) {
      button.disabled = false;
      fill(answer, trouble(error));
    }
  }
  await panel.run();
}

const send = async (token, verb, json) =>
  (await ask(`/api/jobs/${token}/${verb}`, { method: "POST", json, headers: { "Idempotency-Key": `"${freshKey()}"` } })).data.result["job.token"];

const ACTS = {
  ...CONTROLS,
  async retry(token) {
    location.hash = `#/jobs/${await send(token, "retry")}`;
  },
};

const changed = (before, now) => over(before) !== over(now) || steered(before, now);

function buttons(job, act, latest, signal) {
  const button = (verb, text, kind = "") => {
    const made = h("button", { type: "button", class: kind, onclick: () => act(made, () => ACTS[verb](job.token)) }, text);
    return made;
  };
  if (!over(job)) return controls(job, button, act);
  if (job.purged_on || !job.total) return null;
  const status = () => document.getElementById("outcome")?.value ?? "";
  return [
    job.failed && job.job !== "undo" ? button("retry", `Retry ${count(job.failed)} failed`, "main") : null,
    job.succeeded && !job.test && !NOT_UNDONE.includes(job.job) ? h("button", { type: "button", onclick: () => undo(latest(), signal) }, job.job === "undo" ? "Undo the undo" : "Undo") : null,
    downloads(job, status, signal),
  ];
}

// First what would be undone, and only then the undoing.
function undo(job, outer) {
  question(`Undo ${jobName(job).toLowerCase()} ${short(job.token)}`, (body, { run, close, signal }) => {
    const place = h("div");
    const look = h("button", { type: "button", class: "main", onclick: () => run(look, preview) }, "See what would be undone");
    fill(body,
      h("p", {}, `${plural(job.succeeded, "item")} of this job changed something. Each goes back to what it was before, unless somebody has changed it since; those stay as they are and are listed. The undoing is a job of its own, and can be undone too.`),
      place, h("div", { class: "dialog-foot" }, h("button", { type: "button", onclick: close }, "Leave it"), look));
    async function preview() {
      const tried = await getJob(await send(job.token, "undo", { test: true }), signal);
      const panel = jobPanel(tried, signal, { links: false });
      fill(place, panel.element);
      await panel.run();
      const go = h("button", { type: "button", class: "main", onclick: () => run(go, commit) }, "Undo now");
      look.replaceWith(go);
      go.focus();
    }
    async function commit() {
      const token = await send(job.token, "undo");
      close();
      location.hash = `#/jobs/${token}`;
    }
  }, outer);
}

// The files of an export, each fetched with the key, which a link could not send.
function files(job, signal) {
  if (job.job !== "export_classifications") return null;
  const list = h("ul", { class: "plain" });
  const one = (file) => {
    const button = h("button", { type: "button", onclick: () => keep(button, file) }, "Save");
    return h("li", {}, button, ` ${file.name} `, h("small", {}, `${plural(file.rows, "row")}, ${bytes(file.bytes)}`));
  };
  const keep = async (button, file) => {
    button.disabled = true;
    try {
      save(file.name, [await fetchFile(file.url, signal)], file.media_type);
    } catch (error) {
      if (error.name !== "AbortError") list.after(trouble(error));
    }
    button.disabled = false;
  };
  const show = async () => {
    const { data } = await ask(`/api/jobs/${job.token}/files`, { signal });
    fill(list, data.files.length ? data.files.map(one) : h("li", {}, "No file is ready yet."));
  };
  show().catch((error) => error.name !== "AbortError" && list.after(trouble(error)));
  return h("section", { class: "card", "aria-label": "Files" }, h("h2", {}, "Files"), list);
}
