// The evidence keys: names, categories and the words of options.

import { ask } from "./api.js";

export const CATEGORIES = {
  V: "Variant", H: "Gene", HP: "Patient", HT: "Test", P: "Population Data", CP: "Computational and Predictive Data",
  F: "Functional Data", S: "Segregation Data", D: "De novo Data", A: "Allelic Data", DB: "Other Database", O: "Other Data",
  L: "Literature", SC: "Somatic Clinical Significance Evidence", HI: "Interpretation", SO: "Sign Off",
};

let known = null;

export async function keyList(signal) {
  if (!known) {
    const { data } = await ask("/classification/api/evidence_keys", { signal });
    known = new Map(data.map((key) => [key.key, key]));
  }
  return known;
}

const words = (name) => name.replace(/^.*:/, "").replaceAll("_", " ");
export const label = (name, key) => key?.label ?? words(name);

// A value in words: an option's label where the key has options.
export function shownValue(key, value) {
  if (value == null) return "–";
  if (Array.isArray(value)) return value.map((one) => shownValue(key, one)).join(", ");
  if (typeof value === "boolean") return value ? "yes" : "no";
  const option = key?.options?.find((one) => one.key === value);
  return option ? (option.label ?? words(option.key)) : String(value);
}
