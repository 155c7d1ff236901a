// A project's records as a tree, unfolded where one looks, and as a search; chosen by clicking, for one operation on all of them.

import { call, query } from "./api.js";
import { basket } from "./basket.js";
import { badge, count, empty, fill, h, loading, moment, plural, row, say, table, trouble } from "./dom.js";
import { projectActions } from "./projectbulk.js";
import { named, openProject, projectHead, recordAddress, titleOf } from "./projects.js";

const PAGE = 50;
const COLUMNS = ["", "Record", "Definition", "Below", "Changed"];

const link = (project, record) => h("a", { href: recordAddress(project, record.gid) }, titleOf(record, project.language));
const marks = (record) => [record.is_link && [" ", badge("link", "calm")], record.status === "deleted" && [" ", badge("deleted", "failed")]];

export async function showTree(main, { signal, names: [gid], ready }) {
  const project = await openProject(gid, signal);
  const picked = basket(project.writes ? projectActions(project, signal) : []);
  const place = h("div", { class: "card tree" }, loading("the tree"));
  fill(main, projectHead(project, project.name, "", () => showTree(main, { signal, names: [gid], ready })), place, picked.bar);
  ready();
  leave(signal);
  const asked = { languages: [project.language] };
  const { result, data } = await call(gid, "records/root", asked, signal);
  const root = data.records[result.root];
  const top = node(root);
  fill(place, h("ul", { "aria-label": `Records of ${project.name}` }, top));
  await top.unfold();

  function node(record) {
    const below = h("ul", { hidden: true });
    const twist = h("button", { type: "button", class: "twist", "aria-expanded": "false", "aria-label": `Below ${titleOf(record, project.language)}`, onclick: () => toggle() }, "▸");
    const element = h("li", {},
      h("div", { class: "node" },
        record.childcount ? twist : h("span", { class: "twist" }), record.parent ? picked.box(record.gid, titleOf(record, project.language)) : null,
        h("span", {}, link(project, record), marks(record), record.childcount ? h("small", {}, ` ${count(record.childcount)}`) : null)),
      below);
    let loaded = 0;
    const more = h("button", { type: "button", onclick: () => load() });

    async function load() {
      more.disabled = true;
      try {
        const { result: found, data: told } = await call(gid, "records/children", { ...asked, record: record.gid, "page.top": loaded, "page.size": PAGE }, signal);
        more.remove();
        below.append(...found.children.map((child) => node(told.records[child])));
        loaded += found.children.length;
        more.textContent = `More (${count(loaded)} of ${count(found["children.size"])})`;
        if (loaded < found["children.size"]) below.append(h("li", { class: "more" }, more));
        picked.show();
      } catch (error) {
        if (error.name !== "AbortError") fill(below, h("li", {}, trouble(error)));
      }
      more.disabled = false;
    }
    async function unfold() {
      below.hidden = false;
      twist.setAttribute("aria-expanded", "true");
      if (!loaded && record.childcount) await load();
    }
    const toggle = () => (below.hidden ? unfold() : ((below.hidden = true), twist.setAttribute("aria-expanded", "false")));
    element.unfold = unfold;
    return element;
  }
}

const leave = (signal) => signal.addEventListener("abort", () => document.body.classList.remove("with-basket"), { once: true });

export async function showProjectSearch(main, { signal, names: [gid], query: asked, ready }) {
  const project = await openProject(gid, signal);
  const q = asked.get("q") ?? "";
  const definition = asked.get("definition") ?? "";
  const picked = basket(project.writes ? projectActions(project, signal) : []);
  const input = h("input", { id: "q", type: "search", value: q, placeholder: "words, \"phrases\", beginnings*" });
  const find = (event) => (event.preventDefault(), go({ q: input.value.trim(), definition }));
  const go = (more) => (location.hash = `#/projects/${gid}/search${query(more)}`);
  const kinds = Object.values(project.definitions).filter((one) => !one.is_extended);
  const kind = h("select", { id: "definition", "aria-label": "Definition", onchange: () => go({ q: input.value.trim(), definition: kind.value }) },
    h("option", { value: "" }, "all definitions"), kinds.map((one) => h("option", { value: one.name, selected: one.name === definition }, named(one, project.language))));
  const body = h("tbody");
  const place = h("div");
  const total = h("p", { class: "hint" });
  const more = h("button", { type: "button", hidden: true, onclick: () => load().catch(fail) }, "More records");
  fill(main, projectHead(project, project.name, "/search", () => showProjectSearch(main, { signal, names: [gid], query: asked, ready })),
    h("form", { class: "search", role: "search", method: "post", onsubmit: find }, h("label", { for: "q" }, "Search"), input, h("button", { class: "main" }, "Find")),
    h("div", { class: "filters" }, kind), total, place, more, picked.bar);
  ready();
  leave(signal);
  const fail = (error) => error.name === "AbortError" || fill(place, trouble(error, load));
  const search = { language: project.language, q, ...(definition && { filter: ["definition", "is", definition] }) };
  const everything = !q && !definition;
  if (everything) return fill(place, empty("Say what to look for, or look around in the tree."));
  fill(place, loading("records"));
  await load();

  async function load() {
    const { result, data } = await call(gid, "records/search", { ...search, glance: true, languages: [project.language], "page.top": body.children.length, "page.size": PAGE }, signal);
    const first = !body.children.length;
    body.append(...result.records.map((one) => line(data.records[one])));
    const size = result["records.size"];
    const partial = result["records.complete"] === false; // there are more than `size`
    more.hidden = body.children.length >= size || !result.records.length;
    fill(total, body.children.length ? `${count(body.children.length)} of ${partial ? "more than " : ""}${count(size)} shown` : "");
    if (first) say(`${partial ? "More than " : ""}${plural(size, "record")} found.`);
    if (!body.children.length) return fill(place, empty("No record matches."));
    const shown = table("Records", COLUMNS, body);
    fill(shown.querySelector("thead td"), picked.head);
    fill(place, h("div", { class: "scroll" }, shown));
    if (first) picked.searched({ size, everything, partial, selection: (exclude) => [{ search, ...(exclude.length && { exclude }) }] });
    else picked.show();
  }
  function line(record) {
    return row(COLUMNS, [
      picked.box(record.gid, titleOf(record, project.language)), [link(project, record), marks(record)],
      named(project.definitions[record.definition], project.language), count(record.childcount), moment(new Date(record.updated_on * 1000).toISOString()),
    ]);
  }
}
