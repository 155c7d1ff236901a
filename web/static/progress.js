// How far a job is: a bar in parts, the same in words, and the words for its state.

import { badge, count, h, plural } from "./dom.js";
import { over } from "./live.js";

export const PARTS = ["succeeded", "noop", "failed", "skipped", "cancelled"];
export const WORDS = { succeeded: "succeeded", noop: "unchanged", failed: "failed", skipped: "skipped", cancelled: "cancelled" };

export const state = (job) => badge(job.outcome ?? job.status, job.outcome ?? job.status);

export function bar(job) {
  const done = job.total - job.remaining;
  const filled = h("span", { class: "bars" }, PARTS.filter((name) => job[name]).map((name) => {
    const part = h("i", { class: name });
    part.style.flexGrow = job[name]; // set by the object model, which the content policy allows
    return part;
  }));
  filled.style.width = job.total ? `${(100 * done) / job.total}%` : over(job) ? "100%" : "0";
  const label = `${count(done)} of ${plural(job.total, "item")} done, ${count(job.failed)} failed`;
  return h("span", { class: "progress", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": job.total, "aria-valuenow": done, "aria-label": label }, filled);
}

export function words(job) {
  const told = PARTS.filter((name) => job[name]).map((name) => `${count(job[name])} ${WORDS[name]}`);
  if (!over(job)) told.push(`${count(job.remaining)} to go`);
  return told.join(" · ") || "nothing to do";
}

// Items a second since the job began, and the time that is left at this pace.
export function pace(job) {
  if (!job.started_on) return job.queue_position ? `waits as number ${job.queue_position}` : "";
  const end = job.finished_on ? new Date(job.finished_on) : Date.now();
  const seconds = Math.max((end - new Date(job.started_on)) / 1000, 0.001);
  const rate = (job.total - job.remaining) / seconds;
  if (over(job)) return `${span(seconds)}, ${count(Math.round(rate))} a second`;
  return rate && seconds > 1 ? `${count(Math.round(rate))} a second, about ${span(job.remaining / rate)} left` : "";
}

const span = (seconds) =>
  seconds < 10 ? `${seconds.toFixed(1)} s` : seconds < 120 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
