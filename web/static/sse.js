// Server-sent events read by fetch: an EventSource cannot send a key.

import { authorization, problemOf } from "./api.js";

// Gives { id, event, data } as they come; ends with the stream. Throws a Problem where the server refuses.
export async function* events(path, { signal, after } = {}) {
  const headers = { ...authorization(), Accept: "text/event-stream", ...(after && { "Last-Event-ID": after }) };
  const answer = await fetch(path, { headers, signal, cache: "no-store", credentials: "omit" });
  if (answer.status === 204) return;
  if (!answer.ok) throw await problemOf(answer);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ""; ; ) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const event = Object.fromEntries(block.split("\n").map((line) => line.split(/: ?(.*)/s)));
      if (event.data) yield { ...event, data: JSON.parse(event.data) };
    }
  }
}
