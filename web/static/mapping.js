// Columns of a table as evidence: which one is the record's id, which key each of the others fills, which are left out.

import { choice, field, fill, h, row, table } from "./dom.js";
import { shareChoices } from "./words.js";

const IDS = ["id", "lab_record_id", "record_id"];
const BESIDE = ["ref", "publish", "if_version"];
const PARTS = ["note", "explain"];
const COLUMNS = ["Column", "First values", "Becomes"];
const VERBS = [["upsert", "upsert: make it or overwrite it"], ["create", "create: only if it is new"], ["patch", "patch: change what is given"], ["overwrite", "overwrite: only if it is there"]];
const FAR = 4;

const canonical = (name) => name.toLowerCase().replace(/[^\p{L}\p{N}_:\s]/gu, " ").split(/\s+/).filter(Boolean).join("_");
const tail = (key) => key.slice(key.lastIndexOf(":") + 1);

// What a column's name says by itself: { target, near }, where `near` is a key of a similar name.
export function guess(name, keys) {
  if (BESIDE.includes(name)) return { target: name };
  const at = name.lastIndexOf(".");
  const part = PARTS.includes(name.slice(at + 1)) ? name.slice(at) : "";
  const wanted = canonical(part ? name.slice(0, at) : name);
  const found = keys.find((key) => key.key === wanted) ?? keys.find((key) => tail(key.key) === wanted) ?? keys.find((key) => canonical(key.label) === wanted);
  if (found) return { target: found.key + part };
  const near = keys.map((key) => [distance(wanted, tail(key.key)), key.key]).sort((a, b) => a[0] - b[0])[0];
  return { target: "", near: near && near[0] <= FAR && near[0] < wanted.length / 2 ? near[1] + part : null };
}

function distance(a, b) {
  if (Math.abs(a.length - b.length) > FAR) return FAR + 1;
  let before = [...Array(b.length + 1).keys()];
  for (let i = 1; i <= a.length; i++) {
    const now = [i];
    for (let j = 1; j <= b.length; j++) now[j] = Math.min(before[j] + 1, now[j - 1] + 1, before[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    before = now;
  }
  return before[b.length];
}

// The form of a mapping. `read()` gives what makes an operation of a row, or throws where something is missing.
export function mappingForm(header, samples, keys, labs, onChange) {
  const guesses = header.map((name) => guess(name.trim(), keys));
  const idAt = Math.max(0, header.findIndex((name) => IDS.includes(name.trim().toLowerCase())));
  const id = choice("map-id", header.map((name, at) => [String(at), name]), String(idAt), { onchange: () => show() });
  const lab = h("input", { id: "map-lab", list: "map-labs", placeholder: "organisation/lab", spellcheck: "false", onchange: () => onChange(read) });
  if (labs.length === 1) lab.value = labs[0];
  const verb = choice("map-verb", VERBS, "upsert", { onchange: () => onChange(read) });
  const publish = choice("map-publish", [["", "do not share"], ...shareChoices], "", { onchange: () => onChange(read) });
  const targets = header.map((name, at) =>
    h("input", { id: `map-${at}`, list: "map-keys", value: guesses[at].target, placeholder: "left out", spellcheck: "false", "aria-label": `Key for the column ${name}`, onchange: () => show() }));
  const body = h("tbody");
  const known = new Set([...keys.map((key) => key.key), ...BESIDE]);
  const fits = (target) => !target || known.has(target) || (PARTS.includes(target.split(".").pop()) && known.has(target.slice(0, target.lastIndexOf("."))));

  function show() {
    fill(body, header.map((name, at) => row(COLUMNS, [
      h("code", {}, name),
      samples.slice(0, 3).map((sample) => h("div", { class: "sample" }, sample[at] || "–")),
      at === Number(id.value) ? h("b", {}, "the record's id") : [targets[at], warning(at)],
    ])));
    onChange(read);
  }
  function warning(at) {
    if (!fits(targets[at].value.trim())) return h("p", { class: "warn" }, "There is no such key.");
    const { near } = guesses[at];
    if (targets[at].value || !near) return targets[at].value ? null : h("p", { class: "hint" }, "left out");
    return h("p", { class: "hint" }, "left out; ", h("button", { type: "button", class: "link", onclick: () => ((targets[at].value = near), show()) }, `use ${near}`));
  }
  const element = h("div", {},
    h("div", { class: "fields" },
      field("Record id", id), field("Lab of ids without one", lab), field("What to do", verb), field("Share with", publish)),
    h("datalist", { id: "map-keys" }, [...keys.map((key) => h("option", { value: key.key }, key.label)), ...BESIDE.map((name) => h("option", { value: name }))]),
    h("datalist", { id: "map-labs" }, labs.map((name) => h("option", { value: name }))),
    table("Mapping", COLUMNS, body));
  show();

  function read() {
    const wrong = targets.findIndex((target, at) => at !== Number(id.value) && !fits(target.value.trim()));
    if (wrong >= 0) throw new Error(`The column ${header[wrong]} is mapped to ${targets[wrong].value}, which is no evidence key.`);
    const places = targets.map((target, at) => (at === Number(id.value) ? "" : target.value.trim()));
    const prefix = lab.value.trim().replace(/\/+$/, "");
    return (cells) => operation(cells, { at: Number(id.value), places, prefix, verb: verb.value, publish: publish.value });
  }
  return { element, read };
}

function operation(cells, { at, places, prefix, verb, publish }) {
  const name = (cells[at] ?? "").trim();
  const made = { id: prefix && !name.includes("/") ? `${prefix}/${name}` : name };
  const evidence = {};
  places.forEach((target, place) => {
    const text = (cells[place] ?? "").trim();
    if (!target || !text) return;
    if (BESIDE.includes(target)) return (made[target] = target === "if_version" && !Number.isNaN(Number(text)) ? Number(text) : text);
    const part = PARTS.includes(target.split(".").pop()) ? target.split(".").pop() : "value";
    const key = part === "value" ? target : target.slice(0, -part.length - 1);
    evidence[key] = { ...evidence[key], [part]: text };
  });
  made[verb] = Object.fromEntries(Object.entries(evidence).map(([key, value]) => [key, Object.keys(value).join() === "value" ? value.value : value]));
  if (publish && !("publish" in made)) made.publish = publish;
  return made;
}
