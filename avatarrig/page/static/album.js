// All photos, a page at a time from the server; each opens with what was seen in it.

import { ago, byId, counting, make, photos as inWords, say } from "./common.js";
import { ask, unlocked, whenChanged } from "./edit.js";

const REST_MS = 700; // between two looks at photos that change all the time
const name = byId("album").dataset.name;
const asked = { reason: "", search: "", who: "", page: 0 };
let shown = { photos: [], pages: 1, page: 0 };
let version = null;
let busy = false;
let again = false;
let open = null; // the photo in the viewer, by its key
let opened = null;

const keyOf = (photo) => `${photo.subject}\u0000${photo.image}`;
const pose = (photo) => `/pose.svg?${new URLSearchParams({ name: photo.subject, image: photo.image, at: photo.at })}`;

function source(photo, whole) {
  if (photo.overlay) return `/overlay?${new URLSearchParams({ image: photo.image, at: photo.at })}${whole ? "&whole" : ""}`;
  return photo.found ? pose(photo) : null;
}

function drawing(photo, whole) {
  const address = source(photo, whole);
  if (!address) return make("span", {}, "nobody found, and no picture");
  const what = photo.overlay ? (photo.found ? "photo with the pose over it" : "photo, nobody found") : "pose";
  return make("img", { src: address, alt: `${photo.path}: ${what}`, loading: whole ? "eager" : "lazy", decoding: "async" });
}

/** Looks at the page that was asked for; of many calls in a row the last one counts. */
export async function look() {
  if (busy) {
    again = true;
    return;
  }
  busy = true;
  again = false;
  try {
    const query = new URLSearchParams(Object.entries({ name, ...asked }).filter(([, value]) => value));
    const answer = await fetch(`/photos?${query}`);
    if (answer.ok) show(await answer.json());
  } catch {
    // the connection's own words tell that nobody answers
  }
  setTimeout(() => {
    busy = false;
    if (again || shown.read) look();
  }, REST_MS);
}

/** Looks again where the server says that something changed. */
export function follow(latest) {
  if (latest === version) return;
  version = latest;
  look();
}

const items = new Map();
const hearing = [];

/** Calls back with each page of photos. */
export const found = (tell) => hearing.push(tell);

/** Opens a photo that need not be on the page that is shown. */
export async function openPhoto(image, subject = name) {
  const answer = await fetch(`/photos?${new URLSearchParams({ name: subject, image })}`).catch(() => null);
  if (answer?.ok) view((await answer.json()).photos[0]);
}

function show(content) {
  shown = content;
  for (const tell of hearing) tell(content);
  version = content.version;
  asked.page = content.page;
  showChoice(content);
  const keys = new Set(content.photos.map(keyOf));
  for (const key of items.keys()) if (!keys.has(key)) items.delete(key);
  const list = content.photos.map((photo) => {
    const known = items.get(keyOf(photo));
    const same = known && known.photo.at === photo.at && known.photo.overlay === photo.overlay;
    const item = same ? known.item : newItem(photo);
    items.set(keyOf(photo), { photo, item });
    update(item, photo);
    return item;
  });
  const place = byId("photos");
  if (list.length !== place.children.length || list.some((item, at) => place.children[at] !== item)) place.replaceChildren(...list);
  if (open !== null) {
    const there = content.photos.find((photo) => keyOf(photo) === open);
    if (there) view(there);
    else openPhoto(opened.image, opened.subject);
  }
}

function showChoice({ all, found, page, pages, reasons, read, trouble }) {
  byId("photo-find").hidden = all === 0 && !asked.search && !asked.who;
  const options = [["", `all (${all.toLocaleString()})`], ...reasons.map(([code, words, count]) => [code, `${words} (${count.toLocaleString()})`])];
  if (asked.reason && !reasons.some(([code]) => code === asked.reason)) options.push([asked.reason, "none of them (0)"]);
  const select = byId("photo-reason");
  const written = JSON.stringify(options);
  if (select.dataset.written !== written) {
    select.dataset.written = written;
    select.replaceChildren(...options.map(([code, words]) => make("option", { value: code, selected: code === asked.reason }, words)));
  }
  const used = reasons.find(([code]) => code === "counts")?.[2] ?? 0;
  const known = all === 0 ? (asked.search ? "No photo is called that." : asked.who ? "No photo of a subject called that." : "No photo has been looked at yet.") : `${inWords(all)}, ${counting(used)}${found === all ? "" : `; ${found.toLocaleString()} shown`}`;
  const reading = read ? ` Reading: ${Math.floor((100 * read[0]) / read[1])} % of what there is.` : "";
  say(byId("photos-words"), trouble || (read && all === 0 ? "Looking for photos." : known) + reading);
  byId("photo-pages").hidden = pages < 2;
  say(byId("photo-page"), `page ${(page + 1).toLocaleString()} of ${pages.toLocaleString()}`);
  for (const button of document.querySelectorAll("[data-turn]")) {
    const to = page + Number(button.dataset.turn);
    button.disabled = to < 0 || to >= pages;
  }
}

