// Where one is and what is shown there. Addresses are kept behind the #, so that the server never sees them.

import { ask, forgetKey, keepKey, key } from "./api.js";
import { fill, h, head, say, trouble } from "./dom.js";
import { showJob } from "./job.js";
import { showJobs } from "./jobs.js";
import { showRecord } from "./record.js";
import { showRecords } from "./records.js";
import { showSubmit } from "./submit.js";

const main = document.getElementById("main");
const nav = document.getElementById("nav");
const leave = document.getElementById("leave");
const ROUTES = [
  [/^\/jobs\/([^/]+)$/, showJob],
  [/^\/jobs$/, showJobs],
  [/^\/submit$/, showSubmit],
  [/^\/records\/(.+)$/, showRecord],
  [/^\/records$/, showRecords],
];
let shown = new AbortController();
let first = true;

function place() {
  const [path, query] = location.hash.replace(/^#/, "").split("?");
  return { path: path || "/jobs", query: new URLSearchParams(query) };
}

async function go() {
  shown.abort();
  shown = new AbortController();
  const { signal } = shown;
  const { path, query } = place();
  nav.hidden = leave.hidden = !key();
  for (const link of nav.children) {
    const here = path.startsWith(link.getAttribute("href").slice(1));
    here ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
  }
  if (!key()) return signIn();
  const [pattern, view] = ROUTES.find(([known]) => known.test(path)) ?? [];
  if (!view) return fill(main, head("Not here"), h("p", {}, "There is no such page. ", h("a", { href: "#/jobs" }, "To the jobs")));
  try {
    await view(main, { signal, query, name: decodeURIComponent(pattern.exec(path)[1] ?? ""), ready: arrive });
  } catch (error) {
    if (error.name === "AbortError" || signal.aborted) return;
    fill(main, head("Waybill"), trouble(error, go));
  }
}

// After a move the reader, and what reads to the reader, is at the new heading; the first time the browser does that.
function arrive() {
  if (!first) main.querySelector("h1")?.focus({ preventScroll: true });
  if (!first) scrollTo(0, 0);
  first = false;
}

function signIn(refused) {
  const input = h("input", { id: "key", type: "password", autocomplete: "off", spellcheck: "false", required: true, "aria-describedby": "about-key" });
  const answer = h("div", { role: "alert" }, refused && h("p", { class: "note bad" }, refused));
  const enter = async (event) => {
    event.preventDefault();
    keepKey(input.value.trim());
    try {
      await ask("/api/jobs?page.size=1");
      first = false;
      await go();
      say("Signed in.");
    } catch (error) {
      if (error.status !== 401) fill(answer, trouble(error));
      forgetKey();
      input.select();
    }
  };
  nav.hidden = leave.hidden = true;
  fill(main,
    h("form", { class: "card narrow", method: "post", onsubmit: enter },
      head("Sign in"),
      h("label", { for: "key" }, "API key"), input,
      h("p", { id: "about-key", class: "hint" }, "The first key is printed at the start, and kept in the file first-key of the data folder. This tab keeps it until it is closed."),
      answer, h("button", { class: "main" }, "Sign in")));
  input.focus();
}

addEventListener("refused", () => {
  if (!key()) return;
  shown.abort();
  forgetKey();
  signIn("This key is not known here, or it has ended.");
});
addEventListener("hashchange", go);
document.querySelector(".skip").addEventListener("click", (event) => (event.preventDefault(), main.focus()));
leave.addEventListener("click", () => {
  shown.abort();
  forgetKey();
  location.hash = "";
  signIn();
  say("Signed out.");
});
go();
