// Two skeletons beside each other: another choice, and anew where an estimate changes.

import { byId, listen, say } from "./common.js";
import { ask } from "./edit.js";

const pair = byId("pair");
const open = (other) => {
  location.search = new URLSearchParams({ a: byId("first").value, ...other });
};

async function openFile(file) {
  try {
    open({ file: (await ask("/kept", JSON.parse(await file.text()))).file });
  } catch (error) {
    const why = error instanceof SyntaxError ? "it holds no JSON" : error.message;
    say(byId("file-words"), `${file.name} is not compared: ${why}. A run keeps its estimate in skeleton_estimate.json.`);
  }
}

pair.addEventListener("change", (event) => {
  if (event.target.id !== "file") open({ b: byId("second").value });
  else if (event.target.files.length) openFile(event.target.files[0]);
});
pair.addEventListener("submit", (event) => event.preventDefault());

const { first, second = first } = pair.dataset; // no second where a file is compared
const compared = new URLSearchParams([["compared", first], ["compared", second]]);
let known = null;
listen(`/events?${compared}`, (content) => {
  const made = String(content.estimated_at);
  if (known !== null && known !== made) location.reload();
  known = made;
});
