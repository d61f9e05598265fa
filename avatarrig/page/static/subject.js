import { ago, byId, cell, choose, counting, draw, listen, make, moments, photos, picture, say, showStream } from "./common.js";
import "./add.js";
import { follow as followPhotos } from "./album.js";
import { take as takeCloser } from "./closer.js";
import { Charts } from "./charts.js";
import { Solid } from "./solid.js";

const name = byId("name").dataset.name;
let wasKnown = false;
const charts = new Charts(byId("charts"));
const solid = new Solid();
const LABELS = {
  hip_width: "hips", torso_length: "torso", upper_arm_L: "upper arm", lower_arm_L: "forearm",
  upper_leg_L: "thigh", lower_leg_L: "shank", wingspan_est: "wingspan",
};
const HINT = byId("figure-words").textContent;
const drawn = { figure: null, pose: null };

function showPicture(id, text) {
  if (drawn[id] === text) return;
  drawn[id] = text;
  const place = byId(id);
  const focused = place.contains(document.activeElement) ? document.activeElement.dataset.bone : null;
  place.replaceChildren(...[picture(text)].filter(Boolean));
  if (focused) place.querySelector(`[data-bone="${focused}"]`)?.focus();
}

for (const [begin, end] of [["pointerover", "pointerout"], ["focusin", "focusout"]]) {
  byId("figure").addEventListener(begin, (event) => {
    const bone = event.target.closest(".bone");
    if (bone) say(byId("figure-words"), bone.getAttribute("aria-label"));
  });
  byId("figure").addEventListener(end, () => say(byId("figure-words"), HINT));
}

const percent = (ratio) => `${ratio >= 1 ? "+" : "−"}${Math.abs(100 * (ratio - 1)).toFixed(1)} %`;
const range = ([low, high]) => (low === high ? "by definition" : `${low.toFixed(3)} – ${high.toFixed(3)}`);

/** How much comes from people in general; what is one by definition has none. */
const share = ({ prior_share: part, interval: [low, high] }) => (typeof part === "number" && low !== high ? `${Math.round(100 * part)} %` : "–");

const REACH = 0.25; // of the ratio, to either side

function intervalPicture(bone) {
  const x = (value) => 72 + 68 * Math.max(-1, Math.min(1, (value / bone.value - 1) / REACH));
  const [low, high] = bone.interval.map(x);
  return draw(
    "svg",
    { class: `interval ${bone.status}`, viewBox: "0 0 144 20", "aria-hidden": "true" },
    draw("line", { x1: 4, x2: 140, y1: 10, y2: 10 }),
    draw("rect", { x: low.toFixed(1), width: Math.max(1, high - low).toFixed(1), y: 5, height: 10, rx: 3 }),
    draw("circle", { cx: 72, cy: 10, r: 4.5 }),
  );
}

function boneRow(bone) {
  const inWindow = bone.window ? `${bone.window.value.toFixed(3)}${bone.drift ? " drift" : ""}` : "–";
  return make(
    "tr",
    {},
    make("th", { scope: "row" }, bone.label),
    cell("ratio", { class: "number" }, bone.value.toFixed(3)),
    cell("90 % interval", { class: "number" }, range(bone.interval)),
    make("td", { class: "wide" }, intervalPicture(bone)),
    cell("samples", { class: "number" }, bone.samples.toLocaleString()),
    cell("length", { class: "number length" }, bone.metres ? `${bone.metres.toFixed(3)} m` : "–"),
    cell("status", { class: `status ${bone.status}` }, bone.measured ? `${bone.status}, tape` : bone.status),
    cell("from people in general", { class: "number" }, share(bone)),
    cell(byId("window-head").textContent, { class: bone.drift ? "number window drift" : "number window" }, inWindow),
  );
}

function showWindow(window) {
  say(byId("window-head"), window ? `last ${window.days} days` : "window");
  byId("charts-window").hidden = !window;
  byId("bones-table").classList.toggle("no-window", !window);
  const words = byId("window-words");
  words.hidden = !window;
  if (window) {
    const verdict = window.drift ? "Proportions differ from before: drift." : "It agrees with all time.";
    say(words, `The last ${window.days} days (${window.first} to ${window.last}) hold ${photos(window.used_observations)} that count. ${verdict}`);
  }
}

function showAsymmetry(sides) {
  byId("asymmetry-table").hidden = sides.length === 0;
  say(
    byId("asymmetry-words"),
    sides.length ? "A difference may be the detector’s: it sees both sides differently." : "Too few photos to compare sides.",
  );
  byId("asymmetry").replaceChildren(
    ...sides.map((side) =>
      make(
        "tr",
        {},
        make("th", { scope: "row" }, side.label),
        cell("left is longer by", { class: "number" }, percent(side.left_over_right)),
        cell("90 % interval", { class: "number" }, side.interval.map(percent).join(" to ")),
        cell("verdict", { class: side.significant ? "drift" : "" }, side.significant ? "sides differ" : "may be chance"),
      ),
    ),
  );
}

