// The projects that one is a member of.

import { ask, call } from "./api.js";
import { badge, empty, fill, h, head, loading, row, table } from "./dom.js";

const COLUMNS = ["Project", "Your roles", "State"];

export async function showProjects(main, { signal, ready }) {
  const place = h("div", {}, loading("projects"));
  fill(main, head("Projects"), place);
  ready();
  const { data } = await ask("/api/init", { method: "POST", json: {}, signal });
  const mine = Object.entries(data.result.user_projects);
  if (!mine.length) return fill(place, empty("You are a member of no project."));
  fill(place, table("Projects", COLUMNS, h("tbody", {}, mine.map(([gid, roles]) => {
    const project = data.data["cc.projects"][gid];
    return row(COLUMNS, [h("a", { href: `#/projects/${gid}` }, h("b", {}, project?.name ?? gid)), roles.map((role) => [badge(role, "calm"), " "]), project?.status ?? "–"]);
  }))));
}

// A project with its schema, as its first data has them; asked for once a visit of the page.
const known = new Map();
export async function openProject(gid, signal) {
  if (!known.has(gid)) {
    const { result, data } = await call(gid, "init", { omit_extended_definitions: true }, signal);
    const project = data["cc.projects"][gid];
    known.set(gid, {
      gid, name: project.name, options: project.options, languages: project.options.languages, names: data["cc.languages"],
      definitions: data.definitions, fields: data.fields, writes: (result.user_projects[gid] ?? []).some((role) => role !== "reader"),
      language: project.options.languages[0],
    });
  }
  return known.get(gid);
}

export const titleOf = (record, language) => record.title?.[language] || Object.values(record.title ?? {}).find(Boolean) || record.gid;
export const recordAddress = (project, gid) => `#/projects/${project.gid}/records/${gid}`;

// Names of a project's field and definition, in a language where they have one.
export const named = (item, language) => item?.label?.[language] || Object.values(item?.label ?? {}).find(Boolean) || item?.name || "–";

export function projectHead(project, title, here, onLanguage) {
  const languages = h("select", { id: "language", "aria-label": "Language", onchange: () => ((project.language = languages.value), onLanguage()) },
    project.languages.map((code) => h("option", { value: code, selected: code === project.language }, project.names[code] ?? code)));
  const tab = (path, text) => h("a", { href: `#/projects/${project.gid}${path}`, ...(here === path && { "aria-current": "page" }) }, text);
  return [
    head(title, h("div", { class: "actions" }, languages)),
    h("nav", { class: "tabs", "aria-label": project.name }, tab("", "Tree"), tab("/search", "Search")),
  ];
}
