// The public API, asked with the reader's key. The key lives in this tab's session and goes out in one header, nowhere else.

const KEY = "waybill-key";
const FACE = "/classification/api/classifications/v2/";
export const RECORDS = `${FACE}record/`;
export const BULK = `${FACE}records/bulk/`;
export const BULK_GET = `${BULK}get`;
export const DISCORDANCES = "/classification/api/classifications/v3/discordances";
export const recordPath = (name) => RECORDS + name.split("/").map(encodeURIComponent).join("/");

export const key = () => sessionStorage.getItem(KEY);
export const keepKey = (text) => sessionStorage.setItem(KEY, text);
export const forgetKey = () => sessionStorage.removeItem(KEY);
export const authorization = () => ({ Authorization: `Bearer ${key() ?? ""}` });

// A refusal of either face: a problem document, or the envelope of the project face, which keeps its own in `info`.
export class Problem extends Error {
  constructor(status, body, pause) {
    const { message, info } = body.result ?? {};
    const said = message ? { ...info, detail: message, errors: info?.pointer ? [{ ...info, detail: message }] : [] } : body;
    super(said.detail || "The server did not say why.");
    this.status = status;
    this.code = said.code ?? `http_${status}`;
    this.title = `${said.title ?? "Refused"}.`;
    this.places = (said.errors ?? []).filter((place) => place.detail !== said.detail || place.line != null || place.pointer);
    this.pause = pause;
    this.token = said["job.token"];
    this.changes = said.changes ?? [];
  }
}

class Away extends Error {
  title = "No answer.";
}

async function send(path, options) {
  try {
    return await fetch(path, { cache: "no-store", credentials: "omit", redirect: "error", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Away("The server cannot be reached just now.");
  }
}

export async function problemOf(answer) {
  const body = await answer.json().catch(() => ({}));
  const pause = Number(answer.headers.get("Retry-After")) || null;
  if (answer.status === 401) dispatchEvent(new Event("refused"));
  return new Problem(answer.status, body, pause);
}

export async function ask(path, { method = "GET", json, headers = {}, signal } = {}) {
  const body = json === undefined ? undefined : JSON.stringify(json);
  const type = body ? { "Content-Type": "application/json" } : {};
  const answer = await send(path, { method, body, signal, headers: { ...authorization(), ...type, ...headers } });
  if (!answer.ok) throw await problemOf(answer);
  const data = answer.status === 204 ? null : await answer.json();
  return { data, pause: Number(answer.headers.get("Retry-After")) || 1 };
}

export async function fetchFile(path, signal) {
  const answer = await send(path, { headers: authorization(), signal });
  if (!answer.ok) throw await problemOf(answer);
  return answer.blob();
}

// A call of the project face.
export async function call(project, rule, json = {}, signal) {
  return (await ask(`/api/p/${encodeURIComponent(project)}/${rule}`, { method: "POST", json, signal })).data;
}

export const query = (parameters) => {
  const known = Object.entries(parameters).filter(([, value]) => value != null && value !== "");
  return known.length ? `?${new URLSearchParams(known)}` : "";
};

export const freshKey = () => {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
};

export const pause = (seconds, signal) =>
  new Promise((resolve, reject) => {
    const stop = () => (clearTimeout(timer), reject(new DOMException("stopped", "AbortError")));
    const timer = setTimeout(() => (signal?.removeEventListener("abort", stop), resolve()), seconds * 1000);
    signal?.addEventListener("abort", stop, { once: true });
  });

export const visible = (signal) =>
  new Promise((resolve) => {
    if (!document.hidden) return resolve();
    document.addEventListener("visibilitychange", resolve, { once: true, signal });
  });
