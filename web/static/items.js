// A job's items, a page at a time, all or those of one outcome. It may be read while the job runs.

import { ask, query } from "./api.js";
import { badge, count, empty, fill, h, loading, plural, row, table, trouble } from "./dom.js";
import { over } from "./live.js";
import { done, PARTS, WORDS } from "./progress.js";

const COLUMNS = ["Item", "Record", "Outcome", "Why"];
const SIZE = 50;

export const recordLink = (id) => (id ? h("a", { class: "id", href: `#/records/${id.split("/").map(encodeURIComponent).join("/")}` }, id) : "–");

function line(item, job, signal) {
  const place = [h("b", {}, item.line == null ? `#${item.index}` : `line ${item.line}`), item.line != null && h("small", {}, `#${item.index}`)];
  const word = item.result?.status ?? item.status;
  const named = item.status === "failed" || !/_classifications$|^undo$/.test(job.job);
  return row(COLUMNS, [
    [place, item.ref && h("small", {}, `ref ${item.ref}`)],
    named ? h("span", { class: "id" }, item.id ?? "–") : recordLink(item.id),
    badge(WORDS[word] ?? word, item.status),
    [why(item), sent(item, job, signal)],
  ]);
}

function why(item) {
  if (item.error) {
    const { code, pointer, detail } = item.error;
    return [h("code", {}, code), pointer && [" ", h("code", { class: "pointer" }, pointer)], h("div", {}, detail)];
  }
  const told = (item.result?.patch_messages ?? []).map((message) => h("li", {}, message.code === "patched" ? changes(item.result) : message.message));
  return told.length ? h("ul", { class: "plain said" }, told) : "–";
}

function changes({ changed_keys: keys = [] }) {
  const text = keys.join(", ");
  return keys.length > 4 ? h("details", {}, h("summary", {}, `${plural(keys.length, "key")} changed`), text) : `Changed: ${text}`;
}

// The item as it was sent, asked for when somebody wants to see it.
function sent(item, job, signal) {
  const place = h("div");
  const shown = h("details", { class: "input" }, h("summary", {}, "As sent"), place);
  shown.addEventListener("toggle", () => shown.open && !place.firstChild && showSent(place, job.token, item.index, signal));
  return shown;
}

export async function showSent(place, token, index, signal) {
  fill(place, loading("the item"));
  try {
    const { data } = await ask(`/api/jobs/${token}/inputs?index=${index}`, { signal });
    fill(place, h("pre", { tabindex: "0", "aria-label": `Item ${index} as sent` }, pretty(data.inputs[0]?.text)));
  } catch (error) {
    if (error.name !== "AbortError") fill(place, trouble(error));
  }
}

function pretty(text) {
  if (text === undefined) return "It is no longer kept.";
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

export function itemList(token, asked, signal) {
  const body = h("tbody");
  const place = h("div");
  const more = h("button", { type: "button", hidden: true, onclick: () => load() }, "More items");
  const chosen = h("select", { id: "outcome", onchange: () => restart((asked = chosen.value)) },
    ["", ...PARTS].map((name) => h("option", { value: name }, WORDS[name] ?? "all")));
  const element = h("section", { "aria-label": "Items" },
    h("div", { class: "head" }, h("h2", {}, "Items"), h("span", { class: "space" }), h("label", { for: "outcome" }, "Outcome"), chosen), place, more);
  let status = asked;
  let cursor = null;
  let job = null;
  let busy = false;
  let run = 0; // answers of an earlier run come too late to be shown

  const expected = () => (status ? job[status] ?? 0 : done(job));

  function restart(word) {
    status = chosen.value = word;
    history.replaceState(null, "", `#/jobs/${token}${query({ status })}`);
    cursor = null;
    busy = false;
    run += 1;
    body.replaceChildren();
    more.hidden = true;
    expected() ? load() : show();
  }

  async function load() {
    if (busy) return;
    busy = more.disabled = true;
    const mine = run;
    if (!body.children.length) fill(place, loading("items"));
    try {
      const { data } = await ask(`/api/jobs/${token}/results${query({ status, "page.size": SIZE, "page.cursor": cursor })}`, { signal });
      if (mine !== run) return;
      body.append(...data.results.map((item) => line(item, job, signal)));
      cursor = data["page.cursor"] ?? null;
      show();
    } catch (error) {
      if (error.name !== "AbortError" && mine === run) fill(place, trouble(error, error.status === 410 ? null : load));
    }
    if (mine === run) busy = more.disabled = false;
  }

  function show() {
    const number = body.children.length;
    more.hidden = !number || !cursor || number >= expected();
    more.textContent = `More items (${count(number)} of ${count(expected())})`;
    if (number) return place.contains(body) || fill(place, h("div", { class: "scroll" }, table("Items", COLUMNS, body)));
    fill(place, empty(nothing()));
  }

  function nothing() {
    if (job.purged_on) return "The items of this job were purged; its summary stays.";
    if (!over(job) && expected()) return "Items show here in their order, as soon as all before them are done.";
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
    chosen.value = status;
    if (first || ended) return restart(status);
    if (!body.children.length && expected()) return load();
    if (body.children.length < SIZE && expected() > body.children.length && !busy) return restart(status);
    more.hidden = body.children.length >= expected();
  }

  return { element, update };
}
