// Files as the API takes them: of which kind they are, what they begin with, and sending them.

import { authorization, BULK, Problem, RECORDS } from "./api.js";
import { rowsOf, separatorOf, textOf } from "./csv.js";

const KINDS = {
  ndjson: { type: "application/x-ndjson", word: "one operation a line" },
  jsonl: { type: "application/x-ndjson", word: "one operation a line" },
  json: { type: "application/json", word: "JSON document" },
  csv: { type: "text/csv", word: "table", table: true },
  tsv: { type: "text/csv", word: "table", table: true },
};
const SHOWN = 4;
const SAMPLE = 1 << 16;
const PIECE = 2_000;

export function kindOf(name) {
  const packed = /\.gz$/i.test(name);
  const ending = name.replace(/\.gz$/i, "").split(".").pop().toLowerCase();
  return { packed, ...(KINDS[ending] ?? KINDS.ndjson) };
}

// The beginning of a file: rows of a table, operations of lines, or the text as it is.
export async function look(file, kind) {
  const text = await beginning(file, kind.packed);
  if (kind.table) {
    const separator = separatorOf(text);
    const rows = [];
    for await (const { cells } of rowsOf(file, kind.packed, separator)) if (rows.push(cells) > SHOWN) break;
    if (rows.length < 2) throw new Error("This table has no rows below its first line, which names the columns.");
    return { separator, rows };
  }
  if (kind.type === KINDS.json.type) return { text: text.slice(0, 2_000) };
  const lines = text.split("\n").filter((line) => line.trim()).slice(0, SHOWN);
  try {
    return { operations: lines.map((line) => JSON.parse(line)) };
  } catch {
    return { text: lines.join("\n").slice(0, 2_000), note: "The first lines are not JSON, one operation each. Sending this file will be refused." };
  }
}

async function beginning(file, packed) {
  const source = textOf(file, packed).getReader();
  let text = "";
  try {
    while (text.length < SAMPLE) {
      const { value, done } = await source.read();
      if (done) break;
      text += value;
    }
  } finally {
    source.cancel().catch(() => {});
  }
  return text;
}

// A table as lines of operations. Lines that hold none stay empty, so that line numbers are those of the table.
export async function operationsOf(file, kind, separator, read) {
  const parts = [];
  let piece = [];
  let next = 1;
  let width = 0;
  for await (const { cells, line } of rowsOf(file, kind.packed, separator)) {
    if (!width) {
      width = cells.length;
      continue;
    }
    if (!cells.some((cell) => cell.trim())) continue;
    if (cells.length !== width) throw new Error(`Line ${line} has ${cells.length} columns, the first line ${width}.`);
    piece.push("\n".repeat(line - next), JSON.stringify(read(cells)));
    next = line;
    if (piece.length > PIECE) parts.push(piece.join("")), (piece = []);
  }
  return new Blob([...parts, ...piece]);
}

// By XMLHttpRequest, since fetch does not tell how much has gone out. `name` is the same for every try, so that a repeat is no second job.
export function upload(body, { type, packed }, { dry, name, far, signal }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", dry ? `${BULK}validate` : RECORDS);
    const headers = { ...authorization(), "Content-Type": type, Prefer: "respond-async", "Idempotency-Key": `"${name}"` };
    if (packed) headers["Content-Encoding"] = "gzip";
    for (const [header, value] of Object.entries(headers)) request.setRequestHeader(header, value);
    request.responseType = "json";
    request.upload.onprogress = (event) => (far.value = event.loaded / event.total);
    request.upload.onload = () => far.removeAttribute("value");
    request.onerror = () => reject(Object.assign(new Error("The server cannot be reached just now; try again."), { title: "No answer." }));
    request.onabort = () => reject(new DOMException("stopped", "AbortError"));
    request.onload = () => {
      const answer = request.response ?? {};
      const token = answer["job.token"] ?? answer.result?.["job.token"];
      if (request.status < 300 && token) return resolve(token);
      if (request.status < 300) return reject(new Error("There is no operation in this file."));
      reject(new Problem(request.status, answer));
    };
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(body);
  });
}
