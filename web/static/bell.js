// The bell: how many notices have not been seen, as the feed tells of what has happened; and, where one agreed, the system's own.

import { ask, pause, visible } from "./api.js";
import { h } from "./dom.js";
import { over } from "./live.js";
import { told } from "./notice.js";

const MOST = 100; // the server counts no further
const GATHER = 0.3; // seconds in which what happens at once is gathered
const EVERY = 60; // seconds after which it is looked at anyway
const AGREED = "waybill-tell-me";
const bell = document.getElementById("bell");
const number = bell.querySelector(".number");

export const couldTell = () => "Notification" in window && window.isSecureContext;
export const tells = () => couldTell() && Notification.permission === "granted" && sessionStorage.getItem(AGREED) === "yes";

// Asks for consent, which is the browser's to ask for; for this tab, as the key is.
export async function agree(yes) {
  if (yes && (await Notification.requestPermission()) !== "granted") return false;
  yes ? sessionStorage.setItem(AGREED, "yes") : sessionStorage.removeItem(AGREED);
  dispatchEvent(new Event("agreed"));
  return tells();
}

export function ring(unseen) {
  number.textContent = unseen >= MOST ? `${MOST - 1}+` : unseen || "";
  bell.setAttribute("aria-label", unseen ? `Notices, ${unseen >= MOST ? `at least ${MOST}` : unseen} not seen` : "Notices");
}

// Keeps the bell up while somebody is signed in.
export async function keepBell(signal) {
  bell.hidden = false;
  let due = false;
  let newest = null; // the notice that was told of last, where they are told of outside
  const happened = ({ type, detail }) => (due ||= type !== "job" || over(detail));
  for (const type of ["job", "webhook", "agreed"]) addEventListener(type, happened, { signal });
  signal.addEventListener("abort", () => (bell.hidden = true, ring(0), sessionStorage.removeItem(AGREED)), { once: true });
  while (!signal.aborted) {
    due = false;
    try {
      const { data } = await ask(tells() ? "/api/notices?page.size=1" : "/api/notices/unseen", { signal });
      ring(data.unseen);
      newest = tells() ? outside(data.notices[0], newest) : null;
    } catch (error) {
      if (error.name === "AbortError" || error.status === 401) return; // other errors pass by themselves: it is looked again
    }
    for (let waited = 0; waited < EVERY && !due; waited += GATHER) await pause(GATHER, signal).catch(() => {});
    await pause(GATHER, signal).catch(() => {});
    if (!tells()) await visible(signal);
  }
}

// Tells of a notice that came while nobody looked at the tab; returns what is known now.
function outside(one, before) {
  const mark = one ? `${one.happened_on} ${one.job?.token ?? one.webhook.id}` : "";
  if (document.hidden && before !== null && mark && mark !== before) tell(one);
  return mark;
}

function tell(one) {
  const { text, address } = told(one);
  const shown = new Notification("Waybill", { body: text, tag: address });
  shown.onclick = () => (window.focus(), (location.hash = address), shown.close());
}

export const switchOutside = (signal) => {
  if (!couldTell()) return null;
  const button = h("button", { type: "button", onclick: async () => (await agree(!tells()), show()) });
  const show = () => {
    const blocked = Notification.permission === "denied";
    button.textContent = tells() ? "Stop telling outside this tab" : blocked ? "The browser forbids telling outside this tab" : "Tell me outside this tab";
    button.disabled = blocked;
    button.setAttribute("aria-pressed", String(tells()));
  };
  addEventListener("agreed", show, { signal });
  show();
  return button;
};
