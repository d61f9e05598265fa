// Two subjects beside each other: another choice, and anew where an estimate changes.

import { byId, listen } from "./common.js";

const pair = byId("pair");
pair.addEventListener("change", () => {
  location.search = new URLSearchParams({ a: byId("first").value, b: byId("second").value });
});
pair.addEventListener("submit", (event) => event.preventDefault());

let known = null;
listen(`/events?name=${encodeURIComponent(pair.dataset.first)}`, (content) => {
  if (known !== null && known !== content.estimated_at) location.reload();
  known = content.estimated_at;
});
