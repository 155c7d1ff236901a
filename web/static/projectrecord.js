// One record of a project: where it hangs, what it says in a language, and what is below it.

import { call } from "./api.js";
import { badge, empty, fill, h, moment, plural } from "./dom.js";
import { named, openProject, projectHead, recordAddress, titleOf } from "./projects.js";

const PAGE = 50;

export async function showProjectRecord(main, { signal, names: [gid, record], ready }) {
  const project = await openProject(gid, signal);
  const { result, data } = await call(gid, "records/worksheet", { record, languages: [project.language], "page.size": PAGE }, signal);
  const shown = data.records[result.record];
  const again = () => showProjectRecord(main, { signal, names: [gid, record], ready });
  const link = (one) => h("a", { href: recordAddress(project, one) }, titleOf(data.records[one], project.language));
  fill(main, projectHead(project, titleOf(shown, project.language), null, again),
    h("nav", { "aria-label": "Path" }, h("ol", { class: "path" }, result.path.slice(0, -1).map((one) => h("li", {}, link(one))))),
    h("section", { class: "card", "aria-label": "About this record" },
      h("p", {}, badge(shown.status, shown.status === "deleted" ? "failed" : "succeeded"), shown.is_link && [" ", badge("link", "calm")]),
      h("dl", { class: "facts" }, facts(shown, project, data))),
    h("h2", {}, "Fields"), fields(shown, project, data),
    h("h2", {}, "Below ", h("small", {}, plural(result["children.size"], "record"))),
    result.children.length ? h("ul", { class: "plain lines card" }, result.children.map((one) => h("li", {}, link(one)))) : empty("Nothing is below this record."),
    result.children.length < result["children.size"] ? h("p", { class: "hint" }, "The first ones; the tree has all.") : null);
  ready();
}

function facts(record, project, data) {
  const channels = record.channels.filter((key) => key !== "__all__").map((key) => project.options.channels[key] ?? key);
  const definition = data.definitions?.[record.definition] ?? project.definitions[record.definition];
  return [
    ["gid", h("code", {}, record.gid)],
    ["definition", named(definition, project.language)],
    ["channels", channels.join(", ") || "none but all"],
    ["created", moment(new Date(record.created_on * 1000).toISOString())],
    ["changed", moment(new Date(record.updated_on * 1000).toISOString())],
  ].map(([term, value]) => h("div", {}, h("dt", {}, term), h("dd", {}, value)));
}

function fields(record, project, data) {
  const byName = new Map(Object.values({ ...project.fields, ...data.fields }).map((field) => [field.name, field]));
  const values = Object.entries(record.fields?.[project.language] ?? {});
  if (!values.length) return empty("This record has no fields.");
  return h("section", { class: "card evidence", "aria-label": "Fields" }, h("dl", {}, values.map(([name, value]) =>
    h("div", {}, h("dt", {}, named(byName.get(name) ?? { name }, project.language), h("code", {}, name)), h("dd", {}, content(value))))));
}

function content(value) {
  if (value == null || value === "" || (Array.isArray(value) && !value.length)) return h("span", { class: "none" }, "–");
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value !== "object") return h("div", { class: "value" }, String(value));
  if (Array.isArray(value) && value.every((one) => typeof one !== "object")) return value.join(", ");
  return h("pre", { tabindex: "0" }, JSON.stringify(value, null, 2));
}
