// What a notice says, in words and where it leads: the same in the list and outside of it.

import { count, plural } from "./dom.js";
import { words } from "./progress.js";
import { jobName, short } from "./words.js";

export const REASONS = {
  gone: "its receiver answered that it is gone",
  unreachable: "its receiver did not take a delivery for days",
  secret_unreadable: "its secret cannot be read since the server's secret key was changed; rotate it, which enables the webhook again",
  by_owner: "you disabled it",
};

const jobAddress = (job, more = "") => `#/jobs/${job.token}${more}`;
const named = (job) => `${jobName(job)} ${short(job.token)}`;
const counts = (job) => words({ ...job, remaining: 0 });

const KINDS = {
  rejected: (job) => ({ text: `${named(job)} was not begun: ${job.error ?? job.info?.error?.code ?? "refused"}`, badge: "rejected", address: jobAddress(job) }),
  quarantined: (job) => ({
    text: `${named(job)}: ${plural(job.quarantined, "item")} put into quarantine after killing a worker three times`, badge: "failed",
    address: jobAddress(job, "?status=failed"),
  }),
  undone: (job) => ({ text: `${named(job)} took back ${plural(job.succeeded, "item")}${job.succeeded === job.total ? "" : ` of ${count(job.total)}`}`, badge: job.outcome, address: jobAddress(job) }),
  exported: (job) => ({ text: `${named(job)}: its files are ready`, badge: job.outcome, address: jobAddress(job) }),
  done: (job) => ({ text: `${named(job)}: ${counts(job)}`, badge: job.outcome, address: jobAddress(job) }),
};

// Gives { text, badge, address } of a notice, or of a job or webhook that the feed has told of.
export function told({ kind, job, webhook }) {
  if (!job) {
    const reason = REASONS[webhook.reason];
    const text = webhook.url ? `The webhook to ${webhook.url} was disabled: ${reason ?? webhook.reason}` : "A webhook was disabled";
    return { text, badge: "disabled", address: `#/webhooks/${webhook.id}` };
  }
  return KINDS[kind ?? (job.status === "rejected" ? "rejected" : "done")](job);
}
