// The dashboard: one's own jobs, newest first, with bars that move as the feed tells, and what was done in the last hour.

import { ask, pause, query, visible } from "./api.js";
import { badge, choice, count, empty, fill, h, head, loading, moment, row, table, trouble } from "./dom.js";
import { over } from "./live.js";
import { plot } from "./plot.js";
import { bar, pace, state, words } from "./progress.js";
import { JOBS, jobName, short } from "./words.js";

const COLUMNS = ["Job", "State", "Progress", "Sent"];
const STATES = [["", "all states"], ["queued", "queued"], ["processing", "processing"], ["done", "done"], ["rejected", "rejected"]];
const SIZE = 25;
const FAST = 3;
const SLOW = 15;

function cells(job) {
  const kin = job.parent && job.job !== "undo" && badge("retry", "calm");
  const slow = job.stalled && !over(job) && badge("stalled", "failed");
  return [
    [h("a", { href: `#/jobs/${job.token}` }, h("b", {}, jobName(job)), " ", h("code", {}, short(job.token))), " ", kin, job.test && badge("test", "calm"), job.tags.map((tag) => [" ", badge(tag, "tag")])],
    [state(job), slow && [" ", slow]],
    h("div", { class: "far" }, bar(job), h("small", {}, words(job), over(job) ? null : ` · ${pace(job)}`)),
    moment(job.created_on),
  ];
}

export async function showJobs(main, { signal, query: asked, ready }) {
  const known = { status: asked.get("status") ?? "", name: asked.get("name") ?? "", tag: asked.get("tag") ?? "" };
  const narrow = (more) => (location.hash = `#/jobs${query({ ...known, ...more })}`);
  const tag = h("input", { id: "tag", type: "search", value: known.tag, placeholder: "any tag", onchange: () => narrow({ tag: tag.value.trim() }) });
  const past = plot("Items a second, the last hour", [{ label: "done", colour: "accent", fill: true }, { label: "failed", colour: "bad" }], signal, { unit: "a second" });
  const tiles = h("dl", { class: "tiles" });
  const older = h("tbody");
  const body = h("tbody");
  const place = h("div", {}, loading("jobs"));
  const more = h("button", { type: "button", hidden: true }, "Older jobs");
  fill(main, head("Jobs", h("div", { class: "actions" }, h("a", { class: "button main", href: "#/submit" }, "Submit a file"))),
    h("section", { class: "card summary", "aria-label": "Now" }, tiles, past.element),
    h("div", { class: "filters", role: "group", "aria-label": "Which jobs" },
      h("label", { for: "status", class: "unseen" }, "State"), choice("status", STATES, known.status, { onchange: (event) => narrow({ status: event.target.value }) }),
      h("label", { for: "kind", class: "unseen" }, "Kind"), choice("kind", [["", "all kinds"], ...Object.entries(JOBS)], known.name, { onchange: (event) => narrow({ name: event.target.value }) }),
      h("label", { for: "tag", class: "unseen" }, "Tag"), tag),
    place, more);
  ready();

  const rows = new Map(); // by token: the job as last told, and its row
  let cursor = null;
  const page = (from) => ask(`/api/jobs${query({ ...known, "page.size": SIZE, "page.cursor": from })}`, { signal });
  more.addEventListener("click", async () => {
    more.disabled = true;
    try {
      const { data } = await page(cursor);
      older.append(...data.jobs.map((job) => put(job)));
      cursor = data["page.cursor"];
      more.hidden = !cursor;
    } catch (error) {
      if (error.name !== "AbortError") place.append(trouble(error));
    }
    more.disabled = false;
  });

  // The feed tells within moments how far a job is, the list now and then everything else.
  let due = false;
  addEventListener("job", ({ detail: told }) => {
    const found = rows.get(told.token);
    if (!found || found.job.status !== told.status) return (due = true);
    put({ ...found.job, ...told.info, remaining: told.info.remaining });
    tell();
  }, { signal });
  numbers().catch(() => {});

  for (let tries = 0; ; ) {
    try {
      const { data } = await page();
      tries = 0;
      show(data);
      await patience(data.jobs.every(over) ? SLOW : FAST);
    } catch (error) {
      if (error.name === "AbortError" || error.status === 401) throw error;
      if (!rows.size || ++tries > 3) fill(place, trouble(error));
      await pause(error.pause ?? 3, signal);
    }
    await visible(signal);
  }

  async function patience(seconds) {
    due = false;
    for (let waited = 0; waited < seconds && !due; waited += 0.25) await pause(0.25, signal);
  }

  async function numbers() {
    for (;;) {
      const { data } = await ask("/api/figures?minutes=60&mine=true", { signal });
      const { since, step, items, failed } = data.past;
      past.show([items.map((_, at) => since + (at + 1) * step), items, failed]);
      await pause(10, signal);
      await visible(signal);
    }
  }

  function put(job) {
    const before = rows.get(job.token)?.row;
    const made = row(COLUMNS, cells(job));
    rows.set(job.token, { job, row: made });
    if (before?.isConnected) replace(before, made);
    return made;
  }

  function show(data) {
    const fresh = new Set(data.jobs.map((job) => job.token));
    const focused = document.activeElement?.getAttribute?.("href");
    fill(body, data.jobs.map((job) => put(job)));
    for (const line of older.children) if (fresh.has(tokenOf(line))) line.remove();
    if (focused) body.querySelector(`a[href="${focused}"]`)?.focus({ preventScroll: true });
    if (!older.children.length) {
      cursor = data["page.cursor"];
      more.hidden = !cursor;
    }
    if (!data.jobs.length) fill(place, nothing(known));
    else if (!place.contains(body)) fill(place, table("Jobs", COLUMNS, [body, older]));
    tell();
  }

  function tell() {
    const jobs = [...rows.values()].map(({ job }) => job);
    const running = jobs.filter((job) => job.status === "processing");
    const waiting = jobs.filter((job) => job.status === "queued");
    const left = [...running, ...waiting].reduce((sum, job) => sum + job.remaining, 0);
    fill(tiles, tile("running", running.length), tile("waiting", waiting.length), tile("items to go", left));
  }
}

const tokenOf = (line) => line.querySelector("a")?.getAttribute("href").slice("#/jobs/".length);
const tile = (term, number) => h("div", {}, h("dt", {}, term), h("dd", {}, count(number)));

function replace(before, made) {
  const focused = before.contains(document.activeElement);
  before.replaceWith(made);
  if (focused) made.querySelector("a")?.focus({ preventScroll: true });
}

const nothing = (known) =>
  Object.values(known).some(Boolean)
    ? empty(h("p", {}, "No job is like that."), h("p", {}, h("a", { href: "#/jobs" }, "Show all jobs")))
    : empty(h("p", {}, "No jobs yet."), h("p", {}, "Drop a file of operations, try it without storing anything, and run it."), h("p", {}, h("a", { class: "button main", href: "#/submit" }, "Submit a file")));
