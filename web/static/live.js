// A job's state as it changes: server-sent events, read by fetch because an EventSource cannot send a key; else asked for.

import { ask, authorization, pause, problemOf, visible } from "./api.js";

export const over = (job) => job.status === "done" || job.status === "rejected";

export async function follow(token, signal, onJob) {
  let last = null;
  const seen = (job) => {
    last = job;
    onJob(job);
  };
  let mark = "";
  while (!last || !over(last)) {
    await visible(signal);
    try {
      mark = await stream(token, mark, signal, seen);
      await pause(0.5, signal);
    } catch (error) {
      if (error.name === "AbortError") throw error;
      if (error.status && error.status !== 503 && error.status !== 429) throw error;
      await poll(token, signal, seen, error.pause ?? 2);
    }
  }
}

async function stream(token, mark, signal, seen) {
  const headers = { ...authorization(), Accept: "text/event-stream", ...(mark && { "Last-Event-ID": mark }) };
  const answer = await fetch(`/api/jobs/${token}/events`, { headers, signal, cache: "no-store", credentials: "omit" });
  if (answer.status === 204) return mark;
  if (!answer.ok) throw await problemOf(answer);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ""; ; ) {
    const { value, done } = await reader.read();
    if (done) return mark;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const event = Object.fromEntries(block.split("\n").map((line) => line.split(/: ?(.*)/s)));
      if (event.id) mark = event.id;
      if (event.data) seen(JSON.parse(event.data));
    }
  }
}

async function poll(token, signal, seen, seconds) {
  await pause(seconds, signal);
  const { data } = await ask(`/api/jobs/${token}`, { signal });
  seen(data);
}
