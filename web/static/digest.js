// What is wrong with a job's items, in few words: its causes with counts and examples, the most frequent first.

import { ask } from "./api.js";
import { ask as question } from "./dialog.js";
import { badge, count, fill, h, plural, row, table } from "./dom.js";
import { showSent } from "./items.js";

const COLUMNS = ["Items", "Cause", "Where", "Examples"];
const HINTS = {
  unknown_lab: "The lab in the id is not known here, or its name is spelled in another way.",
  already_exists: "Use upsert where the record may be there already.",
  not_found: "The record is not there. Upsert makes it, create only if it must be new.",
  forbidden: "You may not write records of this lab.",
  version_conflict: "The record was changed since the version that the item names.",
  immutable: "The value was sent before and is locked.",
  unrecognised_key: "These keys are not known; they were left out.",
  internal: "This is a fault of the service. Retrying may help.",
};

export function digestView(token, signal) {
  const element = h("section", { "aria-label": "Digest", class: "digest", hidden: true });
  async function load() {
    const { data } = await ask(`/api/jobs/${token}/digest`, { signal });
    show(data);
  }
  function show(data) {
    const parts = [...group("What went wrong", data, "causes"), ...group("Warnings", data, "warnings")];
    element.hidden = !parts.length;
    fill(element, parts);
  }
  function group(title, data, name) {
    const causes = data[name];
    if (!causes.length) return [];
    const rest = data[`${name}.more`];
    const total = causes.reduce((sum, cause) => sum + cause.count, 0) + (rest?.items ?? 0);
    const told = name === "causes" ? plural(total, "item") : plural(total, "warning");
    return [
      h("h2", {}, title, " ", h("small", {}, `${told}, ${plural(causes.length + (rest?.causes ?? 0), "cause")}`)),
      table(title, COLUMNS, h("tbody", {}, causes.map((cause) => row(COLUMNS, cells(cause))))),
      rest && h("p", { class: "hint" }, `and ${plural(rest.causes, "cause")} more, of ${plural(rest.items, "item")}`),
    ];
  }
  const cells = (cause) => [
    h("b", {}, count(cause.count)),
    h("div", {}, h("code", {}, cause.code), cause.retryable && [" ", badge("may be retried", "queued")], HINTS[cause.code] && h("div", { class: "hint" }, HINTS[cause.code])),
    cause.pointer ? h("code", {}, cause.pointer) : "–",
    h("ul", { class: "plain" }, cause.examples.map((one) => h("li", {}, example(one)))),
  ];
  const example = (one) => {
    const at = one.line == null ? `#${one.index}` : `line ${one.line}`;
    const place = h("button", { type: "button", class: "link", "aria-label": `${at} as it was sent`, onclick: () => look(one, at) }, at);
    return [place, one.detail ? ` ${one.detail}` : one.id && [" ", h("code", {}, one.id)]];
  };
  const look = (one, at) => question(`${at}, as it was sent`, (body, { signal: own }) => {
    const place = h("div");
    fill(body, h("p", {}, one.detail, one.id && [" ", h("code", {}, one.id)]), place);
    showSent(place, token, one.index, own);
  }, signal);
  return { element, load };
}
