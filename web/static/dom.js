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

const CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
const DAY = { year: "numeric", month: "short", day: "numeric" };

export function moment(text) {
  if (!text) return "–";
  const date = new Date(text);
  const today = date.toDateString() === new Date().toDateString();
  const shown = today ? date.toLocaleTimeString([], CLOCK) : date.toLocaleString([], { ...DAY, ...CLOCK });
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

export const field = (label, control, hint) =>
  h("div", { class: "field" }, h("label", { for: control.id }, label), control, hint && h("p", { class: "hint" }, hint));

export const choice = (id, options, chosen, more = {}) =>
  h("select", { id, ...more }, options.map(([value, text]) => h("option", { value, selected: value === chosen }, text)));

export const bytes = (number) =>
  number < 1024 ? `${number} bytes` : number < 2 ** 20 ? `${Math.round(number / 1024)} KiB` : `${(number / 2 ** 20).toFixed(1)} MiB`;

// What the browser keeps as a file.
export function save(name, parts, type) {
  const url = URL.createObjectURL(new Blob(parts, { type }));
  const link = h("a", { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

// A word that comes into sight and goes by itself; it can be read for longer by pointing at it.
export function toast(...children) {
  const shown = h("div", { class: "toast" }, children, h("button", { type: "button", class: "quiet", "aria-label": "Dismiss", onclick: () => shown.remove() }, "✕"));
  document.getElementById("toasts").append(shown);
  const fade = () => (shown.matches(":hover, :focus-within") ? setTimeout(fade, 2_000) : shown.remove());
  setTimeout(fade, 8_000);
}

// A polite word to those who do not see the page change.
export const say = (text) => {
  document.getElementById("say").textContent = text;
};

export function head(title, ...more) {
  const heading = h("h1", { tabindex: "-1" }, title);
  document.title = `${heading.textContent} · Waybill`;
  return h("div", { class: "head" }, heading, more);
}

export const table = (caption, columns, rows) =>
  h("table", { class: "cards" },
    h("caption", { class: "unseen" }, caption),
    h("thead", {}, h("tr", {}, columns.map((name) => (name ? h("th", { scope: "col" }, name) : h("td"))))),
    rows);

// Cells carry their column's name, for narrow screens, where a row becomes a card.
export const row = (columns, cells) =>
  h("tr", {}, cells.map((cell, at) => h("td", { "data-label": columns[at] }, cell)));
