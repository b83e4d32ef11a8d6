// The photo grid: whoever pressed "Load more" goes on from the first new photo.
// Without this the focus falls back to the top of the page, because the link is replaced by what it loads.

let goOn = null;

document.addEventListener("htmx:beforeSwap", (event) => {
  const more = event.detail.target;
  if (more.id !== "more") return;
  goOn = more.contains(document.activeElement) ? more.previousElementSibling : null;
});

// What the page asks about every two seconds: the waiting photos, those on the screen first.
const MOST = 60;
document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.elt.id !== "live") return;
  const {parameters} = event.detail;
  const cards = [...document.querySelectorAll("#photos [data-waits]")];
  const far = (card) => {
    const {top, bottom} = card.getBoundingClientRect();
    return Math.max(0, top - window.innerHeight, -bottom);
  };
  const near = cards.map((card) => [far(card), card]).sort((one, other) => one[0] - other[0]).slice(0, MOST);
  for (const [, card] of near) parameters.append("card", card.dataset.waits);
  if (cards.length > MOST) parameters.append("more", "1");
});

document.addEventListener("htmx:afterSettle", () => {
  if (!goOn) return;
  let next = goOn.nextElementSibling;
  while (next && !next.matches("a")) next = next.nextElementSibling;
  next?.focus({preventScroll: true});
  goOn = null;
});
