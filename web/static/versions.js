// A record's versions: a list of them, what differs between two, and going back to one.

import { ask, query, recordPath } from "./api.js";
import { ask as question } from "./dialog.js";
import { badge, empty, fill, h, loading, moment, plural, row, say, table, trouble } from "./dom.js";
import { label, shownValue } from "./keys.js";
import { level, short } from "./words.js";

const COLUMNS = ["Older", "Newer", "Version", "By", "Changed", "Shared with", ""];
const DIFF = ["Evidence", "Before", "After"];
const SIZE = 20;
const named = (version) => version.toFixed(6);

export function versionList(name, record, keys, signal, onRestored) {
  const path = recordPath(name);
  const place = h("div", {}, loading("versions"));
  const answer = h("div", { class: "answer" });
  const body = h("tbody");
  const more = h("button", { type: "button", hidden: true, onclick: () => load().catch(fail) }, "Older versions");
  const compare = h("button", { type: "button", onclick: () => diff().catch(fail) }, "Compare");
  const element = h("section", { "aria-label": "Versions" },
    h("div", { class: "head" }, h("h2", {}, "Versions"), h("div", { class: "actions" }, compare)), place, more, answer);
  let cursor = null;
  const fail = (error) => error.name === "AbortError" || fill(answer, trouble(error));

  async function load() {
    const { data } = await ask(`${path}/versions${query({ "page.size": SIZE, "page.cursor": cursor })}`, { signal });
    body.append(...data.versions.map((one) => line(one)));
    cursor = data["page.cursor"];
    more.hidden = !cursor;
    const two = body.children.length > 1;
    compare.hidden = !two;
    if (!two && !body.children.length) return fill(place, empty("No version is for you to see."));
    if (!place.contains(body)) fill(place, h("div", { class: "scroll" }, table("Versions", COLUMNS, body)));
    place.classList.toggle("single", !two);
    if (two && !body.querySelector("input:checked")) {
      body.children[1].querySelector("[name=older]").checked = body.children[0].querySelector("[name=newer]").checked = true;
    }
  }

  function line(one) {
    const at = new Date(one.created_on).toLocaleString();
    const pick = (side) => h("input", { type: "radio", name: side, value: named(one.version), "aria-label": `${side}: version of ${at}` });
    const back = record.meta.can_write && !one.current && h("button", { type: "button", onclick: () => restore(one) }, "Restore");
    return row(COLUMNS, [
      pick("older"), pick("newer"),
      [moment(one.created_on), " ", one.current && badge("present", "succeeded"), one.is_last_published && [" ", badge("last shared", "calm")]],
      [one.user?.name || one.user?.username || "–", one["job.token"] && [" ", h("a", { href: `#/jobs/${one["job.token"]}` }, h("code", {}, short(one["job.token"])))]],
      changed(one), level(one.publish), back,
    ]);
  }

  function changed(one) {
    const names = one.changed_keys.map((key) => label(key, keys.get(key))).join(", ");
    return one.changed > 3 ? h("details", {}, h("summary", {}, plural(one.changed, "key")), names) : names || "nothing";
  }

  async function diff() {
    const [older, newer] = ["older", "newer"].map((side) => body.querySelector(`[name=${side}]:checked`)?.value);
    if (!older || !newer || older === newer) return fill(answer, h("p", { class: "note bad", role: "alert" }, "Choose two different versions."));
    const [from, to] = Number(older) < Number(newer) ? [older, newer] : [newer, older];
    const { data } = await ask(`${path}/diff${query({ from, to })}`, { signal });
    fill(answer, difference(data, keys));
    answer.scrollIntoView({ block: "nearest" });
    say(`${plural(Object.keys(data.changes).length, "key")} differ.`);
  }

  function restore(one) {
    question("Restore a version", (box, { run, close, signal: own }) => {
      const shown = h("div", {}, loading("the difference"));
      const go = h("button", { type: "button", class: "main", onclick: () => run(go, commit) }, "Restore");
      fill(box, h("p", {}, "The record becomes what it was at ", h("b", {}, new Date(one.created_on).toLocaleString()), ". That is a change like any other: a new version, and the present one stays in the list."),
        shown, h("div", { class: "dialog-foot" }, h("button", { type: "button", onclick: close }, "Leave it"), go));
      ask(`${path}/diff${query({ from: "current", to: named(one.version) })}`, { signal: own })
        .then(({ data }) => fill(shown, difference(data, keys, ["Now", "After restoring"])))
        .catch((error) => error.name !== "AbortError" && fill(shown, trouble(error)));
      async function commit() {
        await ask(`${path}/restore`, { method: "POST", json: { version: named(one.version), if_version: named(record.meta.version) }, signal: own });
        close();
        say("The version is restored.");
        onRestored();
      }
    }, signal);
  }

  load().catch((error) => error.name === "AbortError" || fill(place, trouble(error)));
  return element;
}

export function difference({ changes }, keys, titles = ["Before", "After"]) {
  const names = Object.keys(changes).sort();
  if (!names.length) return h("p", { class: "note" }, "Nothing differs.");
  const columns = [DIFF[0], ...titles];
  return h("div", { class: "scroll" }, table("Differences", columns, h("tbody", {}, names.map((name) => {
    const { before, after } = changes[name];
    const lines = row(columns, [[label(name, keys.get(name)), h("small", {}, h("code", {}, name))], side(before, keys.get(name), "del"), side(after, keys.get(name), "ins")]);
    return lines;
  }))));
}

function side(cell, key, tag) {
  if (!cell) return h("span", { class: "none" }, "not there");
  if (cell.hidden) return h("span", { class: "none" }, "hidden from you");
  return [
    h(tag, {}, shownValue(key, cell.value)),
    cell.note && h("p", { class: "aside" }, h("b", {}, "Note "), cell.note),
    cell.explain && h("p", { class: "aside" }, h("b", {}, "Explained "), cell.explain),
    cell.immutable && h("span", { class: "lock" }, "locked"),
  ];
}
