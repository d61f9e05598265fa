import { address, ago, byId, listen, make, photos, picture, say, showPhotos, showStream } from "./common.js";

const cards = new Map();

function card(subject) {
  const link = make(
    "a",
    { class: "card", href: address(subject.name) },
    make("div", { class: "mini" }),
    make("div", {}, make("strong", {}, subject.name), make("span", { class: "count" }), make("span", { class: "sure" }), make("span", { class: "when" })),
  );
  return { item: make("li", {}, link), figure: undefined };
}

function update(known, subject) {
  const find = (selector) => known.item.querySelector(selector);
  if (subject.figure !== known.figure) {
    known.figure = subject.figure;
    find(".mini").replaceChildren(...[picture(subject.figure)].filter(Boolean));
  }
  say(find(".count"), `${photos(subject.observations)}, ${subject.used.toLocaleString()} count`);
  say(find(".sure"), subject.bones ? `${subject.stable} of ${subject.bones} bones stable${subject.drift ? ", drifting" : ""}` : "no bone is known yet");
  say(find(".when"), ago(subject.estimated_at));
}

listen("/events", (content) => {
  showStream(content.stream);
  showPhotos(content.photos, true);
  byId("nobody").hidden = content.subjects.length > 0;
  const names = new Set(content.subjects.map((subject) => subject.name));
  for (const name of cards.keys()) if (!names.has(name)) cards.delete(name);
  for (const subject of content.subjects) {
    if (!cards.has(subject.name)) cards.set(subject.name, card(subject));
    update(cards.get(subject.name), subject);
  }
  // By name: a list that is sorted by what changed last would never stand still.
  const items = [...names].sort((a, b) => a.localeCompare(b)).map((name) => cards.get(name).item);
  const place = byId("subjects");
  if (items.length !== place.children.length || items.some((item, at) => place.children[at] !== item)) {
    place.replaceChildren(...items);
  }
});
