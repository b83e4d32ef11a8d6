// One photo: the left and right arrow keys go to the neighbours, as in any photo viewer.

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  if (event.target.matches("input, textarea, select")) return;
  const id = {ArrowLeft: "previous", ArrowRight: "next"}[event.key];
  const link = id && document.getElementById(id);
  if (!link) return;
  event.preventDefault();
  link.click();
});
