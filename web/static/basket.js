// What is chosen among records: single ones by clicking, or all that a search found but for those clicked away.

import { count, fill, h, plural, say } from "./dom.js";

export function basket(actions) {
  const ids = new Set(); // chosen ones; where everything is chosen, those left out
  let whole = null; // { size, partial, selection } of a search whose hits are all chosen; of a partial one there are more than `size`
  let found = null;
  const bar = h("div", { class: "basket", role: "region", "aria-label": "Selection", hidden: true });
  const boxes = new Map();

  const size = () => (whole ? whole.size - ids.size : ids.size);
  const named = () => (whole?.partial ? `All that match${ids.size ? ` but ${count(ids.size)}` : ""}` : plural(size(), "record"));
  const chosen = (id) => (whole ? !ids.has(id) : ids.has(id));
  const selection = () => (whole ? whole.selection([...ids]) : [...ids]);
  const everything = () => Boolean(whole?.everything);

  function box(id, name) {
    const made = h("input", { type: "checkbox", "aria-label": `Choose ${name}`, onchange: () => (turn(id, made.checked), show()) });
    made.checked = chosen(id);
    boxes.set(id, made);
    return made;
  }
  const turn = (id, on) => (on === !whole ? ids.add(id) : ids.delete(id));
  const head = h("input", { type: "checkbox", "aria-label": "Choose all on this page", onchange: () => (shown().forEach(([id]) => turn(id, head.checked)), show()) });
  const shown = () => [...boxes].filter(([, made]) => made.isConnected);

  function show() {
    for (const [id, made] of shown()) made.checked = chosen(id);
    head.checked = shown().length > 0 && shown().every(([id]) => chosen(id));
    head.indeterminate = !head.checked && shown().some(([id]) => chosen(id));
    const number = size();
    bar.hidden = !number;
    document.body.classList.toggle("with-basket", Boolean(number));
    fill(bar, h("b", {}, `${named()} chosen`),
      found && !whole && (found.partial || found.size > shown().length) && h("button", { type: "button", class: "link", onclick: all }, `Choose all ${found.partial ? "that match" : `${count(found.size)} found`}`),
      h("span", { class: "space" }),
      actions.map(([text, act]) => h("button", { type: "button", onclick: () => act({ named: named(), selection: selection(), everything: everything() }) }, text)),
      h("button", { type: "button", class: "quiet", onclick: clear }, "Clear"));
  }
  function all() {
    ids.clear();
    whole = found;
    show();
    say(`${named()} chosen.`);
  }
  function clear() {
    ids.clear();
    whole = null;
    show();
  }
  // A search was made: `selection(left out)` names all its hits.
  const searched = (hits) => {
    found = hits;
    if (whole) clear();
    show();
  };
  return { bar, box, head, searched, show };
}
