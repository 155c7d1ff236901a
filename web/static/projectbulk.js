// The operations over chosen records of a project.

import { ask, freshKey } from "./api.js";
import { bulk } from "./bulk.js";
import { field, h } from "./dom.js";

const remove = () => ({ parts: [h("p", {}, "Records are deleted with all that is below them. They can be taken back.")], read: () => ({}) });
const restore = () => ({ parts: [h("p", {}, "Deleted records come back, with all that went along.")], read: () => ({}) });
const channels = (enabled) => (project) => {
  const boxes = project.options.orderedchannels.filter((key) => key !== "__all__").map((key) =>
    h("input", { type: "checkbox", id: `channel-${key}`, value: key }));
  return {
    parts: [h("p", {}, enabled ? "The records are shown in these channels:" : "The records are no longer shown in these channels:"),
      boxes.map((box) => h("p", { class: "check" }, box, h("label", { for: box.id }, project.options.channels[box.value]))),
      boxes.length ? null : h("p", { class: "note" }, "This project has no channels.")],
    read: () => {
      const chosen = boxes.filter((box) => box.checked).map((box) => box.value);
      if (!chosen.length) throw new Error("Choose a channel.");
      return { channels: chosen, enabled };
    },
  };
};
const move = () => {
  const parent = h("input", { id: "bulk-parent", required: true, spellcheck: "false", "aria-describedby": "bulk-parent-hint" });
  return {
    parts: [field("Below which record", parent), h("p", { class: "hint", id: "bulk-parent-hint" }, "The gid of a record, which its page shows.")],
    read: () => {
      if (!parent.value.trim()) throw new Error("Below which record?");
      return { parent: parent.value.trim() };
    },
  };
};
const VERBS = [["Set channels on", "channels/set", channels(true)], ["Set channels off", "channels/set", channels(false)], ["Move", "move", move], ["Delete", "delete", remove], ["Undelete", "undelete", restore]];

export const projectActions = (project, signal) =>
  VERBS.map(([title, verb, form]) => [title, (chosen) => bulk(title, chosen, form(project), { send: sender(project, verb) }, signal)]);

const sender = (project, verb) => async (json, signal) => {
  const headers = { "Idempotency-Key": `"${freshKey()}"` };
  const { data } = await ask(`/api/p/${project.gid}/records/bulk/${verb}`, { method: "POST", json, headers, signal });
  return { token: data.result["job.token"] };
};
