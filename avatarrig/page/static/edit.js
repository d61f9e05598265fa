// Who may change things: this browser, once it was let in by a link or by the key.

import { byId, say } from "./common.js";

const KEY = "avatarrig-key";
export const may = document.body.dataset.may === "yes";
const heard = new Set();

/** The key of this page's command; kept for this origin alone, until the command starts anew. */
export const key = () => (may ? localStorage.getItem(KEY) ?? "" : "");
export const unlocked = () => key() !== "";

/** Calls back whenever this browser was let in, or is not any more. */
export function whenChanged(tell) {
  heard.add(tell);
  tell();
}

function keep(found) {
  if (found) localStorage.setItem(KEY, found);
  else localStorage.removeItem(KEY);
  for (const tell of heard) tell();
}

/** Asks for a change; throws what went wrong, in words. */
export async function ask(path, content) {
  let answer;
  try {
    answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${key()}` },
      body: JSON.stringify(content),
    });
  } catch {
    throw new Error("the page's server does not answer: is the command still running?");
  }
  if (answer.status === 401) keep("");
  if (!answer.ok) throw new Error((await answer.text()).trim());
  return answer.json();
}

/** Forgets a key that is worth nothing any more. */
export const refused = () => keep("");

async function enter(code) {
  history.replaceState(null, "", location.pathname + location.search);
  try {
    keep((await ask("/enter", { code })).token);
  } catch (error) {
    const words = byId("unlock-words");
    if (words && !unlocked()) say(words, `Not let in: ${error.message}.`);
  }
}

async function tryKey(given) {
  localStorage.setItem(KEY, given);
  try {
    await ask("/link", {});
  } catch (error) {
    if (!unlocked()) return say(byId("unlock-words"), "That is not the key of the command that runs now.");
  }
  keep(given); // whatever a link for others meets, the key was let through
}

whenChanged(() => {
  for (const place of document.querySelectorAll("[data-unlocked]")) place.hidden = !unlocked();
  for (const place of document.querySelectorAll("[data-locked]")) place.hidden = unlocked();
});
byId("unlock")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const given = byId("key").value.trim();
  if (given) tryKey(given);
});
window.addEventListener("storage", () => keep(localStorage.getItem(KEY) ?? ""));
const code = () => /^#open=([\w-]+)$/.exec(location.hash)?.[1];
if (may && code()) enter(code());
window.addEventListener("hashchange", () => may && code() && enter(code()));
