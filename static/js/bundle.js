// One download: tells a screen reader what happens, at once when the state changes and else every 15 seconds.
// The page asks every second, and a live region on the line itself would talk without a pause.

const main = document.getElementById("main");
const said = document.getElementById("said");
let status = document.getElementById("state").dataset.status;
let saidAt = Date.now();

new MutationObserver(() => {
  const state = document.getElementById("state");
  if (!state) return;
  const changed = state.dataset.status !== status;
  if (!changed && Date.now() - saidAt < 15000) return;
  status = state.dataset.status;
  saidAt = Date.now();
  said.textContent = state.querySelector(".state-line").textContent.trim();
}).observe(main, {childList: true});
