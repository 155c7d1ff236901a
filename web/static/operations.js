// How the service does: what runs, how much is open and how old it is, and what was done in the last hours.

import { ask, pause, query, visible } from "./api.js";
import { badge, choice, count, empty, fill, h, head, moment, row, table, trouble } from "./dom.js";
import { plot } from "./plot.js";
import { span } from "./progress.js";

const PARTS = ["Part", "State", "Heard of", "Started", "About it"];
const SPANS = [["60", "the last hour"], ["360", "the last 6 hours"], ["1440", "the last 24 hours"]];
const NEEDED = ["web", "database", "worker", "dispatcher"];
const EVERY = 5;
const OLD = 60; // seconds an open chunk may wait before it is worth a look

export async function showOperations(main, { signal, query: asked, ready }) {
  const minutes = asked.get("minutes") ?? "60";
  const back = choice("minutes", SPANS, minutes, { onchange: (event) => (location.hash = `#/operations${query({ minutes: event.target.value })}`), "aria-label": "Look back" });
  const lamp = h("p", { class: "note", role: "status" }, "Looking …");
  const tiles = h("dl", { class: "tiles" });
  const parts = h("div");
  const rate = plot("Items a second", [{ label: "done", colour: "accent", fill: true }, { label: "failed", colour: "bad" }], signal, { unit: "a second" });
  const ended = plot("Jobs ended", [{ label: "ended", colour: "good", fill: true }], signal, { unit: "in a step" });
  const depth = plot("Jobs that wait", [{ label: "waiting", colour: "warm", fill: true }], signal);
  fill(main, head("Operations", h("div", { class: "actions" }, back)), lamp,
    h("section", { class: "card", "aria-label": "Open work" }, tiles),
    h("div", { class: "plots" }, [rate, ended, depth].map((one) => h("section", { class: "card" }, one.element))),
    h("h2", {}, "Parts"), parts);
  ready();
  for (;;) {
    try {
      const [{ data }, health] = await Promise.all([ask(`/api/figures${query({ minutes })}`, { signal }), readiness(signal)]);
      show(data, health);
    } catch (error) {
      if (error.name === "AbortError" || error.status === 401) throw error;
      lamp.className = "note";
      fill(lamp, trouble(error));
    }
    await pause(EVERY, signal);
    await visible(signal);
  }

  function show({ past, open, parts: alive }, health) {
    const { since, step } = past;
    const times = past.items.map((_, at) => since + (at + 1) * step);
    rate.show([times, past.items, past.failed]);
    ended.show([times, past.finished]);
    depth.show([times, past.waiting]);
    const missing = NEEDED.filter((name) => !health[name]);
    lamp.className = missing.length ? "note bad" : "note good";
    fill(lamp, h("b", {}, missing.length ? `Not heard of: ${missing.join(", ")}.` : "All parts are there."),
      missing.length ? " Work that is sent waits, and is done when they are back." : " Work that is sent is done.");
    fill(tiles, numbers(open, alive));
    fill(parts, alive.length ? table("Parts", PARTS, h("tbody", {}, alive.map((part) => row(PARTS, cells(part))))) : empty("No worker and no dispatcher has been heard of lately."));
  }
}

// /health/ready answers 503 with the same members where something is missing.
async function readiness(signal) {
  const answer = await fetch("/health/ready", { cache: "no-store", credentials: "omit", signal });
  return (await answer.json()).parts ?? {};
}

function numbers(open, alive) {
  const sum = (rows, status) => rows.filter((one) => !status || one.status === status).reduce((total, one) => total + one.count, 0);
  const slots = alive.reduce((total, part) => total + (part.info.slots ?? 0), 0);
  const tile = (term, value, bad) => h("div", { class: bad ? "alarm" : "" }, h("dt", {}, term), h("dd", {}, value));
  return [
    tile("jobs running", count(sum(open.jobs, "processing"))),
    tile("jobs waiting", count(sum(open.jobs, "queued"))),
    tile("items to go", count(sum(open.items))),
    tile("chunks open", count(open.chunks.open ?? 0)),
    tile("chunks at work, of places", `${count(open.chunks.claimed ?? 0)} / ${count(slots)}`),
    tile("oldest open chunk", span(open.oldest_chunk), open.oldest_chunk > OLD),
    tile("longest silence of a job", span(open.longest_silence), open.longest_silence > OLD),
    tile("attempts at open chunks", count(open.attempts)),
  ];
}

const cells = (part) => [
  [h("b", {}, part.role), " ", h("code", {}, part.name.split("@")[1])],
  part.seconds_ago < 10 ? badge("alive", "succeeded") : badge("quiet", "queued"),
  `${span(part.seconds_ago)} ago`, moment(part.started_on),
  Object.entries(part.info).map(([name, value]) => `${name}: ${value}`).join(", ") || "–",
];
