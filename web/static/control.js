// What can be done with a job that is not over: pause it, let it go on, let it go slower, stop it.

import { ask } from "./api.js";
import { count, h, say } from "./dom.js";

export const FASTEST = 1_000_000;

export const CONTROLS = {
  async cancel(token) {
    await ask(`/api/jobs/${token}/cancel`, { method: "POST" });
    say("The job is asked to stop.");
  },
  async pause(token) {
    const { data } = await ask(`/api/jobs/${token}/pause`, { method: "POST" });
    say(data.paused ? "The job is paused." : "The job pauses once what is worked on has ended.");
  },
  async resume(token) {
    await ask(`/api/jobs/${token}/resume`, { method: "POST" });
    say("The job goes on.");
  },
};

export const steered = (before, now) =>
  ["cancel_requested", "pause_requested", "paused", "pace"].some((name) => before[name] !== now[name]);

// `button` makes one of an act's name, its text and its kind; `act` does what it is given and shows what goes wrong.
export function controls(job, button, act) {
  if (job.cancel_requested) return h("button", { disabled: true }, "Stopping …");
  return [paceForm(job, act), job.pause_requested ? button("resume", "Resume", "main") : button("pause", "Pause"), button("cancel", "Cancel")];
}

function paceForm(job, act) {
  const field = h("input", { id: "pace", type: "number", min: 1, max: FASTEST, step: 1, value: job.pace ?? "", placeholder: "no limit", "aria-describedby": "pace-unit" });
  const set = h("button", { type: "submit" }, "Set pace");
  const form = h("form", { class: "pace" }, h("label", { for: "pace" }, "Pace"), field, h("span", { id: "pace-unit" }, "a second"), set);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    act(set, async () => {
      const pace = field.value === "" ? null : Number(field.value);
      await ask(`/api/jobs/${job.token}`, { method: "PATCH", json: { pace } });
      say(pace ? `The job does at most ${count(pace)} items a second.` : "The job goes as fast as it can.");
      set.disabled = false;
    });
  });
  return form;
}
