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
  if (fresh.innerHTML.trim() === live.innerHTML.trim()) return;
  const name = live.contains(document.activeElement) ? named(document.activeElement) : null;
  live.replaceChildren(fresh.content);
  if (name) [...live.querySelectorAll("a, button, summary, pre")].find((one) => named(one) === name)?.focus({ preventScroll: true });
}

// What somebody has unfolded stays so.
function opened(content) {
  for (const one of live.querySelectorAll("details[open]")) content.getElementById(one.id)?.setAttribute("open", "");
}

function named(one) {
  return one.id || one.getAttribute("href") || one.tagName;
}

if (live) {
  setInterval(look, 2000);
  document.addEventListener("visibilitychange", look);
}
for (const one of document.querySelectorAll(".copied")) one.addEventListener("focus", () => one.select());
