// Records found by words and filters, a page at a time; chosen by clicking, for one operation on all of them.

import { ask, BULK_GET } from "./api.js";
import { basket } from "./basket.js";
import { recordActions } from "./bulk.js";
import { chips, filterOf } from "./chips.js";
import { badge, count, empty, fill, h, head, loading, row, say, table, trouble } from "./dom.js";
import { recordLink } from "./items.js";
import { keyList, shownValue } from "./keys.js";
import { level } from "./words.js";

const COLUMNS = ["", "Record", "Variant", "Gene", "Condition", "Significance", "Shared with"];
const SIZE = 25;
const GLANCED = 1_000; // records that a glance holds

function line(record, keys, picked) {
  const value = (name) => shownValue(keys.get(name), record.data?.[name]?.value);
  return row(COLUMNS, [
    picked.box(record.id, record.id),
    [recordLink(record.id), record.withdrawn && [" ", badge("withdrawn", "failed")]],
    h("span", { class: "variant" }, value("c_hgvs")), value("gene_symbol"), value("condition"), value("clinical_significance"), level(record.publish),
  ]);
}

export async function showRecords(main, { signal, query: asked, ready }) {
  const q = asked.get("q") ?? "";
  const filters = asked.getAll("f").map((text) => JSON.parse(text));
  const input = h("input", { id: "q", type: "search", value: q, placeholder: "BRCA1, \"cardiomyopathy\", NM_000277*" });
  const go = (words, conditions) => {
    const next = `#/records${address(words, conditions)}`;
    if (next === location.hash) load(true);
    else location.hash = next;
  };
  const everywhere = () => `#/records${address(q, filters) || "?all=true"}&everywhere=true`;
  const find = (event) => (event.preventDefault(), go(input.value.trim(), filters));
  const picked = basket(recordActions(signal));
  const body = h("tbody");
  const place = h("div", {}, loading("records"));
  const total = h("p", { class: "hint" });
  const more = h("button", { type: "button", hidden: true, onclick: () => load() }, "More records");
  const narrow = h("div");
  fill(main, head("Records"),
    h("form", { class: "search", role: "search", method: "post", onsubmit: find },
      h("label", { for: "q" }, "Search"), input, h("button", { class: "main" }, "Find"),
      h("p", { class: "hint" }, "Words, \"phrases\", beginnings*, +required, -excluded.")),
    narrow, total, place, more, picked.bar);
  ready();
  signal.addEventListener("abort", () => document.body.classList.remove("with-basket"), { once: true });
  const keys = await keyList(signal);
  fill(narrow, chips(filters, keys, (conditions) => go(input.value.trim(), conditions)));
  const filter = filterOf(filters);
  const search = { ...(q && { q }), ...(filter && { filter }) };
  const everything = !q && !filter;
  const glance = !asked.has("everywhere"); // else all of them are looked for, however long it takes
  let cursor = null;
  let partial = false; // there are more than the glance holds
  if (everything && !asked.has("all")) return fill(place, nowhere()); // a list of all may be long in the making
  await load(true);

  async function load(anew = false) {
    if (anew) cursor = null;
    more.disabled = true;
    try {
      const json = { selection: [{ search }], allow_all: everything, glance, "page.size": SIZE, "page.cursor": cursor };
      const { data } = await ask(BULK_GET, { method: "POST", json, signal });
      if (anew) body.replaceChildren();
      body.append(...data.result.records.map((name) => line(data.data.records[name], keys, picked)));
      cursor = data.result["page.cursor"];
      if (anew) partial = data.result["records.complete"] === false;
      show(data.result["records.size"], anew);
    } catch (error) {
      if (error.name === "AbortError" || error.status === 401) throw error;
      fill(place, trouble(error, () => load(true)));
    }
    more.disabled = false;
  }

  function show(size, anew) {
    const number = body.children.length;
    more.hidden = !cursor;
    fill(total, number || partial ? found(number, size, partial, everywhere()) : "");
    if (anew) say(`${partial ? "More than " : ""}${count(size)} records found.`);
    if (!number) fill(place, partial ? unsure(everywhere()) : nothing(everything));
    else if (!place.contains(body)) {
      const shown = table("Records", COLUMNS, body);
      fill(shown.querySelector("thead td"), picked.head);
      fill(place, h("div", { class: "scroll" }, shown));
    }
    if (anew) picked.searched({ size, everything, partial, selection: (exclude) => [{ search, ...(exclude.length && { exclude }) }] });
    else picked.show();
  }
}

const found = (number, size, partial, everywhere) =>
  partial ? [`${count(number)} of more than ${count(size)} shown. `, size < GLANCED && h("a", { href: everywhere }, "Look for all of them")] : `${count(number)} of ${count(size)} shown`;

const unsure = (everywhere) =>
  empty(h("p", {}, "A quick look has found no record."), h("p", {}, h("a", { class: "button main", href: everywhere }, "Look everywhere")), h("p", { class: "hint" }, "With this many records that may take a while."));

function address(q, filters) {
  const asked = new URLSearchParams([...(q ? [["q", q]] : []), ...filters.map((one) => ["f", JSON.stringify(one)])]);
  return asked.size ? `?${asked}` : "";
}

const nowhere = () =>
  empty(h("p", {}, "Say what to look for, by words or filters."), h("p", {}, h("a", { class: "button", href: "#/records?all=true" }, "Show all that you may read")));

const nothing = (everything) =>
  everything
    ? empty(h("p", {}, "There are no records that you may read."), h("p", {}, h("a", { class: "button main", href: "#/submit" }, "Submit a file")))
    : empty(h("p", {}, "No record matches."), h("p", {}, h("a", { href: "#/records?all=true" }, "Show all records")));
