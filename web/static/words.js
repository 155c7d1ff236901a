// Words for what the service names by codes.

export const JOBS = {
  bulk_classifications: "Upload", validate_classifications: "Dry run", bulk_publish_classifications: "Publish",
  bulk_patch_classifications: "Patch", bulk_delete_classifications: "Delete", export_classifications: "Export", undo: "Undo",
};
export const jobName = (job) => JOBS[job.job] ?? capital(job.job.replace(/^bulk_/, "").replaceAll("_", " "));

export const LEVELS = {
  user: ["nobody else", "Only you see it."],
  lab: ["the lab", "Members of the lab see it."],
  institution: ["the organisation", "Members of all labs of the organisation see it."],
  organisation: ["the organisation", "Members of all labs of the organisation see it."],
  logged_in_users: ["signed-in users", "Everybody who is signed in sees it."],
  public: ["everybody", "Everybody sees it, signed in or not."],
};
export const level = (name) => LEVELS[name]?.[0] ?? name;
export const shareChoices = ["lab", "institution", "logged_in_users", "public"].map((name) => [name, LEVELS[name][0]]);

export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
export const short = (token) => token.slice(0, 8);
