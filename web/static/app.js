// Where one is and what is shown there. Addresses are kept behind the #, so that the server never sees them.

import { ask, forgetKey, keepKey, key } from "./api.js";
import { keepBell } from "./bell.js";
import { showDiscordances } from "./discordance.js";
import { fill, h, head, loading, say, toast, trouble } from "./dom.js";
import { listen } from "./feed.js";
import { showJob } from "./job.js";
import { showJobs } from "./jobs.js";
import { showNotices } from "./notices.js";
import { showOperations } from "./operations.js";
import { showProjectSearch, showTree } from "./project.js";
import { showProjectRecord } from "./projectrecord.js";
import { showProjects } from "./projects.js";
import { words } from "./progress.js";
import { showRecord } from "./record.js";
import { showRecords } from "./records.js";
import { showSubmit } from "./submit.js";
import { showWebhook } from "./webhook.js";
import { showWebhooks } from "./webhooks.js";
import { jobName, short } from "./words.js";

const main = document.getElementById("main");
const nav = document.getElementById("nav");
const leave = document.getElementById("leave");
const bell = document.getElementById("bell");
const ROUTES = [
  [/^\/jobs\/([^/]+)$/, showJob],
  [/^\/jobs$/, showJobs],
  [/^\/submit$/, showSubmit],
  [/^\/records\/(.+)$/, showRecord],
  [/^\/records$/, showRecords],
  [/^\/discordances$/, showDiscordances],
  [/^\/projects$/, showProjects],
  [/^\/projects\/([^/]+)$/, showTree],
  [/^\/projects\/([^/]+)\/search$/, showProjectSearch],
  [/^\/projects\/([^/]+)\/records\/([^/]+)$/, showProjectRecord],
  [/^\/operations$/, showOperations],
  [/^\/webhooks$/, showWebhooks],
  [/^\/webhooks\/([^/]+)$/, showWebhook],
  [/^\/notices$/, showNotices],
];
let shown = new AbortController();
let heard = null; // the listening to the feed, while somebody is signed in
let first = true;

function place() {
  const [path, query] = location.hash.replace(/^#/, "").split("?");
  return { path: path.replace(/\/$/, "") || "/jobs", query: new URLSearchParams(query) };
}

async function go() {
  shown.abort();
  shown = new AbortController();
  const { signal } = shown;
  const { path, query } = place();
  document.querySelectorAll("dialog").forEach((dialog) => dialog.close());
  nav.hidden = leave.hidden = !key();
  for (const link of [...nav.children, bell]) {
    const here = path.startsWith(link.getAttribute("href").slice(1));
    here ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
    if (here && link !== bell) nav.scrollLeft = link.offsetLeft - nav.offsetLeft - 40;
  }
  if (!key()) return signIn();
  hear();
  const [pattern, view] = ROUTES.find(([known]) => known.test(path)) ?? [];
  if (!view) return fill(main, head("Not here"), h("p", {}, "There is no such page. ", h("a", { href: "#/jobs" }, "To the jobs")));
  const names = pattern.exec(path).slice(1).map(decodeURIComponent);
  fill(main, loading(path.split("/")[1]));
  try {
    await view(main, { signal, query, names, name: names[0] ?? "", ready: arrive });
  } catch (error) {
    if (error.name === "AbortError" || signal.aborted) return;
    fill(main, head("Waybill"), trouble(error, error.status === 404 ? null : go));
  }
}

// After a move the reader, and what reads to the reader, is at the new heading; the first time the browser does that.
function arrive() {
  if (!first) main.querySelector("h1")?.focus({ preventScroll: true });
  if (!first) scrollTo(0, 0);
  first = false;
}

function hear() {
  if (heard) return;
  heard = new AbortController();
  listen(heard.signal);
  keepBell(heard.signal);
}

// A word about a job that has ended while one was looking at something else.
addEventListener("job", ({ detail: job }) => {
  const { path } = place();
  const tried = document.querySelector("dialog") || path === "/submit";
  if (!["done", "rejected"].includes(job.status) || tried || path === "/jobs" || path === `/jobs/${job.token}`) return;
  const told = `${jobName(job)} ${short(job.token)} ${job.info.outcome ?? job.status}: ${words({ ...job, ...job.info })}`;
  toast(h("a", { href: `#/jobs/${job.token}` }, told));
  say(told);
});

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

function forget() {
  shown.abort();
  heard?.abort();
  heard = null;
  forgetKey();
}

addEventListener("refused", () => {
  if (!key()) return;
  forget();
  signIn("This key is not known here, or it has ended.");
});
addEventListener("hashchange", go);
document.querySelector(".skip").addEventListener("click", (event) => (event.preventDefault(), main.focus()));
leave.addEventListener("click", () => {
  forget();
  location.hash = "";
  location.reload(); // nothing that was read stays in the tab
});
go();
