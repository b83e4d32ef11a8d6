// The photo grid: whoever pressed "Load more" goes on from the first new photo.
// Without this the focus falls back to the top of the page, because the link is replaced by what it loads.

let goOn = null;

document.addEventListener("htmx:beforeSwap", (event) => {
  const more = event.detail.target;
  if (more.id !== "more") return;
  goOn = more.contains(document.activeElement) ? more.previousElementSibling : null;
});

document.addEventListener("htmx:afterSettle", () => {
  if (!goOn) return;
  let next = goOn.nextElementSibling;
  while (next && !next.matches("a")) next = next.nextElementSibling;
  next?.focus({preventScroll: true});
  goOn = null;
});
