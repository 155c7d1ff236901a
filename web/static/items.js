// A job's items, a page at a time, all or those of one outcome. It may be read while the job runs.

import { ask, query } from "./api.js";
import { badge, count, empty, fill, h, loading, plural, row, table, trouble } from "./dom.js";
import { over } from "./live.js";
import { PARTS, WORDS } from "./progress.js";

const COLUMNS = ["Item", "Record", "Outcome", "Why"];
const SIZE = 50;

export const recordLink = (id) => (id ? h("a", { class: "id", href: `#/records/${id.split("/").map(encodeURIComponent).join("/")}` }, id) : "–");

function line(item) {
  const place = [h("b", {}, item.line == null ? `#${item.index}` : `line ${item.line}`), item.line != null && h("small", {}, `#${item.index}`)];
  const word = item.result?.status ?? item.status;
  return row(COLUMNS, [
    [place, item.ref && h("small", {}, `ref ${item.ref}`)],
    item.status === "failed" ? h("span", { class: "id" }, item.id ?? "–") : recordLink(item.id),
    badge(word, item.status),
    why(item),
  ]);
}

function why(item) {
  if (item.error) {
    const { code, pointer, detail } = item.error;
    return [h("code", {}, code), pointer && [" ", h("code", { class: "pointer" }, pointer)], h("div", {}, detail)];
  }
  const told = (item.result?.patch_messages ?? []).map((message) => h("li", {}, message.code === "patched" ? changes(item.result) : message.message));
  return told.length ? h("ul", { class: "plain" }, told) : "–";
}

function changes({ changed_keys: keys = [] }) {
  const text = keys.join(", ");
  return keys.length > 4 ? h("details", {}, h("summary", {}, `${plural(keys.length, "key")} changed`), text) : `Changed: ${text}`;
}

export function itemList(token, asked, signal) {
  const body = h("tbody");
  const place = h("div");
  const more = h("button", { type: "button", hidden: true, onclick: () => load() }, "More items");
  const choice = h("select", { id: "outcome", onchange: () => restart((asked = choice.value)) },
    ["", ...PARTS].map((name) => h("option", { value: name }, WORDS[name] ?? "all")));
  const element = h("section", { "aria-label": "Items" },
    h("div", { class: "head" }, h("h2", {}, "Items"), h("span", { class: "space" }), h("label", { for: "outcome" }, "Outcome"), choice), place, more);
  let status = asked;
  let cursor = null;
  let job = null;
  let busy = false;

  const expected = () => (status ? job[status] : job.total - job.remaining);

  function restart(word) {
    status = choice.value = word;
    history.replaceState(null, "", `#/jobs/${token}${query({ status })}`);
    cursor = null;
    body.replaceChildren();
    more.hidden = true;
    expected() ? load() : show();
  }

  async function load() {
    if (busy) return;
    busy = more.disabled = true;
    if (!body.children.length) fill(place, loading("items"));
    try {
      const { data } = await ask(`/api/jobs/${token}/results${query({ status, "page.size": SIZE, "page.cursor": cursor })}`, { signal });
      body.append(...data.results.map(line));
      cursor = data["page.cursor"] ?? null;
      show();
    } catch (error) {
      if (error.name !== "AbortError") fill(place, trouble(error, error.status === 410 ? null : load));
    }
    busy = more.disabled = false;
  }

  function show() {
    const number = body.children.length;
    more.hidden = !cursor || number >= expected();
    more.textContent = `More items (${count(number)} of ${count(expected())})`;
    if (number) return place.contains(body) || fill(place, h("div", { class: "scroll" }, table("Items", COLUMNS, body)));
    fill(place, empty(nothing()));
  }

  function nothing() {
    if (job.purged_on) return "The items of this job were purged; its summary stays.";
    if (status) return `No item ${over(job) ? "is" : "is so far"} ${WORDS[status]}.`;
    return over(job) ? "There are no items." : "Nothing is done yet.";
  }

  // Lanes run side by side, so outcomes do not come in the order of the items: a page that is not full yet is read anew.
  function update(now) {
    const first = job === null;
    const ended = job && over(now) && !over(job);
    job = now;
    if (job.purged_on) return show();
    if (asked === null && (first || ended)) status = job.failed ? "failed" : "";
    choice.value = status;
    if (first || ended) return restart(status);
    if (!body.children.length && expected()) return load();
    if (body.children.length < SIZE && expected() > body.children.length && !busy) return restart(status);
    more.hidden = body.children.length >= expected();
  }

  return { element, update };
}
