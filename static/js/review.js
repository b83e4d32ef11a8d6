// The review queue by keyboard: "y" confirms, "n" rejects, "s" skips, "u" takes the last answer back.

const answers = document.getElementById("answers");

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.target.matches("input, textarea, select")) return;
  const value = {y: "confirm", n: "reject", s: "skip", u: "undo"}[event.key.toLowerCase()];
  const button = value && answers?.querySelector(`[value="${value}"]`);
  if (!button) return;
  event.preventDefault();
  button.click();
});
