// Looks every two seconds whether what is shown has changed, and puts the new in place of the old. Without it, links do.
"use strict";

const live = document.querySelector("[data-live]");
const away = document.getElementById("away");
let asking = false;

async function look() {
  if (document.hidden || asking) return;
  asking = true;
  try {
    const answer = await fetch(live.dataset.live, { cache: "no-store", signal: AbortSignal.timeout(10000) });
    if (answer.ok) replace(await answer.text());
    away.hidden = answer.ok;
  } catch {
    away.hidden = false;
  } finally {
    asking = false;
  }
}

function replace(text) {
  const fresh = document.createElement("template");
  fresh.innerHTML = text;
  opened(fresh.content);
  pointedOut(fresh.content);
  if (fresh.innerHTML.trim() === live.innerHTML.trim()) return;
  const name = live.contains(document.activeElement) ? named(document.activeElement) : null;
  const scrolled = live.querySelector(".lately")?.scrollTop;
  live.replaceChildren(fresh.content);
  if (scrolled) live.querySelector(".lately").scrollTop = scrolled;
  if (name) [...live.querySelectorAll("a, button, summary, pre")].find((one) => named(one) === name)?.focus({ preventScroll: true });
}

// What somebody has unfolded stays so.
function opened(content) {
  for (const one of live.querySelectorAll("details[open]")) content.getElementById(one.id)?.setAttribute("open", "");
}

// A browser knows only those of the page as it came by its address's end.
function pointedOut(content) {
  let id = location.hash.slice(1);
  try {
    id = decodeURIComponent(id);
  } catch {}
  for (const one of content.querySelectorAll(".target")) one.classList.remove("target");
  if (id) content.getElementById(id)?.classList.add("target");
}

function named(one) {
  return one.id || one.getAttribute("href") || one.tagName;
}

if (live) {
  setInterval(look, 2000);
  document.addEventListener("visibilitychange", look);
  addEventListener("hashchange", () => pointedOut(document));
  pointedOut(document);
}
// Once is enough. Not before the form is read: a button that is disabled says nothing.
document.addEventListener("submit", (event) => setTimeout(() => event.submitter && (event.submitter.disabled = true)));
addEventListener("pageshow", () => document.querySelectorAll("button:disabled").forEach((one) => (one.disabled = false)));
for (const one of document.querySelectorAll(".copied")) one.addEventListener("focus", () => one.select());
