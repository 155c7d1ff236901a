// Filters as chips: conditions that all have to hold, each with a button that takes it away, and a form that adds one.

import { choice, fill, h } from "./dom.js";
import { label, shownValue } from "./keys.js";
import { level, shareChoices } from "./words.js";

const OPERATORS = { is: "is", is_not: "is not", in: "is one of", has: "has", q: "contains", "<": "below", ">": "above", exists: "is filled", missing: "is empty" };
const BARE = ["exists", "missing"];
const BY_TYPE = { S: ["is", "is_not", "exists", "missing"], C: ["is", "is_not", "exists", "missing"], B: ["is", "exists", "missing"], M: ["has", "exists", "missing"] };
const NUMBERS = ["is", "<", ">", "exists", "missing"];
const TEXTS = ["is", "q", "is_not", "exists", "missing"];
const PROPERTIES = {
  lab: { label: "Lab", operators: ["is", "is_not"], hint: "organisation/lab" },
  organisation: { label: "Organisation", operators: ["is", "is_not"] },
  publish: { label: "Shared with", operators: ["is", "is_not"], options: shareChoices },
  withdrawn: { label: "Withdrawn", operators: ["is"], options: [["true", "yes"], ["false", "no"]], read: (text) => text === "true" },
  updated_on: { label: "Changed", operators: [">", "<"], type: "date", read: (text) => `${text}T00:00:00Z` },
  created_on: { label: "Created", operators: [">", "<"], type: "date", read: (text) => `${text}T00:00:00Z` },
  variant: { label: "Variant", operators: ["is", "exists", "missing"] },
};
const FIRST = ["gene_symbol", "clinical_significance", "condition", "c_hgvs", "curation_date", "allele_origin"];

// What can be asked of each name, properties first and the keys that are asked for most.
function fields(keys) {
  const of = (key) => {
    const found = { label: key.label, operators: BY_TYPE[key.value_type] ?? ("DNLI".includes(key.value_type) ? NUMBERS : TEXTS) };
    if (key.options?.length && key.value_type !== "T") found.options = key.options.map((one) => [one.key, one.label ?? one.key]);
    if (key.value_type === "B") Object.assign(found, { options: [["true", "yes"], ["false", "no"]], read: (text) => text === "true" });
    if (key.value_type === "D") found.type = "date";
    if ("NLI".includes(key.value_type)) Object.assign(found, { type: "number", read: Number });
    return found;
  };
  const order = [...FIRST.filter((name) => keys.has(name)), ...[...keys.keys()].filter((name) => !FIRST.includes(name))];
  return new Map([...Object.entries(PROPERTIES), ...order.map((name) => [name, of(keys.get(name))])]);
}

export function words([name, operator, operand], keys) {
  const key = keys.get(name);
  const value = PROPERTIES[name]?.options ? (name === "publish" ? level(operand) : operand ? "yes" : "no") : shownValue(key, operand);
  return `${PROPERTIES[name]?.label ?? label(name, key)} ${OPERATORS[operator] ?? operator}${BARE.includes(operator) ? "" : ` ${String(value).replace("T00:00:00Z", "")}`}`;
}

// `filters` are conditions; `onChange` gets the new list.
export function chips(filters, keys, onChange) {
  const known = fields(keys);
  const list = h("ul", { class: "chips", "aria-label": "Filters" }, filters.map((one, at) =>
    h("li", {}, words(one, keys), h("button", { type: "button", "aria-label": `Take away: ${words(one, keys)}`, onclick: () => onChange(filters.toSpliced(at, 1)) }, "✕"))));
  const name = choice("filter-name", [...known].map(([value, one]) => [value, one.label]), "gene_symbol", { "aria-label": "Field", onchange: () => shape() });
  const operator = h("select", { id: "filter-operator", "aria-label": "Condition", onchange: () => shape(operator.value) });
  const value = h("span", { class: "filter-value" });
  const form = h("form", { class: "add-filter", hidden: true, method: "post", onsubmit: add }, name, operator, value, h("button", { class: "main" }, "Add"));
  const open = h("button", { type: "button", class: "quiet add", "aria-expanded": "false", onclick: () => toggle() }, "+ Filter");
  const toggle = () => {
    form.hidden = !form.hidden;
    open.setAttribute("aria-expanded", String(!form.hidden));
    if (!form.hidden) name.focus();
  };
  function shape(chosen) {
    const one = known.get(name.value);
    if (!chosen) fill(operator, one.operators.map((word) => h("option", { value: word }, OPERATORS[word])));
    const input = one.options ? choice("filter-value", one.options, "", { "aria-label": "Value" })
      : h("input", { id: "filter-value", "aria-label": "Value", type: one.type ?? "text", placeholder: one.hint, required: true, ...(one.type === "number" && { step: "any" }) });
    fill(value, BARE.includes(operator.value) ? null : input);
  }
  function add(event) {
    event.preventDefault();
    const read = known.get(name.value).read ?? ((text) => text.trim());
    const bare = BARE.includes(operator.value);
    onChange([...filters, bare ? [name.value, operator.value] : [name.value, operator.value, read(form.querySelector("#filter-value").value)]]);
  }
  shape();
  return h("div", { class: "chip-row" }, list, open, form);
}

// Several conditions as one filter of the API.
export const filterOf = (filters) => (filters.length > 1 ? ["and", ...filters] : filters[0] ?? null);
