// One stream a tab with all that happens to the reader's jobs and webhooks, told on as `job` and `webhook` events of the window.
// It is closed while nobody looks, unless the reader wants to be told outside of the tab.

import { ask, pause } from "./api.js";
import { tells } from "./bell.js";
import { events } from "./sse.js";

const LONGEST_PAUSE = 30;

export async function listen(signal) {
  let mark = null;
  for (let tries = 0; !signal.aborted; ) {
    await shown(signal);
    try {
      mark ??= `${(await ask("/sync/cursors", { signal })).data.result["cc.cursor"]}-0`;
      for await (const { id, data } of events(`/sync/events?cc_cursor=${mark.split("-")[0]}`, { signal: whileShown(signal), after: mark })) {
        mark = id;
        tries = 0;
        if (data.data_type === "jobs" && data.data) dispatchEvent(new CustomEvent("job", { detail: { token: data.data_key, ...data.data } }));
        if (data.data_type === "webhooks") dispatchEvent(new CustomEvent("webhook", { detail: { id: data.data_key } }));
      }
      await pause(0.5, signal);
    } catch (error) {
      if (signal.aborted || error.status === 401) return;
      if (error.status === 410) mark = null;
      if (error.name !== "AbortError") await pause(Math.min(2 ** tries++, LONGEST_PAUSE), signal).catch(() => {});
    }
  }
}

const shown = (signal) =>
  new Promise((resolve) => {
    const wanted = () => !document.hidden || tells();
    if (wanted() || signal.aborted) return resolve();
    const look = () => wanted() && resolve();
    document.addEventListener("visibilitychange", look, { signal });
    signal.addEventListener("abort", resolve, { once: true });
  });

// A signal of its own for each stream, so that hiding the tab ends the stream and not the listening.
function whileShown(signal) {
  const own = new AbortController();
  signal.addEventListener("abort", () => own.abort(), { once: true, signal: own.signal });
  document.addEventListener("visibilitychange", () => document.hidden && !tells() && own.abort(), { signal: own.signal });
  return own.signal;
}
