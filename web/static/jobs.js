// One's own jobs, newest first. While one of them runs, the first page is asked for again every two seconds.

import { ask, pause, query, visible } from "./api.js";
import { badge, empty, fill, h, head, loading, moment, row, table, trouble } from "./dom.js";
import { over } from "./live.js";
import { bar, state, words } from "./progress.js";

const COLUMNS = ["Job", "State", "Progress", "Sent"];
const STATES = ["", "queued", "processing", "done", "rejected"];
const SIZE = 25;
const NAMES = { bulk_classifications: "Operations" };

export const jobName = (job) => NAMES[job.job] ?? job.job.replace(/^bulk_/, "").replaceAll("_", " ");

function line(job) {
  const link = h("a", { href: `#/jobs/${job.token}` }, jobName(job), " ", h("code", {}, job.token.slice(0, 8)));
  return row(COLUMNS, [
    [link, job.parent && badge("retry", "calm")],
    state(job),
    h("div", { class: "far" }, bar(job), h("small", {}, words(job))),
    moment(job.created_on),
  ]);
}

export async function showJobs(main, { signal, query: asked, ready }) {
  const status = asked.get("status") ?? "";
  const choice = h("select", { id: "status", onchange: () => (location.hash = `#/jobs${query({ status: choice.value })}`) },
    STATES.map((word) => h("option", { value: word, selected: word === status }, word || "all")));
  const body = h("tbody");
  const older = h("tbody");
  const place = h("div", {}, loading("jobs"));
  const more = h("button", { type: "button", hidden: true }, "Older jobs");
  fill(main, head("Jobs", h("span", { class: "space" }), h("label", { for: "status" }, "State"), choice), place, more);
  ready();

  let cursor = null;
  const page = (from) => ask(`/api/jobs${query({ status, "page.size": SIZE, "page.cursor": from })}`, { signal });
  more.addEventListener("click", async () => {
    more.disabled = true;
    try {
      const { data } = await page(cursor);
      older.append(...data.jobs.map(line));
      cursor = data["page.cursor"];
      more.hidden = !cursor;
    } catch (error) {
      if (error.name !== "AbortError") place.append(trouble(error));
    }
    more.disabled = false;
  });

  for (let tries = 0; ; ) {
    try {
      const { data } = await page();
      tries = 0;
      show(data);
      await pause(data.jobs.every(over) ? 10 : 2, signal);
    } catch (error) {
      if (error.name === "AbortError" || error.status === 401) throw error;
      if (!body.children.length || ++tries > 3) fill(place, trouble(error));
      await pause(error.pause ?? 3, signal);
    }
    await visible(signal);
  }

  function show(data) {
    const focused = body.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    fill(body, data.jobs.map(line));
    if (focused) body.querySelector(`a[href="${focused}"]`)?.focus({ preventScroll: true });
    if (!older.children.length) {
      cursor = data["page.cursor"];
      more.hidden = !cursor;
    }
    if (!data.jobs.length) fill(place, nothing(status));
    else if (!place.contains(body)) fill(place, table("Jobs", COLUMNS, [body, older]));
  }
}

const nothing = (status) =>
  status
    ? empty(h("p", {}, `No job is ${status}.`))
    : empty(h("p", {}, "No jobs yet."), h("p", {}, h("a", { class: "button main", href: "#/submit" }, "Submit a file")));
