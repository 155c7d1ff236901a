// Variants that labs classify differently: between buckets that matter for treatment, or within one.

import { ask, DISCORDANCES, query } from "./api.js";
import { badge, choice, count, empty, fill, h, head, loading, plural, row, table, trouble } from "./dom.js";
import { recordLink } from "./items.js";
import { keyList, shownValue } from "./keys.js";

const COLUMNS = ["Variant", "Difference", "Classifications by lab"];
const KINDS = [["", "all differences"], ["between", "between buckets"], ["within", "within a bucket"]];
const ORIGINS = { G: "germline", S: "somatic", U: "origin not known" };
const SIZE = 20;

export async function showDiscordances(main, { signal, query: asked, ready }) {
  const known = { gene: asked.get("gene") ?? "", lab: asked.get("lab") ?? "", kind: asked.get("kind") ?? "" };
  const gene = h("input", { id: "gene", type: "search", value: known.gene, placeholder: "any gene" });
  const lab = h("input", { id: "lab", type: "search", value: known.lab, placeholder: "any lab" });
  const kind = choice("kind", KINDS, known.kind);
  const find = (event) => (event.preventDefault(), (location.hash = `#/discordances${query({ gene: gene.value.trim(), lab: lab.value.trim(), kind: kind.value })}`));
  const body = h("tbody");
  const place = h("div", {}, loading("discordances"));
  const more = h("button", { type: "button", hidden: true, onclick: () => load() }, "More variants");
  fill(main, head("Discordances"),
    h("p", { class: "hint" }, "Variants of which two labs say two things, among the records that you may read."),
    h("form", { class: "filters", role: "search", method: "post", onsubmit: find },
      h("span", { class: "pair" }, h("label", { for: "gene" }, "Gene"), gene), h("span", { class: "pair" }, h("label", { for: "lab" }, "Lab"), lab), h("label", { for: "kind", class: "unseen" }, "Kind"), kind, h("button", { class: "main" }, "Find")),
    place, more);
  ready();
  const keys = await keyList(signal);
  let cursor = null;
  await load();

  async function load() {
    more.disabled = true;
    try {
      do {
        const { data } = await ask(`${DISCORDANCES}${query({ ...known, "page.size": SIZE, "page.cursor": cursor })}`, { signal });
        body.append(...data.discordances.map((one) => line(one)));
        cursor = data["page.cursor"];
      } while (cursor && !body.children.length); // a page may be short and still not be the last
      more.hidden = !cursor;
      if (!body.children.length) fill(place, empty(h("p", {}, Object.values(known).some(Boolean) ? "No variant is like that." : "The labs agree: no variant is classified differently.")));
      else if (!place.contains(body)) fill(place, table("Discordances", COLUMNS, body));
    } catch (error) {
      if (error.name === "AbortError" || error.status === 401) throw error;
      fill(place, trouble(error, load));
    }
    more.disabled = false;
  }

  function line(one) {
    return row(COLUMNS, [
      [h("b", { class: "variant" }, one.variant), h("small", {}, one.gene_symbols.join(", "), one.gene_symbols.length ? " · " : "", ORIGINS[one.allele_origin_bucket])],
      one.kind === "between" ? badge("between buckets", "failed") : badge("within a bucket", "queued"),
      h("ul", { class: "plain labs" }, one.labs.map((of) => h("li", {}, h("b", {}, of.lab_name), of.classifications.map(said)))),
    ]);
  }

  function said(one) {
    const word = shownValue(keys.get("clinical_significance"), one.clinical_significance);
    const list = h("ul", { class: "plain" }, one.records.map((record) => h("li", {}, recordLink(record.id))));
    const rest = one.count - one.records.length;
    return h("details", {}, h("summary", {}, badge(word, `bucket-${one.bucket}`), ` ${plural(one.count, "record")}`), list, rest > 0 && h("p", { class: "hint" }, `and ${count(rest)} more`));
  }
}
