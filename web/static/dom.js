// Elements made by hand. Text is always text: nothing here reads markup.

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child != null && child !== false));
  return element;
}

export const fill = (element, ...children) => {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child != null && child !== false));
  return element;
};

export const count = (number) => number.toLocaleString("en");

export const plural = (number, word) => `${count(number)} ${word}${number === 1 ? "" : "s"}`;

export function moment(text) {
  if (!text) return "–";
  const date = new Date(text);
  const today = date.toDateString() === new Date().toDateString();
  const shown = today ? date.toLocaleTimeString() : date.toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
  return h("time", { datetime: text, title: date.toLocaleString() }, shown);
}

export const badge = (word, kind = word) => h("span", { class: `badge ${kind}` }, word);

// What a view shows when there is nothing, or not yet.
export const loading = (what) => h("p", { class: "note", "aria-busy": "true" }, `Loading ${what} …`);
export const empty = (...children) => h("div", { class: "note empty" }, children);

export function trouble(error, again) {
  const where = error.places?.length
    ? h("ul", {}, error.places.slice(0, 10).map((place) => h("li", {}, placeText(place))))
    : null;
  const button = again && h("button", { type: "button", onclick: again }, "Try again");
  return h("div", { class: "note bad", role: "alert" }, h("p", {}, h("b", {}, error.title ?? "That did not work."), " ", error.message), where, button);
}

function placeText(place) {
  const at = [place.line != null && `line ${place.line}`, place.line == null && place.index != null && `item ${place.index}`, place.pointer];
  const named = at.filter(Boolean).join(", ");
  return named ? `${named}: ${place.detail}` : place.detail;
}

// A polite word to those who do not see the page change.
export const say = (text) => {
  document.getElementById("say").textContent = text;
};

export function head(title, ...more) {
  document.title = `${title} · Waybill`;
  return h("div", { class: "head" }, h("h1", { tabindex: "-1" }, title), more);
}

export const table = (caption, columns, rows) =>
  h("table", { class: "cards" },
    h("caption", { class: "unseen" }, caption),
    h("thead", {}, h("tr", {}, columns.map((name) => h("th", { scope: "col" }, name)))),
    rows);

// Cells carry their column's name, for narrow screens, where a row becomes a card.
export const row = (columns, cells) =>
  h("tr", {}, cells.map((cell, at) => h("td", { "data-label": columns[at] }, cell)));
