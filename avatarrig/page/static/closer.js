// A closer look: which photos disagree, with their pictures; and one estimate a year.

import { byId, cell, make, photos as inWords, say } from "./common.js";
import { found, openPhoto } from "./album.js";

const name = byId("name").dataset.name;
let looked = null; // when the estimate was made that was looked at
let wanted = { doubt: false, years: false };
let latest = null;

/** Hears of each estimate. */
export function take(content) {
  latest = content.estimated_at;
  wanted.doubt = content.consistent === false;
  byId("doubt").hidden = !wanted.doubt;
  look();
}

found((content) => {
  wanted.years = content.years > 1;
  byId("years-card").hidden = !wanted.years;
  look();
});

async function look() {
  if (latest === null || looked === latest || !(wanted.doubt || wanted.years)) return;
  const asked = (looked = latest);
  const answer = await fetch(`/closer?${new URLSearchParams({ name })}`).catch(() => null);
  if (!answer?.ok) {
    if (looked === asked) looked = null; // with the next news it is tried again
    return;
  }
  const content = await answer.json();
  showSuspects(content.suspects);
  showYears(content);
}

function showSuspects(suspects) {
  byId("suspects").replaceChildren(
    ...suspects.map((photo) => {
      const source = `/pose.svg?${new URLSearchParams({ name, image: photo.image })}`;
      const picture = make("img", { src: `/overlay?${new URLSearchParams({ image: photo.image })}`, alt: photo.path });
      const open = make("button", { type: "button", class: "picture", "aria-label": `Open ${photo.path}` }, picture);
      open.addEventListener("click", () => openPhoto(photo.image));
      if (!photo.overlay) picture.src = source;
      const why = [photo.why, photo.pull ? `moves the estimate by ${photo.pull} %` : ""].filter(Boolean).join(" · ");
      return make("li", {}, make("figure", { class: "card" }, open, make("figcaption", {}, make("b", { title: photo.path }, photo.path.split("/").at(-1)), make("span", {}, why))));
    }),
  );
}

function showYears({ bones, years, changing, least }) {
  byId("years-card").hidden = years.length < 2;
  const few = ` Years of fewer than ${least} photos that count are not shown.`;
  say(
    byId("years-words"),
    (changing.length
      ? `Proportions differ between years (${changing.join(", ")}): one estimate of all of them is nobody’s. Take the photos of one time with --since and --until.`
      : "Over the shoulders, with 90 % intervals. No bone differs by more than these leave open.") + few,
  );
  byId("years-head").replaceChildren(...["year", ...bones, "photos"].map((words) => make("th", { scope: "col" }, words)));
  byId("years").replaceChildren(
    ...years.map((year) =>
      make(
        "tr",
        {},
        make("th", { scope: "row" }, year.year),
        ...year.bones.map(([value, low, high], at) => cell(bones[at], {}, value.toFixed(3), " ", make("small", {}, `${low.toFixed(2)} – ${high.toFixed(2)}`))),
        cell("photos", {}, inWords(year.used)),
      ),
    ),
  );
}