function newItem(photo) {
  const open = make("button", { type: "button", class: "picture", "aria-label": `Open ${photo.path}` }, drawing(photo, false));
  open.addEventListener("click", () => view(items.get(keyOf(photo)).photo));
  return make(
    "li",
    {},
    make(
      "figure",
      { class: "card" },
      open,
      make(
        "figcaption",
        {},
        make("b", { title: photo.path }, photo.path.split("/").at(-1)),
        make("span", { class: "verdict" }),
        make("span", {}, name ? "" : `${photo.subject} · `, make("time", {})),
        make("span", { class: "buttons" }),
      ),
    ),
  );
}

function update(item, photo) {
  const words = item.querySelector(".verdict");
  say(words, photo.verdict);
  words.classList.toggle("out", !photo.counts);
  say(item.querySelector("time"), ago(photo.at));
  const place = item.querySelector(".buttons");
  const state = `${unlocked()} ${photo.standing} ${photo.counts}`;
  if (place.dataset.state === state) return;
  place.dataset.state = state;
  place.replaceChildren(...(unlocked() ? changes(photo).slice(0, 1).map((change) => button(photo, change)) : []));
}

const ADJUDICABLE = ["unsure", "somebody_else", "ambiguous"];

/** What can be decided about a photo: words, and how it shall stand; the likeliest first. */
function changes(photo) {
  const taken = photo.standing === "left_out";
  const mine = [`This is ${photo.subject}`, "point"];
  if (photo.counts) return [["Leave out", "left_out"], [`Not ${photo.subject}`, "somebody_else"], mine];
  if (taken) return [["Put back", "back"]];
  if (ADJUDICABLE.includes(photo.reason)) return [mine, ["Leave out", "left_out"]];
  return [["Leave out", "left_out"]]; // whatever another detection sees in it
}

function button(photo, [words, to]) {
  const made = make("button", { type: "button", class: "small" }, words);
  made.addEventListener("click", () => (to === "point" ? point(photo, made) : decide(photo, to, made)));
  return made;
}

async function decide(photo, to, pressed) {
  const buttons = [...(pressed.closest(".buttons")?.querySelectorAll("button") ?? [])];
  for (const each of buttons) each.disabled = true;
  try {
    const done = await ask("/decide", { subject: photo.subject, photos: [photo.image], to, reason: "on the page" });
    const before = done.before[photo.image];
    if (before === undefined) tell(`${photo.path}: unchanged, ${done.same[0]?.[1] ?? "as it was"}.`);
    else tell(`${photo.path}: ${to === "left_out" ? "left out" : to === "somebody_else" ? `not ${photo.subject}` : "counts again, if it can"}.`, () => undo(photo, before, done.references[photo.image]));
  } catch (error) {
    tell(`${photo.path}: not changed: ${error.message}.`);
  } finally {
    for (const each of buttons) each.disabled = false;
    look();
  }
}

/** Says that a photo shows its subject, and where where several faces are to be seen. */
async function point(photo, pressed, at) {
  const buttons = [...(pressed.closest(".buttons, .faces")?.querySelectorAll("button") ?? [])];
  for (const each of buttons) each.disabled = true;
  try {
    const done = await ask("/point", { subject: photo.subject, photo: photo.image, ...(at ? { at } : {}) });
    if (done.faces) return chooseFace(photo, done.faces);
    for (const each of document.querySelectorAll(".faces button")) each.remove();
    const back = () => undo(photo, done.before[photo.image], done.references[photo.image]);
    if (!done.no_face) tell(`${photo.path}: this is ${photo.subject}. Faces are compared on this machine from now on, and all photos of ${photo.subject} are looked at again.`, back);
    else if (done.before[photo.image] === undefined) tell(`${photo.path}: unchanged, ${done.same[0]?.[1] ?? "as it was"}; no reference: ${done.no_face}`);
    else tell(`${photo.path}: counts, if it can, but is no reference: ${done.no_face}`, back);
  } catch (error) {
    tell(`${photo.path}: not changed: ${error.message}.`);
  } finally {
    for (const each of buttons) each.disabled = false;
    look();
  }
}

/** Has somebody choose one of several faces in the photo itself. */
function chooseFace(photo, faces) {
  view(photo);
  const place = make("span", { class: "faces" }, drawing(photo, true));
  for (const [number, at] of faces.entries()) {
    const face = make("button", { type: "button", "aria-label": `Face ${number + 1} of ${faces.length}, from left to right: this is ${photo.subject}` }, String(number + 1));
    face.style.left = `${100 * at[0]}%`;
    face.style.top = `${100 * at[1]}%`;
    face.addEventListener("click", () => point(photo, face, at));
    place.append(face);
  }
  byId("viewer-picture").replaceChildren(place);
  tell(`${faces.length} faces are to be seen: press the number on the one that is ${photo.subject}.`);
  place.querySelector("button").focus();
}

