// Plots over time, drawn by uPlot. The same numbers stand below as a table, for those who cannot see a picture.

import { count, h } from "./dom.js";

const HEIGHT = 150;
const STEPS = [1, 2, 5, 10, 30, 60, 300, 600, 1_800, 3_600, 7_200, 14_400, 86_400]; // seconds between two words on the axis of time
const CLOCK = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
const DARK = matchMedia("(prefers-color-scheme: dark)");
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

// `lines` are { label, colour, fill }, `read` gives [times, ...values] of them, times in UNIX seconds.
export function plot(title, lines, signal, { unit = "", most = 12 } = {}) {
  const place = h("div", { class: "plot", role: "img", "aria-label": title });
  const table = h("tbody");
  const element = h("figure", { class: "figure" },
    h("figcaption", {}, h("b", {}, title), h("span", { class: "legend" }, lines.map((line) => h("span", {}, h("i", { class: `key ${line.colour}` }), line.label)))),
    place,
    h("details", { class: "numbers" }, h("summary", {}, "As a table"),
      h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `${title}, as a table` }, h("table", {},
        h("thead", {}, h("tr", {}, ["Time", ...lines.map((line) => `${line.label}${unit && ` ${unit}`}`)].map((text) => h("th", { scope: "col" }, text)))), table))));
  let chart = null;
  let data = [[], ...lines.map(() => [])];

  const draw = () => {
    chart?.destroy();
    chart = new uPlot(settings(lines, place), data, place);
  };
  const fit = new ResizeObserver(() => place.clientWidth && (chart ? chart.setSize({ width: place.clientWidth, height: HEIGHT }) : draw()));
  fit.observe(place);
  DARK.addEventListener("change", draw, { signal });
  signal.addEventListener("abort", () => (fit.disconnect(), chart?.destroy()), { once: true });

  const show = (now) => {
    data = now;
    chart?.setData(data);
    const peak = Math.max(0, ...data[1]);
    place.setAttribute("aria-label", `${title}: at most ${count(Math.round(peak))} ${unit}, now ${count(Math.round(data[1].at(-1) ?? 0))}`);
    const every = Math.max(1, Math.ceil(data[0].length / most));
    table.replaceChildren(...data[0].map((_, at) => at).filter((at) => (data[0].length - 1 - at) % every === 0).map((at) =>
      h("tr", {}, h("td", {}, new Date(data[0][at] * 1000).toLocaleTimeString([], { ...CLOCK, second: "2-digit" })), lines.map((_, line) => h("td", {}, count(Math.round(data[line + 1][at] * 10) / 10))))));
  };
  return { element, show };
}

function settings(lines, place) {
  const ink = colour("faint");
  const axis = { stroke: ink, font: "12px system-ui, sans-serif", grid: { stroke: colour("line"), width: 1 }, ticks: { show: false } };
  return {
    width: Math.max(place.clientWidth, 120),
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false } },
    scales: { y: { range: (_, least, most) => [0, Math.max(most * 1.1, 1)] } },
    axes: [{ ...axis, size: 24, gap: 2, space: 76, incrs: STEPS, grid: { show: false }, values: times }, { ...axis, size: 48, values: (_, ticks) => ticks.map((tick) => (Number.isInteger(tick) ? short(tick) : "")) }],
    series: [{}, ...lines.map((line) => ({ label: line.label, stroke: colour(line.colour), width: 1.5, points: { show: false }, fill: line.fill && `${colour(line.colour)}2b` }))],
  };
}

const times = (_, ticks) => ticks.map((tick) => new Date(tick * 1000).toLocaleTimeString([], { ...CLOCK, ...(ticks[1] - ticks[0] < 60 && { second: "2-digit" }) }));
const short = (number) => (number >= 1e6 ? `${number / 1e6} M` : number >= 1e4 ? `${number / 1e3} k` : count(number));
