// One record: what it is, who may see it, what is wrong with it, its evidence by category, and its versions.

import { ask, recordPath } from "./api.js";
import { badge, empty, fill, h, head, loading, moment } from "./dom.js";
import { CATEGORIES, keyList, label, shownValue } from "./keys.js";
import { versionList } from "./versions.js";
import { level, LEVELS } from "./words.js";

export async function showRecord(main, { signal, name, ready }) {
  fill(main, head(name), loading("the record"));
  ready();
  const [keys, { data: record }] = await Promise.all([keyList(signal), ask(recordPath(name), { signal })]);
  const { meta } = record;
  const again = () => showRecord(main, { signal, name, ready });
  fill(main,
    head(record.cr_lab_id ?? name, h("p", { class: "hint" }, [`${meta.institution_name}, ${meta.lab_name}`, ...["c_hgvs", "clinical_significance"].map((key) => record.data?.[key]?.value && shownValue(keys.get(key), record.data[key].value))].filter(Boolean).join(" · "))),
    h("section", { class: "card", "aria-label": "About this record" },
      seen(record), h("dl", { class: "facts" }, facts(record))),
    record.messages?.length ? h("section", { "aria-label": "Messages" }, h("h2", {}, "Messages"), h("ul", { class: "messages" }, record.messages.map((one) => message(one, keys)))) : null,
    versionList(name, record, keys, signal, again),
    h("h2", {}, "Evidence"), h("div", { class: "groups" }, groups(record.data ?? {}, keys)));
}

// Who may see it, in a sentence.
function seen(record) {
  const { meta } = record;
  const behind = meta.has_changes && meta.published_on;
  return h("div", { class: "seen" },
    h("p", {}, badge(`shared with ${level(record.publish)}`, "calm"), record.withdrawn && [" ", badge("withdrawn", "failed")],
      meta.has_changes && [" ", badge("changes not shared yet", "queued")], " ", meta.can_write && badge("you may change it", "succeeded")),
    h("p", { class: "hint" }, LEVELS[record.publish]?.[1],
      behind && " They see the version that was shared last; what was changed since is for the lab alone until it is published.",
      record.withdrawn && " It is withdrawn: searches and exports leave it out."));
}

function facts({ id, meta }) {
  const version = meta.version && new Date(meta.version * 1000).toISOString();
  const known = [
    ["record", h("code", {}, id)],
    ["number", meta.id],
    ["version", meta.version && [moment(version), " ", h("code", {}, meta.version.toFixed(6))]],
    ["shared", meta.published_on ? moment(meta.published_on) : null],
    ["created", meta.created_on && moment(meta.created_on)],
  ];
  return known.filter(([, value]) => value != null).map(([term, value]) => h("div", {}, h("dt", {}, term), h("dd", {}, value)));
}

const message = (one, keys) =>
  h("li", {}, badge(one.severity, one.severity === "error" ? "failed" : "queued"), " ", h("b", {}, label(one.key, keys.get(one.key))), " ", one.message);

function groups(data, keys) {
  const order = [...keys.keys()];
  const place = (name) => (keys.has(name) ? order.indexOf(name) : order.length);
  const names = Object.keys(data).sort((a, b) => place(a) - place(b));
  if (!names.length) return [empty("This record has no evidence.")];
  const found = new Map();
  for (const name of names) {
    const title = CATEGORIES[keys.get(name)?.evidence_category] ?? "Other";
    found.set(title, [...(found.get(title) ?? []), name]);
  }
  return [...found].map(([title, members]) =>
    h("section", { class: "card evidence" }, h("h3", {}, title), h("dl", {}, members.map((name) => cell(name, data[name], keys.get(name))))));
}

function cell(name, one, key) {
  const value = one.hidden ? "hidden from you" : shownValue(key, one.value);
  return h("div", {},
    h("dt", {}, label(name, key), h("code", {}, name)),
    h("dd", {},
      h("div", { class: one.value == null ? "value none" : "value" }, value, one.immutable && h("span", { class: "lock", title: `locked by ${one.immutable}` }, "locked")),
      one.note && h("p", { class: "aside" }, h("b", {}, "Note "), one.note),
      one.explain && h("p", { class: "aside" }, h("b", {}, "Explained "), one.explain),
      (one.validation ?? []).map((found) => h("p", { class: "aside" }, badge(found.severity, found.severity === "error" ? "failed" : "queued"), " ", found.message)),
      references(one.db_refs ?? [])));
}

function references(found) {
  const safe = found.filter((one) => /^https?:\/\//i.test(one.url ?? ""));
  if (!safe.length) return null;
  return h("ul", { class: "refs", "aria-label": "References" }, safe.map((one) => h("li", {}, h("a", { href: one.url, rel: "noopener noreferrer", target: "_blank" }, one.id))));
}
