// The tag list by keyboard: "/" finds, arrows move, space ticks (the browser does), "x" excludes.

const form = document.getElementById("choose");
const find = document.getElementById("find");
const dock = document.querySelector(".dock");
const said = document.getElementById("said");

function rows() {
  return [...form.querySelectorAll(".row")];
}

function focusRow(row, kind) {
  row.querySelector(kind).focus();
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.matches("input[type=search], input[type=text], textarea, select");
  if (event.key === "/" && !typing) {
    event.preventDefault();
    find.focus();
    find.select();
    return;
  }
  const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
  if (event.target === find && step === 1) {
    const first = rows()[0];
    if (first) {
      event.preventDefault();
      focusRow(first, ".tick input");
    }
    return;
  }
  const row = event.target.closest(".row");
  if (!row) return;
  if (event.key === "x" || event.key === "X") {
    event.preventDefault();
    row.querySelector(".not input").click();
  } else if (step) {
    event.preventDefault();
    const kind = event.target.closest(".not") ? ".not input" : ".tick input";
    const all = rows();
    const next = all[all.indexOf(row) + step];
    if (next) focusRow(next, kind);
    else if (step === -1) find.focus();
  }
}

// A label cannot be wanted and excluded at once. In the capture phase, so that htmx, which listens
// on the form itself, already reads the corrected ticks.
function onChange(event) {
  const row = event.target.closest(".row");
  if (!row || !event.target.checked) return;
  const other = event.target.name === "label" ? ".not input" : ".tick input";
  row.querySelector(other).checked = false;
}

// Someone who ticks five boxes in a row wants to hear the last sum, not five.
let saying;
function saySum() {
  clearTimeout(saying);
  saying = setTimeout(() => {
    said.textContent = dock.querySelector(".plan-line").textContent.trim().replace(/\s+/g, " ");
  }, 500);
}

if (form) {
  document.addEventListener("keydown", onKey);
  document.addEventListener("change", onChange, true);
  new MutationObserver(saySum).observe(dock, {childList: true});
}
