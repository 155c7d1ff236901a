// A search over records, a page at a time.

import { ask, BULK_GET, query } from "./api.js";
import { badge, count, empty, fill, h, head, loading, row, say, table, trouble } from "./dom.js";
import { recordLink } from "./items.js";
import { keyList, shownValue } from "./keys.js";

const COLUMNS = ["Record", "Variant", "Gene", "Condition", "Significance", "Shared"];
const SIZE = 25;

function line(record, keys) {
  const value = (name) => shownValue(keys.get(name), record.data?.[name]?.value);
  return row(COLUMNS, [
    [recordLink(record.id), record.withdrawn && [" ", badge("withdrawn", "failed")]],
    value("c_hgvs"), value("gene_symbol"), value("condition"), value("clinical_significance"), record.publish.replaceAll("_", " "),
  ]);
}

export async function showRecords(main, { signal, query: asked, ready }) {
  const q = asked.get("q") ?? "";
  const input = h("input", { id: "q", type: "search", value: q, placeholder: "BRCA1, \"cardiomyopathy\", NM_000277*" });
  const find = (event) => {
    event.preventDefault();
    const next = `#/records${query({ q: input.value.trim() })}`;
    if (next === location.hash) load(true);
    else location.hash = next;
  };
  const body = h("tbody");
  const place = h("div", {}, loading("records"));
  const total = h("p", { class: "hint" });
  const more = h("button", { type: "button", hidden: true, onclick: () => load() }, "More records");
  fill(main, head("Records"),
    h("form", { class: "search", role: "search", method: "post", onsubmit: find },
      h("label", { for: "q" }, "Search"), input, h("button", { class: "main" }, "Find"),
      h("p", { class: "hint" }, "Words, \"phrases\", beginnings*, +required, -excluded. Empty for all records that you may read.")),
    total, place, more);
  ready();
  const keys = await keyList(signal);
  let cursor = null;
  await load(true);

  async function load(anew = false) {
    if (anew) cursor = null;
    more.disabled = true;
    try {
      const json = { selection: [{ search: q ? { q } : {} }], allow_all: !q, "page.size": SIZE, "page.cursor": cursor };
      const { data } = await ask(BULK_GET, { method: "POST", json, signal });
      if (anew) body.replaceChildren();
      body.append(...data.result.records.map((name) => line(data.data.records[name], keys)));
      cursor = data.result["page.cursor"];
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
    fill(total, number ? `${count(number)} of ${count(size)} shown` : "");
    if (anew) say(`${count(size)} records found.`);
    if (!number) fill(place, empty(h("p", {}, q ? "No record matches." : "There are no records that you may read.")));
    else if (!place.contains(body)) fill(place, h("div", { class: "scroll" }, table("Records", COLUMNS, body)));
  }
}
