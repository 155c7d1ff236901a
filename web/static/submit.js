// A file of operations: shown in part, sent as it is, and then followed as a job.

import { ask, authorization, freshKey, Problem, RECORDS } from "./api.js";
import { count, fill, h, head, say, trouble } from "./dom.js";

const TYPES = { ndjson: "application/x-ndjson", jsonl: "application/x-ndjson", json: "application/json" };
const SHOWN = 5;
const SAMPLE = 65536;

export async function showSubmit(main, { signal, ready }) {
  const input = h("input", { id: "file", type: "file", accept: ".ndjson,.jsonl,.json,.gz", onchange: () => choose(input.files[0]) });
  const zone = h("div", { class: "drop" },
    h("label", { for: "file" }, h("b", {}, "Drop a file here"), " or choose one"), input,
    h("p", { class: "hint" }, "One operation a line (.ndjson, .jsonl) or a JSON document (.json), plain or as .gz"));
  const place = h("div");
  fill(main, head("Submit"), zone, place, h("p", { id: "limits", class: "hint" }));
  ready();
  drops(zone, choose);
  showLimits(signal);

  async function choose(file) {
    if (!file) return;
    const kind = kindOf(file.name);
    const lines = await sample(file, kind).catch(() => null);
    if (!signal.aborted) fill(place, chosen(file, kind, lines, signal));
  }
}

async function showLimits(signal) {
  const { data } = await ask("/api/limits", { signal }).catch(() => ({}));
  const place = document.getElementById("limits");
  if (data && place) fill(place, `At most ${count(data.operations)} operations and ${count(Math.round(data.body_bytes / 2 ** 20))} MiB, unpacked, in one file.`);
}

function drops(zone, choose) {
  const over = (event) => (event.preventDefault(), zone.classList.add("over"));
  const out = (event) => (event.preventDefault(), zone.classList.remove("over"));
  zone.addEventListener("dragenter", over);
  zone.addEventListener("dragover", over);
  zone.addEventListener("dragleave", out);
  zone.addEventListener("drop", (event) => (out(event), choose(event.dataTransfer.files[0])));
}

function kindOf(name) {
  const packed = /\.gz$/i.test(name);
  const ending = name.replace(/\.gz$/i, "").split(".").pop().toLowerCase();
  return { packed, type: TYPES[ending] ?? TYPES.ndjson, lines: ending !== "json" };
}

// The first lines, read from the file's beginning, unpacked where the browser can.
async function sample(file, { packed, lines }) {
  if (!lines) return null;
  let stream = file.slice(0, SAMPLE).stream();
  if (packed) stream = stream.pipeThrough(new DecompressionStream("gzip"));
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    while (text.length < SAMPLE) {
      const { value, done } = await reader.read();
      if (done) break;
      text += value;
    }
  } catch {
    // the end of the piece that was read: what came before it is shown
  }
  return text.split("\n").filter((line) => line.trim()).slice(0, SHOWN);
}

function chosen(file, kind, lines, signal) {
  const far = h("progress", { max: 1, value: 0, "aria-label": "Upload", hidden: true });
  const answer = h("div");
  const name = freshKey(); // the same for every try with this file: a repeat is never a second job
  const button = h("button", { type: "button", class: "main", onclick: () => start() }, "Send");
  const start = async () => {
    button.disabled = true;
    far.hidden = false;
    answer.replaceChildren();
    try {
      const token = await upload(file, kind, name, far, signal);
      say("The file is stored.");
      location.hash = `#/jobs/${token}`;
    } catch (error) {
      if (error.name === "AbortError") return;
      button.disabled = false;
      far.hidden = true;
      fill(answer, trouble(error));
    }
  };
  return h("section", { class: "card", "aria-label": "Chosen file" },
    h("h2", {}, file.name),
    h("p", { class: "hint" }, `${count(file.size)} bytes, ${kind.type}${kind.packed ? ", gzip" : ""}`),
    lines && h("pre", { tabindex: "0", "aria-label": "First lines" }, lines.map((line) => line.slice(0, 300)).join("\n")),
    far, answer, button);
}

// By XMLHttpRequest, since fetch does not tell how much has gone out.
function upload(file, { type, packed }, name, far, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", RECORDS);
    const headers = { ...authorization(), "Content-Type": type, Prefer: "respond-async", "Idempotency-Key": `"${name}"` };
    if (packed) headers["Content-Encoding"] = "gzip";
    for (const [header, value] of Object.entries(headers)) request.setRequestHeader(header, value);
    request.responseType = "json";
    request.upload.onprogress = (event) => (far.value = event.loaded / event.total);
    request.upload.onload = () => far.removeAttribute("value");
    request.onerror = () => reject(Object.assign(new Error("The server cannot be reached just now; sending again is safe."), { title: "No answer." }));
    request.onabort = () => reject(new DOMException("stopped", "AbortError"));
    request.onload = () => {
      const body = request.response ?? {};
      const token = body["job.token"] ?? body.result?.["job.token"];
      if (request.status < 300 && token) return resolve(token);
      if (request.status < 300) return reject(new Error("There is no operation in this file."));
      reject(new Problem(request.status, body));
    };
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(file);
  });
}
