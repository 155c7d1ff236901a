// A job's state as it changes: server-sent events, and asked for where there are none.

import { ask, pause, visible } from "./api.js";
import { events } from "./sse.js";

export const over = (job) => job.status === "done" || job.status === "rejected";

export async function follow(token, signal, onJob) {
  let last = null;
  let mark = "";
  const seen = (job) => onJob((last = job));
  while (!last || !over(last)) {
    await visible(signal);
    try {
      for await (const { id, data } of events(`/api/jobs/${token}/events`, { signal, after: mark })) {
        mark = id ?? mark;
        seen(data);
      }
      await pause(0.5, signal);
    } catch (error) {
      if (error.name === "AbortError") throw error;
      if (error.status && error.status !== 503 && error.status !== 429) throw error;
      await pause(error.pause ?? 2, signal);
      seen((await ask(`/api/jobs/${token}`, { signal })).data);
    }
  }
}
