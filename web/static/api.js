// The public API, asked with the reader's key. The key lives in this tab's session and goes out in one header, nowhere else.

const KEY = "waybill-key";
const FACE = "/classification/api/classifications/v2/";
export const RECORDS = `${FACE}record/`;
export const BULK_GET = `${FACE}records/bulk/get`;

export const key = () => sessionStorage.getItem(KEY);
export const keepKey = (text) => sessionStorage.setItem(KEY, text);
export const forgetKey = () => sessionStorage.removeItem(KEY);
export const authorization = () => ({ Authorization: `Bearer ${key() ?? ""}` });

export class Problem extends Error {
  constructor(status, body, pause) {
    super(body.detail || "The server did not say why.");
    this.status = status;
    this.code = body.code ?? `http_${status}`;
    this.title = `${body.title ?? "Refused"}.`;
    this.places = (body.errors ?? []).filter((place) => place.detail !== body.detail || place.line != null || place.pointer);
    this.pause = pause;
    this.token = body["job.token"];
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
