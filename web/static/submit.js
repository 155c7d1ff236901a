// A file on its way in: looked at, tried without storing anything, and only then run.

import { ask, freshKey } from "./api.js";
import { bytes, count, fill, h, head, plural, row, say, table, trouble } from "./dom.js";
import { keyList } from "./keys.js";
import { mappingForm } from "./mapping.js";
import { getJob, jobPanel } from "./panel.js";
import { kindOf, look, operationsOf, upload } from "./upload.js";

const PREVIEW = ["Record", "What", "Evidence", "Shared with"];
const VERBS = ["create", "patch", "patch-empty", "overwrite", "upsert", "data"];

export async function showSubmit(main, { signal, ready }) {
  const input = h("input", { id: "file", type: "file", accept: ".ndjson,.jsonl,.json,.csv,.tsv,.gz", onchange: () => choose(input.files[0]) });
  const zone = h("div", { class: "drop" },
    h("label", { for: "file" }, h("b", {}, "Drop a file here"), " or choose one"), input,
    h("p", { class: "hint" }, "One operation a line (.ndjson), a JSON document (.json), or a table (.csv, .tsv); plain or as .gz"));
  const place = h("div");
  const limits = h("p", { class: "hint" });
  fill(main, head("Submit"), zone, place, limits);
  ready();
  drops(zone, choose);
  ask("/api/limits", { signal }).then(({ data }) =>
    fill(limits, `At most ${count(data.operations)} operations and ${bytes(data.body_bytes)}, unpacked, in one file.`)).catch(() => {});

  let chosen = new AbortController();
  async function choose(file) {
    if (!file) return;
    chosen.abort();
    chosen = new AbortController();
    signal.addEventListener("abort", () => chosen.abort(), { signal: chosen.signal });
    try {
      await show(place, file, chosen.signal);
    } catch (error) {
      if (error.name !== "AbortError") fill(place, trouble(error));
    }
  }
}

function drops(zone, choose) {
  const over = (event) => (event.preventDefault(), zone.classList.add("over"));
  const out = (event) => (event.preventDefault(), zone.classList.remove("over"));
  zone.addEventListener("dragenter", over);
  zone.addEventListener("dragover", over);
  zone.addEventListener("dragleave", out);
  zone.addEventListener("drop", (event) => (out(event), choose(event.dataTransfer.files[0])));
}

async function show(place, file, signal) {
  const kind = kindOf(file.name);
  const found = await look(file, kind);
  const tags = h("input", { id: "tags", placeholder: "none", spellcheck: "false" });
  const far = h("progress", { max: 1, value: 0, "aria-label": "Upload", hidden: true });
  const steps = h("div", { class: "head" });
  const after = h("div");
  let tried = false;
  let names = {}; // of what is sent, by dry or not: the same again is the same request
  const mapping = kind.table ? await mapped(found) : null;
  const buttons = () => fill(steps, button("Dry run", true), button("Run", false));
  const button = (text, dry) => {
    const made = h("button", { type: "button", class: dry === tried ? "" : "main", onclick: () => start(dry, made) }, text);
    return made;
  };
  fill(place,
    h("section", { class: "card", "aria-label": "Chosen file" },
      h("h2", {}, file.name, " ", h("small", {}, `${bytes(file.size)}, ${kind.word}${kind.packed ? ", gzip" : ""}`)),
      found.note && h("p", { class: "note bad" }, found.note),
      mapping ? [h("h3", {}, "Columns"), mapping.element, h("h3", {}, "First operations"), mapping.preview] : preview(found.operations, found.text),
      h("p", { class: "hint" }, "A dry run does everything but store: it tells which operations would fail, and why."),
      far, steps),
    after);
  buttons();
  place.querySelector("h2").scrollIntoView({ block: "nearest" });

  async function start(dry, made) {
    const all = [...steps.children];
    all.forEach((one) => (one.disabled = true));
    far.hidden = false;
    fill(after);
    try {
      const body = mapping ? await operationsOf(file, kind, found.separator, mapping.read()) : file;
      const token = await upload(body, { ...kind, packed: kind.packed && !mapping, type: mapping ? "application/x-ndjson" : kind.type }, { dry, name: (names[dry] ??= freshKey()), far, signal });
      say(dry ? "The dry run has begun." : "The file is stored.");
      if (!dry) return (location.hash = `#/jobs/${token}`);
      names = {};
      await watch(token);
      tried = true;
      buttons();
      steps.lastChild.focus();
    } catch (error) {
      if (error.name === "AbortError") return;
      fill(after, trouble(error));
    } finally {
      far.hidden = true;
      all.forEach((one) => (one.disabled = false));
    }
  }

  async function watch(token) {
    const panel = jobPanel(await getJob(token, signal), signal, { links: false });
    const verdict = h("p", { class: "note", role: "status" }, "Trying …");
    fill(after, h("h2", {}, "Dry run"), verdict, panel.element);
    const job = await panel.run();
    const good = job.total - job.failed - job.skipped - job.cancelled;
    verdict.className = job.failed ? "note bad" : "note good";
    fill(verdict, job.failed ? `${plural(job.failed, "operation")} of ${count(job.total)} would fail; the other ${count(good)} would be carried out. ` : `All ${plural(job.total, "operation")} would be carried out. `,
      "Nothing was stored. ", h("a", { href: `#/jobs/${token}` }, "Look at each item"));
  }

  async function mapped({ rows }) {
    const keys = [...(await keyList(signal)).values()];
    const shown = h("div");
    const form = mappingForm(rows[0], rows.slice(1), keys, [], (read) => {
      names = {};
      try {
        fill(shown, preview(rows.slice(1, 4).map(read())));
      } catch (error) {
        fill(shown, h("p", { class: "note bad" }, error.message));
      }
    });
    return { ...form, preview: shown };
  }
}

function preview(operations, text) {
  if (!operations?.length) return text ? h("pre", { tabindex: "0", "aria-label": "Beginning of the file" }, text) : null;
  return table("First operations", PREVIEW, h("tbody", {}, operations.map((one) => row(PREVIEW, cells(one)))));
}

function cells(one) {
  const id = typeof one?.id === "object" && one.id ? `${one.id.lab_id ?? ""}/${one.id.lab_record_id ?? ""}` : one?.id;
  const verb = VERBS.find((name) => one?.[name]);
  const names = Object.keys(one?.[verb] ?? {});
  return [
    h("code", {}, id ?? "no id"),
    [verb, one?.delete && "delete"].filter(Boolean).join(", ") || "nothing",
    names.length ? h("details", {}, h("summary", {}, plural(names.length, "key")), h("pre", { tabindex: "0" }, JSON.stringify(one[verb], null, 2))) : "–",
    one?.publish ?? "–",
  ];
}