/** Leaves a column out of which no bone has anything. */
function showLengths(id, bones) {
  byId(id).classList.toggle("no-length", bones.every((bone) => !bone.metres));
}

function showFurther(bones) {
  showLengths("further-table", bones);
  byId("further-card").hidden = bones.length === 0;
  byId("further").replaceChildren(
    ...bones.map((bone) =>
      make(
        "tr",
        {},
        make("th", { scope: "row" }, bone.label),
        cell("ratio", { class: "number" }, bone.value.toFixed(3)),
        cell("90 % interval", { class: "number" }, range(bone.interval)),
        cell("length", { class: "number length" }, bone.metres ? `${bone.metres.toFixed(3)} m` : "–"),
        cell("status", { class: `status ${bone.status}` }, bone.measured ? `${bone.status}, tape` : bone.status),
        cell("from people in general", { class: "number" }, share(bone)),
      ),
    ),
  );
}

function showFace(face) {
  byId("face-card").hidden = face.length === 0;
  byId("face").replaceChildren(
    ...face.map((row) =>
      make(
        "tr",
        {},
        make("th", { scope: "row" }, row.label),
        cell("ratio", { class: "number" }, row.value.toFixed(3)),
        cell("90 % interval", { class: "number" }, range(row.interval)),
        cell("samples", { class: "number" }, row.samples.toLocaleString()),
      ),
    ),
  );
}

function showSummary(content) {
  const detectors = content.detectors > 1 ? ` · looked at in ${content.detectors} ways (with other settings or references), the latest is shown` : "";
  say(byId("summary"), `${photos(content.observations)}, ${counting(content.used)}${moments(content.moments)} · estimated ${ago(content.estimated_at)}${detectors}`);
}

// As the command line reads it: 1.72m, 172cm, 1,72, 172, 5'8", 68in; NaN where it is none of these.
function metres(written) {
  const metric = /^(\d+(?:[.,]\d+)?)\s*(m|cm|mm|)$/i.exec(written);
  if (metric) {
    const value = Number(metric[1].replace(",", "."));
    return value / { m: 1, cm: 100, mm: 1000 }[metric[2].toLowerCase() || (value <= 2.8 ? "m" : "cm")];
  }
  const inches = /^(\d+(?:[.,]\d+)?)\s*(?:"|″|”|''|in\.?|inch(?:es)?)$/i.exec(written);
  if (inches) return Number(inches[1].replace(",", ".")) * 0.0254;
  const imperial = /^(\d+)\s*(?:'|′|’|ft\.?|feet|foot)\s*(?:(\d+(?:[.,]\d+)?)\s*(?:"|″|”|''|in\.?|inch(?:es)?)?)?$/i.exec(written);
  return imperial ? Number(imperial[1]) * 0.3048 + Number((imperial[2] ?? "0").replace(",", ".")) * 0.0254 : NaN;
}

function showDownloads() {
  const written = byId("height").value.trim();
  const height = metres(written);
  const fits = written === "" || (height >= 0.4 && height <= 2.8);
  byId("height").setAttribute("aria-invalid", String(!fits));
  say(
    byId("height-words"),
    fits ? (written ? `GLB and BVH are in metres, ${height.toFixed(2)} m tall.` : "Without a height the person is 1 tall.") : "A height is from 0.4 to 2.8 metres, such as 1.72m, 172cm or 5'8\".",
  );
  for (const link of document.querySelectorAll("#downloads .button")) {
    const query = new URLSearchParams({ name });
    if (["glb", "bvh"].includes(link.dataset.kind)) {
      query.set("names", byId("names").value);
      if (written && fits) query.set("height", written);
    }
    link.href = `/skeleton.${link.dataset.kind}?${query}`;
  }
}

choose("across", (what) => charts.across(what));

byId("downloads").addEventListener("input", showDownloads);
byId("downloads").addEventListener("submit", (event) => event.preventDefault());
showDownloads();

listen(`/events?name=${encodeURIComponent(name)}`, (content) => {
  showStream(content.stream);
  followPhotos(content.photos);
  charts.take(content.history, LABELS);
  if (!content.known) {
    if (wasKnown) location.reload(); // forgotten: the server says so
    return;
  }
  wasKnown = true;
  showSummary(content);
  takeCloser(content);
  showPicture("figure", content.figure);
  showPicture("pose", content.pose?.svg);
  if (content.pose) say(byId("pose-words"), `${content.pose.path}, ${ago(content.pose.at)}: ${content.pose.verdict}`);
  solid.take(content.bones);
  showLengths("bones-table", content.bones);
  byId("bones").replaceChildren(...content.bones.map(boneRow));
  showWindow(content.window);
  showAsymmetry(content.asymmetry);
  byId("advice").textContent = content.advice && `Next photos: ${content.advice}.`;
  byId("advice").hidden = !content.advice;
  showFurther(content.further);
  showFace(content.face);
  byId("notes").replaceChildren(...content.notes.map((note) => make("li", {}, note)));
});
