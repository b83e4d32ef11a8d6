// The review queue by keyboard: "c" confirms, "r" rejects, "s" skips.

const answers = document.getElementById("answers");

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.target.matches("input, textarea, select")) return;
  const value = {c: "confirm", r: "reject", s: "skip"}[event.key.toLowerCase()];
  const button = value && answers?.querySelector(`[value="${value}"]`);
  if (!button) return;
  event.preventDefault();
  button.click();
});
