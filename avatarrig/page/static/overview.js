import { address, ago, byId, counting, listen, make, moments, photos, picture, say, showStream } from "./common.js";
import "./add.js";
import { among, follow as followPhotos } from "./album.js";

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
  say(find(".count"), `${photos(subject.observations)}, ${counting(subject.used)}${moments(subject.moments)}`);
  say(find(".sure"), subject.bones ? `${subject.stable} of ${subject.bones} bones stable${subject.drift ? ", drifting" : ""}` : "no bone is known yet");
  say(find(".when"), ago(subject.estimated_at));
}

/** Offers the people who are shown as those whose photos are added. */
function offer(names) {
  const place = byId("people");
  if (place && names.join("\n") !== [...place.options].map((option) => option.value).join("\n")) {
    place.replaceChildren(...names.map((name) => make("option", { value: name })));
  }
}

const asked = { search: "", order: "name", page: 0 };

function path() {
  return `/events?${new URLSearchParams(Object.entries(asked).filter(([, value]) => value))}`;
}

/** Says how many there are, and leads to the others. */
function showPlace({ total, found, page, pages }) {
  asked.page = page;
  byId("nobody").hidden = total > 0;
  byId("find").hidden = total < 2;
  const people = `${total.toLocaleString()} subject${total === 1 ? "" : "s"}`;
  say(byId("found"), total === 0 ? "" : found === total ? people : `${found.toLocaleString()} of ${people}`);
  byId("pages").hidden = pages < 2;
  say(byId("page"), `page ${page + 1} of ${pages}`);
  for (const button of document.querySelectorAll("[data-step]")) {
    button.disabled = !(page + Number(button.dataset.step) in [...Array(pages)]);
  }
}

let typing = 0;
byId("search").addEventListener("input", (event) => {
  clearTimeout(typing);
  typing = setTimeout(() => {
    const search = event.target.value.trim();
    ask({ search, page: 0 });
    among(search);
  }, 200);
});
byId("order").addEventListener("change", (event) => ask({ order: event.target.value, page: 0 }));
byId("find").addEventListener("submit", (event) => event.preventDefault());
for (const button of document.querySelectorAll("[data-step]")) {
  button.addEventListener("click", () => ask({ page: asked.page + Number(button.dataset.step) }));
}

function ask(change) {
  Object.assign(asked, change);
  follow(path());
}

const follow = listen(path(), (content) => {
  showStream(content.stream);
  followPhotos(content.photos);
  showPlace(content);
  const names = content.subjects.map((subject) => subject.name);
  for (const name of cards.keys()) if (!names.includes(name)) cards.delete(name);
  for (const subject of content.subjects) {
    if (!cards.has(subject.name)) cards.set(subject.name, card(subject));
    update(cards.get(subject.name), subject);
  }
  offer(names);
  const items = names.map((name) => cards.get(name).item);
  const place = byId("subjects");
  if (items.length !== place.children.length || items.some((item, at) => place.children[at] !== item)) {
    place.replaceChildren(...items);
  }
});
