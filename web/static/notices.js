// What happened to one's jobs and webhooks, newest first; new ones come as they happen.

import { ask, query } from "./api.js";
import { ring, switchOutside } from "./bell.js";
import { badge, empty, fill, h, head, loading, moment, plural, say, trouble } from "./dom.js";
import { over } from "./live.js";
import { told } from "./notice.js";

const SIZE = 25;
const keyOf = (one) => `${one.happened_on} ${one.job?.token ?? one.webhook.id}`;

export async function showNotices(main, { signal, ready }) {
  const rows = new Map(); // by key: the notice and its line
  const list = h("ul", { class: "plain lines card notices", "aria-label": "Notices" });
  const place = h("div", {}, loading("notices"));
  const more = h("button", { type: "button", hidden: true, onclick: () => load(cursor) }, "Older notices");
  const seen = h("button", { type: "button", class: "main", hidden: true, onclick: see }, "Mark all as seen");
  const answer = h("div");
  fill(main, head("Notices", h("div", { class: "actions" }, switchOutside(signal), seen)), answer, place, more);
  ready();
  let cursor = null;
  await load(null);

  let due = null;
  const soon = ({ type, detail }) => {
    if (type === "job" && !over(detail)) return;
    clearTimeout(due);
    due = setTimeout(() => load(null, true), 400);
  };
  for (const type of ["job", "webhook"]) addEventListener(type, soon, { signal });
  signal.addEventListener("abort", () => clearTimeout(due), { once: true });

  async function load(from, anew = false) {
    more.disabled = true;
    try {
      const { data } = await ask(`/api/notices${query({ "page.size": SIZE, "page.cursor": from })}`, { signal });
      if (anew && rows.size) newer(data.notices);
      else {
        list.append(...data.notices.map(put));
        cursor = data["page.cursor"];
      }
      show(data.unseen);
    } catch (error) {
      if (error.name === "AbortError") return;
      fill(rows.size ? answer : place, trouble(error, () => (fill(answer), load(from, anew))));
    }
    more.disabled = false;
  }

  // What is not there yet stands before the first that is; a page full of it is all that is shown.
  function newer(found) {
    const fresh = found.filter((one) => !rows.has(keyOf(one)));
    if (fresh.length === SIZE) {
      rows.clear();
      list.replaceChildren();
    }
    list.prepend(...fresh.map(put));
    if (fresh.length) say(told(fresh[0]).text);
  }

  function put(one) {
    const { text, badge: word, address } = told(one);
    const line = h("li", { class: one.seen ? "" : "new" },
      h("span", { class: "mark" }, one.seen ? null : badge("new", "tag")),
      h("span", { class: "what" }, h("a", { href: address }, text), " ", badge(word ?? "done", KIND[word] ?? word)),
      h("small", {}, moment(one.happened_on)));
    rows.set(keyOf(one), { one, line });
    return line;
  }

  function show(unseen) {
    ring(unseen);
    seen.hidden = !unseen;
    more.hidden = !cursor;
    if (!rows.size) fill(place, nothing());
    else if (!place.contains(list)) fill(place, list);
  }

  async function see() {
    seen.disabled = true;
    const newest = [...rows.values()].map(({ one }) => one.happened_on).sort(byMoment).at(-1);
    try {
      const { data } = await ask("/api/notices/seen", { method: "POST", json: { until: newest }, signal });
      for (const { one, line } of rows.values()) {
        line.classList.remove("new");
        fill(line.querySelector(".mark"));
        one.seen = true;
      }
      fill(answer);
      show(data.unseen);
      say(data.unseen ? `${plural(data.unseen, "notice")} came meanwhile.` : "All notices are seen.");
      main.querySelector("h1").focus({ preventScroll: true });
    } catch (error) {
      if (error.name !== "AbortError") fill(answer, trouble(error));
    }
    seen.disabled = false;
  }
}

const KIND = { disabled: "failed" };
const whole = (text) => text.replace(/(\.\d+)?Z$/, (_, part = ".") => `${part.padEnd(7, "0")}Z`);
const byMoment = (one, other) => (whole(one) < whole(other) ? -1 : 1);

const nothing = () =>
  empty(h("p", {}, "Nothing has happened yet."), h("p", {}, "When one of your jobs ends, an export is ready or a webhook is disabled, it is told here."),
    h("p", {}, h("a", { class: "button main", href: "#/submit" }, "Submit a file")));
