// How far a job is: a bar in parts, the same in words, and the words for its state.

import { badge, count, h, plural } from "./dom.js";
import { over } from "./live.js";

export const PARTS = ["succeeded", "noop", "failed", "skipped", "cancelled", "rolled_back"];
export const WORDS = {
  succeeded: "succeeded", noop: "unchanged", failed: "failed", skipped: "skipped", cancelled: "cancelled", rolled_back: "rolled back",
};
const held = (job) => !over(job) && job.pause_requested && (job.paused ? "paused" : "pausing");
export const done = (job) => job.total - job.remaining;

export const state = (job) =>
  held(job) ? badge(held(job), "queued")
    : job.queue_position ? badge(`waits, number ${job.queue_position}`, "queued") : badge(job.outcome ?? job.status, job.outcome ?? job.status);

export function bar(job) {
  const known = PARTS.reduce((sum, name) => sum + (job[name] ?? 0), 0);
  const parts = PARTS.filter((name) => job[name]).map((name) => [name, job[name]]);
  if (done(job) > known) parts.push(["going", done(job) - known]); // what the feed has told of, whose outcomes come a little later
  const filled = h("span", { class: "bars" }, parts.map(([name, size]) => {
    const part = h("i", { class: name });
    part.style.flexGrow = size; // set by the object model, which the content policy allows
    return part;
  }));
  filled.style.width = job.total ? `${(100 * done(job)) / job.total}%` : over(job) ? "100%" : "0";
  const label = `${count(done(job))} of ${plural(job.total, "item")} done, ${count(job.failed ?? 0)} failed`;
  return h("span", { class: "progress", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": job.total, "aria-valuenow": done(job), "aria-label": label }, filled);
}

export function words(job) {
  const told = PARTS.filter((name) => job[name]).map((name) => `${count(job[name])} ${WORDS[name]}`);
  if (!over(job)) told.push(`${count(job.remaining)} to go`);
  return told.join(" · ") || (job.status === "rejected" ? "was not begun" : "nothing to do");
}

// Items a second since the job began, and the time that is left at this pace.
export function pace(job) {
  if (!job.started_on) return "";
  const end = job.finished_on ? new Date(job.finished_on) : Date.now();
  const seconds = Math.max((end - new Date(job.started_on)) / 1000, 0.001);
  const rate = done(job) / seconds;
  if (over(job)) return `${span(seconds)}, ${count(Math.round(rate))} a second`;
  if (held(job)) return "goes on when it is resumed";
  if (job.pace) return `at most ${count(job.pace)} a second, about ${span(job.remaining / job.pace)} left`;
  return rate && seconds > 1 ? `${count(Math.round(rate))} a second, about ${span(job.remaining / rate)} left` : "";
}

export const span = (seconds) =>
  seconds < 10 ? `${seconds.toFixed(1)} s` : seconds < 120 ? `${Math.round(seconds)} s`
    : seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