async function undo(photo, before, face = "") {
  try {
    await ask("/decide", { subject: photo.subject, photos: [photo.image], to: before, reason: "undone on the page", undo: true, face });
    tell(`${photo.path}: undone.`);
  } catch (error) {
    tell(`${photo.path}: not undone: ${error.message}.`);
  }
  look();
}

/** Says what happened, with a way back. */
function tell(words, back = null) {
  const place = byId("told");
  const undoing = back ? make("button", { type: "button", class: "small" }, "Undo") : null;
  undoing?.addEventListener("click", () => {
    undoing.disabled = true;
    back();
  });
  place.replaceChildren(words, ...(undoing ? [" ", undoing] : []));
  place.hidden = false;
  (byId("viewer").open ? byId("viewer") : byId("album")).append(place);
}

const quoted = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** Opens a photo, or shows what became of the one that is open. */
function view(photo) {
  const viewer = byId("viewer");
  if (!photo) return;
  const isSame = open === keyOf(photo);
  // Whoever chooses among faces goes on, though the photo was looked at again meanwhile.
  const isChoosing = isSame && document.querySelector(".faces button") !== null;
  const isNew = !isSame || (viewer.dataset.at !== String(photo.at) && !isChoosing);
  open = keyOf(photo);
  opened = photo;
  say(byId("viewer-title"), photo.path);
  if (isNew) {
    viewer.dataset.at = String(photo.at);
    byId("viewer-picture").replaceChildren(drawing(photo, true));
  }
  say(byId("viewer-verdict"), `${photo.verdict[0].toUpperCase()}${photo.verdict.slice(1)}.`);
  byId("viewer-verdict").classList.toggle("out", !photo.counts);
  const people = photo.people === 1 ? "1 person" : `${photo.people} people`;
  const taken = photo.taken ? `taken ${new Date(photo.taken * 1000).toLocaleString([], { dateStyle: "medium", timeStyle: "short" })}` : "no time of its own";
  say(byId("viewer-words"), `${photo.subject} · ${photo.found ? people : "nobody found"} · ${photo.width} × ${photo.height} · ${taken}${photo.overlay || !photo.found ? "" : " · the pose alone: no picture is kept here"}${photo.overlay && photo.standing ? " · what is written in the picture is from before this was decided" : ""}`);
  const some = changes(photo);
  byId("viewer-buttons").replaceChildren(...(unlocked() ? some.map((change) => button(photo, change)) : []));
  const pointing = byId("viewer-pointing");
  if (pointing) pointing.hidden = !unlocked() || !some.some(([, to]) => to === "point");
  byId("viewer-command").hidden = unlocked() || some.length === 0;
  if (some.length) {
    const command = some[0][1] === "left_out" ? "exclude" : "include";
    const kafka = document.body.dataset.kafka;
    say(byId("viewer-command").querySelector("pre"), `avatarrig ${command} --bootstrap-servers ${quoted(kafka)} --subject ${quoted(photo.subject)} ${quoted(photo.image)}`);
  }
  const at = shown.photos.findIndex((each) => keyOf(each) === open);
  for (const each of document.querySelectorAll("[data-view]")) each.disabled = at < 0 || !shown.photos[at + Number(each.dataset.view)];
  if (!viewer.open) viewer.showModal();
}

function step(by) {
  const at = shown.photos.findIndex((photo) => keyOf(photo) === open);
  if (at >= 0) view(shown.photos[at + by]);
}

const viewer = byId("viewer");
viewer.addEventListener("close", () => {
  const left = items.get(open)?.item;
  open = null;
  byId("album").append(byId("told"));
  left?.querySelector(".picture")?.focus();
});
viewer.addEventListener("keydown", (event) => {
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (by) step(by);
});
viewer.addEventListener("click", (event) => event.target === viewer && viewer.close());
byId("viewer-close").addEventListener("click", () => viewer.close());
for (const each of document.querySelectorAll("[data-view]")) each.addEventListener("click", () => step(Number(each.dataset.view)));

let typing = 0;
const choose = (change) => {
  Object.assign(asked, { page: 0 }, change);
  look();
};
/** Shows photos of those alone whose names contain a text. */
export const among = (who) => choose({ who });
byId("photo-reason").addEventListener("change", (event) => choose({ reason: event.target.value }));
byId("photo-search").addEventListener("input", (event) => {
  clearTimeout(typing);
  typing = setTimeout(() => choose({ search: event.target.value.trim() }), 200);
});
byId("photo-find").addEventListener("submit", (event) => event.preventDefault());
for (const each of document.querySelectorAll("[data-turn]")) {
  each.addEventListener("click", () => choose({ page: asked.page + Number(each.dataset.turn) }));
}
whenChanged(() => items.size && show(shown));
look();
