// What is to be seen of a job wherever it is followed: its counts as they change, how fast it goes, and what went wrong.

import { ask, query } from "./api.js";
import { digestView } from "./digest.js";
import { count, fill, h, moment, say } from "./dom.js";
import { follow, over } from "./live.js";
import { plot } from "./plot.js";
import { bar, done, pace, PARTS, state, words, WORDS } from "./progress.js";

const LEAST_STEP = 0.5; // seconds between two points of the plot
const DIGEST_PAUSE = 3_000;

export function jobPanel(first, signal, { onJob = () => {}, links = true } = {}) {
  const summary = h("section", { class: "card", "aria-label": "Progress" });
  const speed = h("div", { hidden: true });
  const digest = digestView(first.token, signal);
  const element = h("div", {}, summary, digest.element, speed);
  const pointed = points(speed, signal);
  let before = null;
  let looked = 0;

  function show(job) {
    fill(summary, facts(job, links));
    pointed(job);
    const ended = over(job) && (!before || !over(before));
    const failing = job.failed && Date.now() - looked > DIGEST_PAUSE;
    if ((ended || failing) && !job.purged_on && job.total) {
      looked = Date.now();
      digest.load().catch(() => {}); // the items below tell the same, one by one
    }
    if (before && ended) say(`The job is ${job.outcome ?? job.status}: ${words(job)}.`);
    before = job;
    onJob(job);
  }
  async function run() {
    show(first);
    if (!over(first)) await follow(first.token, signal, show);
    return before;
  }
  return { element, run };
}

export const getJob = async (token, signal) => (await ask(`/api/jobs/${encodeURIComponent(token)}`, { signal })).data;

// Items a second between what was told and what was told before.
function points(place, signal) {
  const seen = { times: [], rates: [], last: null, chart: null };
  return (job) => {
    const now = { time: new Date(job.updated_on) / 1000, items: done(job) };
    if (over(job) && !seen.times.length) return;
    if (seen.last && now.time - seen.last.time >= LEAST_STEP) {
      seen.times.push(now.time);
      seen.rates.push((now.items - seen.last.items) / (now.time - seen.last.time));
    }
    if (!seen.last || now.time - seen.last.time >= LEAST_STEP) seen.last = now;
    if (seen.times.length < 3) return;
    if (!seen.chart) {
      seen.chart = plot("Items a second", [{ label: "done", colour: "accent", fill: true }], signal, { unit: "a second" });
      fill(place, h("section", { class: "card", "aria-label": "Speed" }, seen.chart.element));
      place.hidden = false;
    }
    seen.chart.show([seen.times, seen.rates]);
  };
}

function facts(job, links) {
  const fact = (term, ...value) => h("div", {}, h("dt", {}, term), h("dd", {}, value));
  const numbers = PARTS.filter((name) => job[name] || name === "succeeded" || name === "failed");
  const link = (name) => (job[name] && links ? h("a", { href: `#/jobs/${job.token}${query({ status: name })}` }, count(job[name])) : count(job[name]));
  const error = job.info?.error;
  return [
    h("p", { class: "far" }, state(job), " ", h("b", {}, words(job)), job.stalled && !over(job) && h("em", {}, " · no progress for a while"), h("small", {}, pace(job))),
    bar(job),
    error && h("p", { class: "note bad" }, h("b", {}, error.code), " ", error.detail, error.pointer && h("code", {}, ` ${error.pointer}`)),
    h("dl", { class: "facts" },
      fact("items", count(job.total)),
      numbers.map((name) => fact(WORDS[name], link(name))),
      fact("sent", moment(job.created_on)),
      fact("ended", moment(job.finished_on)),
      job.parent && fact(job.job === "undo" ? "takes back" : "retry of", h("a", { href: `#/jobs/${job.parent}` }, h("code", {}, job.parent.slice(0, 8)))),
      job.tags.length ? fact("tags", job.tags.join(", ")) : null,
      links && fact("token", h("code", { class: "token" }, job.token))),
  ];
}
