// Photos that are dropped, pasted or chosen go into the watched folder, one after the other.

import { byId, make, photos, picture, say } from "./common.js";
import { ask, key, refused, unlocked } from "./edit.js";

const AT_ONCE = 3;
const MOST_TOLD = 50;
const person = byId("name")?.dataset.name ?? "";

/** Whose photos they are: of whom the page tells, or a folder's own, or who is named above them. */
const personOf = (path) => person || (path.includes("/") ? "" : byId("whose")?.value.trim() ?? "");

const waiting = [];
const count = { all: 0, done: 0, taken: 0, there: 0, refused: 0 };
let working = 0;

/** Every file below what was dropped, with its path; folders are walked. */
async function* filesIn(entry, folder = "") {
  if (entry.isFile) {
    const file = await new Promise((found, failed) => entry.file(found, failed));
    yield [file, folder + file.name];
  } else if (entry.isDirectory) {
    const reader = entry.createReader();
    for (;;) {
      const some = await new Promise((found, failed) => reader.readEntries(found, failed));
      if (some.length === 0) return;
      for (const each of some) yield* filesIn(each, `${folder}${entry.name}/`);
    }
  }
}

function add(file, path) {
  if (count.done === count.all) {
    Object.assign(count, { all: 0, done: 0, taken: 0, there: 0, refused: 0 });
    byId("unsent").replaceChildren();
  }
  waiting.push([file, path, personOf(path)]);
  count.all += 1;
  tell();
  work();
}

async function take(transfer) {
  const entries = [...transfer.items].filter((item) => item.kind === "file").map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile());
  for (const entry of entries) {
    if (entry instanceof File) add(entry, entry.name);
    else if (entry) for await (const [file, path] of filesIn(entry)) add(file, path);
  }
}

function work() {
  while (working < AT_ONCE && waiting.length) {
    working += 1;
    const [file, path, whose] = waiting.shift();
    send(file, path, whose).finally(() => {
      working -= 1;
      count.done += 1;
      tell();
      work();
    });
  }
}

let share = new Map();

/** Sends one file; fetch would not tell how far it is. */
function send(file, path, whose) {
  return new Promise((ended) => {
    const request = new XMLHttpRequest();
    request.open("PUT", `/photo?${new URLSearchParams({ path, person: whose })}`);
    request.setRequestHeader("Authorization", `Bearer ${key()}`);
    request.upload.onprogress = (event) => {
      share.set(path, event.loaded / (event.total || 1));
      tell();
    };
    const end = (words) => {
      share.delete(path);
      if (words) {
        count.refused += 1;
        if (byId("unsent").children.length < MOST_TOLD) byId("unsent").append(make("li", {}, `${path}: ${words}`));
      }
      ended();
    };
    request.onload = () => {
      if (request.status === 401) refused();
      if (request.status !== 200) return end(request.responseText.trim() || `the server answers ${request.status}`);
      if (JSON.parse(request.responseText).new) count.taken += 1;
      else count.there += 1;
      end("");
    };
    request.onerror = () => end("it could not be sent: the file cannot be read, or the server does not answer");
    request.send(file);
  });
}

function tell() {
  byId("sending").hidden = count.all === 0;
  const partly = [...share.values()].reduce((sum, part) => sum + part, 0);
  byId("sent").value = count.all ? Math.min(count.done + partly, count.all) / count.all : 0;
  const parts = [`${count.taken.toLocaleString()} added`];
  if (count.there) parts.push(`${count.there.toLocaleString()} there already`);
  if (count.refused) parts.push(`${count.refused.toLocaleString()} not taken${count.refused > MOST_TOLD ? `, the first ${MOST_TOLD} of them:` : ""}`);
  say(byId("sent-words"), `${count.done.toLocaleString()} of ${photos(count.all)}: ${parts.join(", ")}`);
}

async function showPhone() {
  const place = byId("phone");
  place.hidden = false;
  try {
    const { link, picture: code } = await ask("/link", {});
    place.replaceChildren(
      make("p", { class: "words" }, "Scan this with the phone, or open the link there. It is good once."),
      ...[picture(code)].filter(Boolean),
      make("p", { class: "words" }, make("code", {}, link)),
    );
  } catch (error) {
    place.replaceChildren(make("p", { class: "words" }, `Not from here: ${error.message}.`));
  }
}

if (byId("drop")) {
  const drop = byId("drop");
  const holdsFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  window.addEventListener("dragover", (event) => {
    if (!holdsFiles(event) || !unlocked()) return;
    event.preventDefault();
    drop.classList.add("over");
  });
  window.addEventListener("dragleave", (event) => event.relatedTarget ?? drop.classList.remove("over"));
  window.addEventListener("drop", (event) => {
    drop.classList.remove("over");
    if (!holdsFiles(event) || !unlocked()) return;
    event.preventDefault();
    drop.scrollIntoView({ block: "nearest" });
    take(event.dataTransfer);
  });
  window.addEventListener("paste", (event) => unlocked() && take(event.clipboardData));
  for (const [button, input] of [["choose-photos", "files"], ["choose-folder", "folder"]]) {
    byId(button).addEventListener("click", () => byId(input).click());
    byId(input).addEventListener("change", () => {
      for (const file of byId(input).files) add(file, file.webkitRelativePath || file.name);
      byId(input).value = "";
    });
  }
  const isTouched = matchMedia("(pointer: coarse)").matches;
  byId("choose-folder").hidden = isTouched || !("webkitdirectory" in byId("folder"));
  byId("from-phone").hidden = isTouched;
  byId("drop-words").hidden = isTouched;
  byId("from-phone").addEventListener("click", showPhone);
}
