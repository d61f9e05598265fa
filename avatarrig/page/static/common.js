// What both pages need: elements without markup, the connection, the stream's figures.

/** Makes an element. Text becomes text, never markup. */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(key, "");
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Makes a table's cell; on a narrow screen its label stands before it. */
export const cell = (label, attributes, ...children) => make("td", { "data-label": label, ...attributes }, ...children);

const SVG = "http://www.w3.org/2000/svg";

/** Makes an SVG element. */
export function draw(name, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** Parses a picture that the server drew; gives null where it is none. */
export function picture(text) {
  if (!text) return null;
  const parsed = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
  return parsed.namespaceURI === SVG && parsed.localName === "svg" ? document.importNode(parsed, true) : null;
}

export const byId = (id) => document.getElementById(id);

/** Writes text where it differs, so that screen readers and selections are left alone. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** How long ago, in words. */
export function ago(seconds) {
  const past = Math.max(0, Date.now() / 1000 - seconds);
  if (past < 5) return "just now";
  if (past < 60) return `${Math.floor(past)} s ago`;
  if (past < 3600) return `${Math.floor(past / 60)} min ago`;
  if (past < 172800) return `${Math.floor(past / 3600)} h ago`;
  return new Date(seconds * 1000).toLocaleDateString();
}

/** Makes buttons of which one is pressed, such as those with data-across. */
export function choose(name, take) {
  const buttons = [...document.querySelectorAll(`[data-${name}]`)];
  for (const button of buttons) {
    button.addEventListener("click", () => {
      for (const each of buttons) each.setAttribute("aria-pressed", String(each === button));
      take(button.dataset[name]);
    });
  }
}

export const photos = (count) => `${count.toLocaleString()} photo${count === 1 ? "" : "s"}`;
/** How many of them count. */
export const counting = (count) => `${count.toLocaleString()} count${count === 1 ? "s" : ""}`;
/** Of how many moments photos are; an estimate of 1.0 does not say. */
export const moments = (count) => (count == null ? "" : ` of ${count.toLocaleString()} moment${count === 1 ? "" : "s"}`);
export const address = (name) => `/subject?name=${encodeURIComponent(name)}`;

const QUIET_MS = 15000;
const RETRY_MS = 2000;

/** Listens to the server, and comes back whenever the connection is lost.
 *
 * Returns what listens to another path instead.
 */
export function listen(path, take) {
  let asked = path;
  const state = byId("connection");
  let source = null;
  let heard = Date.now();
  let retry = 0;
  const show = (name, words) => {
    state.dataset.state = name;
    say(state, words);
  };
  const open = () => {
    clearTimeout(retry);
    source?.close();
    heard = Date.now();
    source = new EventSource(asked);
    source.onmessage = (event) => {
      heard = Date.now();
      const content = JSON.parse(event.data);
      show(content.trouble ? "waiting" : "live", content.trouble ? "waiting for Kafka" : "live");
      showTrouble(content.trouble);
      take(content);
    };
    source.onerror = () => {
      show("lost", "connection lost, trying again");
      if (source.readyState === EventSource.CLOSED) retry = setTimeout(open, RETRY_MS);
    };
  };
  setInterval(() => {
    if (Date.now() - heard > QUIET_MS) {
      show("lost", "connection lost, trying again");
      open();
    }
  }, 1000);
  window.addEventListener("pagehide", () => source?.close());
  window.addEventListener("pageshow", (event) => event.persisted && open());
  open();
  return (other) => {
    asked = other;
    open();
  };
}

function showTrouble(words) {
  const place = byId("trouble");
  place.hidden = !words;
  document.body.classList.toggle("stale", Boolean(words));
  say(place, words);
}

/** Shows where the photos are, and what was rejected. */
export function showStream(stream) {
  for (const place of document.querySelectorAll("[data-figure]")) {
    const value = stream[place.dataset.figure];
    say(place, typeof value === "number" ? value.toLocaleString() : "–");
  }
  byId("gone").hidden = stream.gone.length === 0;
  byId("gone").replaceChildren(...stream.gone.map((words) => make("div", {}, words)));
  byId("rejects-section").hidden = stream.rejected === 0;
  byId("reasons").replaceChildren(
    ...stream.reasons.map(([reason, count]) => make("li", {}, `${count.toLocaleString()} × ${reason}`)),
  );
  byId("rejects").replaceChildren(
    ...stream.rejects.map((reject) =>
      make(
        "tr",
        {},
        make("th", { scope: "row" }, reject.path),
        cell("why", {}, reject.reason),
        cell("what is wrong", { class: "wrap" }, reject.message),
        cell("tries", { class: "number" }, String(reject.attempts)),
        cell("when", {}, ago(reject.at)),
      ),
    ),
  );
}
