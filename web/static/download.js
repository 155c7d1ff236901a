// A job's outcomes as a file, made here out of the pages of the API.

import { ask, pause, query } from "./api.js";
import { count, fill, h, save, trouble } from "./dom.js";
import { short } from "./words.js";

const SIZE = 1_000;
const INPUTS = 100;
const COLUMNS = ["index", "line", "ref", "id", "status", "code", "pointer", "detail"];
const FORMATS = {
  csv: ["Outcomes as CSV", "text/csv"],
  ndjson: ["Outcomes as NDJSON", "application/x-ndjson"],
  failed: ["Failed items as sent (NDJSON)", "application/x-ndjson"],
  receipt: ["Receipt (signed)", "application/json"],
};
const ENDINGS = { csv: ".csv", ndjson: ".ndjson", failed: "-failed.ndjson", receipt: "-receipt.json" };
const ENDED = ["done", "rejected"];

export function downloads(job, status, signal) {
  const answer = h("p", { class: "hint", role: "status" });
  const items = Object.entries(FORMATS).filter(([name]) => offered(name, job)).map(([name, [text]]) =>
    h("button", { type: "button", onclick: (event) => run(name, event.target) }, text));
  async function run(name, button) {
    button.disabled = true;
    try {
      const parts = [];
      const make = { csv, ndjson, failed, receipt }[name];
      for await (const [text, number] of make(job, name === "failed" ? "failed" : status(), signal)) {
        parts.push(text);
        fill(answer, `${count(number)} items read …`);
      }
      save(`job-${short(job.token)}${ENDINGS[name]}`, parts, FORMATS[name][1]);
      fill(answer, "The file is saved.");
    } catch (error) {
      if (error.name !== "AbortError") fill(answer, trouble(error));
    }
    button.disabled = false;
  }
  return h("details", { class: "menu" }, h("summary", { class: "button" }, "Download"), h("div", { class: "menu-body" }, items, h("p", { class: "hint" }, "Outcomes: those that are chosen below, under Items."), answer));
}

const offered = (name, job) => (name !== "failed" || job.failed) && (name !== "receipt" || ENDED.includes(job.status));

// The server makes the receipt of a large job while it is asked for.
async function* receipt(job, status, signal) {
  for (;;) {
    const { data, pause: wait } = await ask(`/api/jobs/${job.token}/receipt`, { signal });
    if (data.receipt) {
      yield [`${JSON.stringify(data, null, 1)}\n`, job.total];
      return;
    }
    await pause(wait, signal);
  }
}

async function* pages(job, status, signal) {
  for (let cursor = null, read = 0; ; ) {
    const { data } = await ask(`/api/jobs/${job.token}/results${query({ status, "page.size": SIZE, "page.cursor": cursor })}`, { signal });
    read += data.results.length;
    yield [data.results, read];
    cursor = data["page.cursor"];
    if (!cursor || !data.results.length) return;
  }
}

async function* csv(job, status, signal) {
  yield [`${COLUMNS.join(",")}\r\n`, 0];
  for await (const [rows, read] of pages(job, status, signal)) {
    yield [rows.map((row) => COLUMNS.map((name) => cell(row[name] ?? row.error?.[name])).join(",") + "\r\n").join(""), read];
  }
}

async function* ndjson(job, status, signal) {
  for await (const [rows, read] of pages(job, status, signal)) yield [rows.map((row) => `${JSON.stringify(row)}\n`).join(""), read];
}

async function* failed(job, status, signal) {
  for await (const [rows, read] of pages(job, status, signal)) {
    for (let at = 0; at < rows.length; at += INPUTS) {
      const index = rows.slice(at, at + INPUTS).map((row) => row.index).join(",");
      const { data } = await ask(`/api/jobs/${job.token}/inputs?index=${index}`, { signal });
      yield [data.inputs.map((one) => `${one.text.replace(/\n/g, " ")}\n`).join(""), read - rows.length + at + data.inputs.length];
    }
  }
}

// A text that a spreadsheet would take for a formula gets an apostrophe before it.
export function cell(value) {
  if (value == null) return "";
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
