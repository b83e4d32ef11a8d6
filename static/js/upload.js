// Uploading: every file is one request, three at a time. A file is never read into memory here; the browser
// streams it from disk. Rows are made in batches and only those near the screen get a thumbnail, so that
// 3,000 photos feel like 30.

const AT_ONCE = 3;
const ROWS_PER_FRAME = 30;
const SILENCE_MS = 5000;
const POLL_MS = 1000;
const POLL_MOST = 200;
const SHOWABLE = new Set(["image/jpeg", "image/png", "image/webp"]);
const SIGNED_OUT = "You are signed out. Sign in and try again.";

const form = document.getElementById("upload");
const input = document.getElementById("id_photos");
const drop = document.getElementById("drop");
const rowTemplate = document.getElementById("file-row");
const list = document.getElementById("files");
const page = {
  section: document.getElementById("uploading"),
  tally: document.getElementById("tally"),
  total: document.getElementById("total"),
  trouble: document.getElementById("trouble"),
  retryAll: document.getElementById("retry-all"),
  seePhotos: document.getElementById("see-photos"),
  seeLabels: document.getElementById("see-labels"),
  said: document.getElementById("said"),
};
const limit = Number(form.dataset.limit);

// One entry: {file, name, state, sent, reason, url, row}. States: waiting, sending, checking, imported, duplicate, refused, lost.
const entries = [];
const byRow = new WeakMap();
const counts = {waiting: 0, sending: 0, checking: 0, imported: 0, duplicate: 0, refused: 0, lost: 0};
const bytes = {all: 0, done: 0};
let nextWaiting = 0;
let retries = [];
let leftOut = 0;
// Dropped folders whose files are still being listed.
let reading = 0;
let signedOut = false;
let paused = false;
let drawn = 0;

// Words ----------------------------------------------------------------------------------------------------

const number = new Intl.NumberFormat();

// The same steps and words as Django's filesizeformat, so that browser and server say one thing.
function size(n) {
  if (n < 1024) return `${n} ${n === 1 ? "byte" : "bytes"}`;
  const units = ["KB", "MB", "GB", "TB"];
  let value = n / 1024;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value.toFixed(1)}\u00a0${units[unit]}`;
}

function plural(n, word) {
  return `${number.format(n)} ${word}${n === 1 ? "" : "s"}`;
}

function summary() {
  const words = [`${number.format(counts.imported)} of ${number.format(entries.length)} added`];
  if (counts.duplicate) words.push(`${number.format(counts.duplicate)} already here`);
  if (counts.refused) words.push(`${number.format(counts.refused)} refused`);
  if (counts.lost) words.push(`${number.format(counts.lost)} not sent`);
  if (leftOut) words.push(`${plural(leftOut, "other file")} left out`);
  return words.join(" · ");
}

// Drawing: everything that changed is drawn once a frame ------------------------------------------------------

const changed = new Set();
let frame = 0;

function touch(entry) {
  if (entry) changed.add(entry);
  if (!frame) frame = requestAnimationFrame(draw);
}

function draw() {
  frame = 0;
  drawNewRows();
  for (const entry of changed) if (entry.row) drawRow(entry);
  changed.clear();
  drawTotals();
  if (drawn < entries.length) touch();
}

function drawNewRows() {
  if (drawn >= entries.length) return;
  const batch = document.createDocumentFragment();
  const end = Math.min(drawn + ROWS_PER_FRAME, entries.length);
  for (; drawn < end; drawn += 1) {
    const entry = entries[drawn];
    entry.row = rowTemplate.content.firstElementChild.cloneNode(true);
    byRow.set(entry.row, entry);
    entry.row.querySelector(".name").textContent = entry.name;
    entry.row.querySelector(".name").title = entry.name;
    drawRow(entry);
    batch.append(entry.row);
    onScreen.observe(entry.row);
  }
  list.append(batch);
}

const OUTCOMES = {waiting: "waiting", checking: "being checked", imported: "added", duplicate: "already here", refused: "refused"};

function drawRow(entry) {
  const end = entry.row.querySelector(".end");
  if (entry.state === "sending") {
    let bar = end.querySelector("progress");
    if (!bar) {
      bar = document.createElement("progress");
      bar.setAttribute("aria-label", `Sending ${entry.name}`);
      end.replaceChildren(bar);
    }
    bar.max = entry.file.size || 1;
    bar.value = entry.sent;
  }
  if (entry.drawnState === entry.state) return;
  entry.drawnState = entry.state;

  const under = entry.row.querySelector(".under");
  under.replaceChildren(size(entry.file.size));
  if (entry.reason) {
    const reason = document.createElement("span");
    reason.className = "reason";
    reason.textContent = entry.reason;
    under.append(" · ", reason);
  }
  if (entry.url) {
    const link = document.createElement("a");
    link.href = entry.url;
    link.textContent = entry.name;
    entry.row.querySelector(".name").replaceChildren(link);
  }
  if (entry.state === "lost") {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button";
    button.textContent = "Retry";
    button.setAttribute("aria-label", `Retry ${entry.name}`);
    button.addEventListener("click", () => retry([entry]));
    end.replaceChildren(button);
  } else if (entry.state !== "sending") {
    const state = document.createElement("span");
    state.className = "state";
    state.dataset.status = entry.state;
    state.append(icon(entry.state === "checking" ? "waiting" : entry.state), OUTCOMES[entry.state]);
    end.replaceChildren(state);
  }
}

function icon(name) {
  const SVG = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${form.dataset.icons}#${name}`);
  svg.append(use);
  return svg;
}

function drawTotals() {
  const idle = counts.waiting + counts.sending + counts.checking === 0;
  page.section.hidden = entries.length === 0 && leftOut === 0;
  drop.classList.toggle("is-busy", entries.length > 0);
  page.tally.textContent = summary();
  page.total.max = bytes.all || 1;
  page.total.value = idle ? page.total.max : bytes.done;
  page.retryAll.hidden = counts.lost === 0;
  page.retryAll.querySelector("span").textContent = `Retry ${plural(counts.lost, "file")}`;
  const arrived = idle && counts.imported + counts.duplicate > 0;
  page.seePhotos.hidden = !arrived;
  page.seeLabels.hidden = !arrived;
  page.trouble.hidden = !signedOut;
  say(idle);
  // The first photos of all: on to where their labels arrive. Whoever has a file to see to stays.
  if (form.dataset.then && idle && !reading && counts.imported && counts.imported === entries.length && !leftOut) {
    window.location.assign(form.dataset.then);
  }
}

// A screen reader hears the sum every few seconds and at the end, not every percent.
let saidAt = 0;
let saidText = "";
function say(atOnce) {
  const text = summary();
  if (text === saidText || (!entries.length && !leftOut)) return;
  if (!atOnce && Date.now() - saidAt < SILENCE_MS) return;
  saidAt = Date.now();
  saidText = text;
  page.said.textContent = atOnce && entries.length ? `Finished. ${text}` : text;
}

// Thumbnails only while a row is near the screen: an object URL keeps its decoded picture alive.
const onScreen = new IntersectionObserver((seen) => {
  for (const {target, isIntersecting} of seen) {
    if (isIntersecting) showThumb(target, byRow.get(target));
    else hideThumb(target);
  }
}, {rootMargin: "400px"});

function showThumb(row, entry) {
  const empty = row.querySelector("span.thumb");
  if (!empty || !SHOWABLE.has(entry.file.type) || entry.state === "refused") return;
  const picture = document.createElement("img");
  picture.className = "thumb";
  picture.alt = "";
  picture.width = 48;
  picture.height = 48;
  picture.decoding = "async";
  const url = URL.createObjectURL(entry.file);
  picture.dataset.url = url;
  picture.addEventListener("error", () => hideThumb(row), {once: true});
  picture.src = url;
  empty.replaceWith(picture);
}

function hideThumb(row) {
  const picture = row.querySelector("img.thumb");
  if (!picture) return;
  URL.revokeObjectURL(picture.dataset.url);
  const empty = document.createElement("span");
  empty.className = "thumb";
  picture.replaceWith(empty);
}

// The queue -----------------------------------------------------------------------------------------------------

function setState(entry, state, reason = "", url = "") {
  counts[entry.state] -= 1;
  counts[state] += 1;
  entry.state = state;
  entry.reason = reason;
  entry.url = url;
  touch(entry);
}

function setSent(entry, sent) {
  bytes.done += sent - entry.sent;
  entry.sent = sent;
}

function add(files) {
  for (const file of files) {
    const entry = {file, name: file.name, state: "waiting", sent: 0, reason: "", url: "", row: null};
    counts.waiting += 1;
    bytes.all += file.size;
    entries.push(entry);
    if (file.size > limit) {
      setSent(entry, file.size);
      setState(entry, "refused", `${file.name} is ${size(file.size)}; the limit is ${form.dataset.limitText}. ` +
        "Make it smaller, or ask your administrator to raise the limit.");
    }
  }
  touch();
  pump();
}

function takeNext() {
  if (retries.length) return retries.shift();
  // A pointer and not shift(): with thousands of entries shifting is slow.
  while (nextWaiting < entries.length) {
    const entry = entries[nextWaiting];
    nextWaiting += 1;
    if (entry.state === "waiting") return entry;
  }
  return null;
}

function pump() {
  while (!signedOut && !paused && counts.sending < AT_ONCE) {
    const entry = takeNext();
    if (!entry) return;
    send(entry);
  }
}

// The cookie first: after signing in again in another tab the token in this page's form is an old one.
function token() {
  const cookie = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/);
  return cookie ? cookie[1] : form.querySelector("[name=csrfmiddlewaretoken]").value;
}

function send(entry) {
  setState(entry, "sending");
  if (form.dataset.direct) sendDirect(entry);
  else sendHere(entry);
}

function sendHere(entry) {
  const request = new XMLHttpRequest();
  const body = new FormData();
  body.append("photos", entry.file, entry.name);
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "application/json");
  request.setRequestHeader("X-CSRFToken", token());
  request.upload.addEventListener("progress", (event) => {
    // The request is a little longer than the file; the bar counts files.
    setSent(entry, Math.min(event.loaded, entry.file.size));
    touch(entry);
  });
  request.addEventListener("load", () => finish(entry, request));
  request.addEventListener("error", () => lose(entry, lostReason()));
  request.addEventListener("abort", () => lose(entry, "The transfer was stopped."));
  request.send(body);
}

// Straight to the bucket: a form for exactly this file from the application, the file to the bucket by it, and
// the word that it is there. What became of it is asked for all files together, once a second.
async function sendDirect(entry) {
  try {
    const promise = await ask(form.dataset.direct, {name: entry.name, size: entry.file.size});
    if (promise.outcome) {
      setSent(entry, entry.file.size);
      setState(entry, promise.outcome, promise.reason);
      pump();
      return;
    }
    await sendToBucket(entry, promise);
    await ask(promise.sent_url, {});
    entry.id = promise.id;
    setSent(entry, entry.file.size);
    setState(entry, "checking");
    checking.set(entry.id, entry);
    poll();
    pump();
  } catch (error) {
    if (error.seconds) pause(entry, error.seconds, error.message);
    else lose(entry, error instanceof Trouble ? error.message : lostReason());
  }
}

class Trouble extends Error {}

async function ask(url, fields) {
  const options = {method: "POST", body: new URLSearchParams(fields), redirect: "manual"};
  options.headers = {Accept: "application/json", "X-CSRFToken": token()};
  return read(await fetch(url, options));
}

async function read(answer) {
  if (answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403) {
    signedOut = true;
    throw new Trouble(SIGNED_OUT);
  }
  const json = parse(await answer.text());
  if (answer.ok && json) return json;
  const trouble = new Trouble(reasons(json) || serverReason(answer.status));
  if (answer.status === 429) trouble.seconds = Number(answer.headers.get("Retry-After")) || 60;
  throw trouble;
}

function sendToBucket(entry, promise) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const body = new FormData();
    for (const [name, value] of Object.entries(promise.fields)) body.append(name, value);
    // Last: the bucket ignores what comes after the file.
    body.append("file", entry.file, "photo");
    request.open("POST", promise.url);
    request.upload.addEventListener("progress", (event) => {
      setSent(entry, Math.min(event.loaded, entry.file.size));
      touch(entry);
    });
    request.addEventListener("load", () => {
      if (request.status >= 200 && request.status < 300) resolve();
      else reject(new Trouble("The photo storage did not take it. Try again."));
    });
    request.addEventListener("error", () => reject(new Trouble(lostReason())));
    request.send(body);
  });
}

const checking = new Map();
let polling = false;

async function poll() {
  if (polling) return;
  polling = true;
  while (checking.size) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    const ids = [...checking.keys()].slice(0, POLL_MOST);
    try {
      const url = `${form.dataset.states}?ids=${ids.join(",")}`;
      settle(await read(await fetch(url, {headers: {Accept: "application/json"}, redirect: "manual"})));
    } catch (error) {
      // Asked again in a second; the server checks the file whether anybody asks or not.
      if (signedOut) break;
    }
  }
  polling = false;
  touch();
}

function settle(states) {
  for (const [id, {outcome, reason, url}] of Object.entries(states)) {
    const entry = checking.get(Number(id));
    checking.delete(Number(id));
    if (outcome === "lost") lose(entry, reason);
    else setState(entry, outcome, reason, url);
  }
}

function lostReason() {
  return navigator.onLine ? "The connection broke, or the file has changed on disk. Try again."
    : "There is no connection. Try again when it is back.";
}

function finish(entry, request) {
  const elsewhere = new URL(request.responseURL).pathname !== new URL(form.action).pathname;
  const answer = elsewhere ? null : parse(request.responseText);
  if (request.status === 403 || (request.status === 401) || (elsewhere && request.status === 200)) {
    signedOut = true;
    lose(entry, SIGNED_OUT);
  } else if (request.status === 200 && answer && counts[answer.outcome] !== undefined) {
    setSent(entry, entry.file.size);
    setState(entry, answer.outcome, answer.reason || "", answer.url || "");
    pump();
  } else if (request.status === 400 && answer?.errors) {
    setSent(entry, entry.file.size);
    setState(entry, "refused", reasons(answer));
    pump();
  } else if (request.status === 429) {
    pause(entry, Number(request.getResponseHeader("Retry-After")) || 60, reasons(answer) || serverReason(429));
  } else {
    lose(entry, serverReason(request.status));
  }
}

function reasons(json) {
  return Object.values(json?.errors || {}).flat().join(" ");
}

// More than the account may send in a minute: the file waits its turn again, and nothing is sent meanwhile.
function pause(entry, seconds, reason) {
  setSent(entry, 0);
  setState(entry, "waiting", reason);
  retries.push(entry);
  if (paused) return;
  paused = true;
  setTimeout(() => {
    paused = false;
    pump();
  }, seconds * 1000);
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function serverReason(status) {
  if (status === 413) return "The server does not take a file this large.";
  if (status === 429 || status === 503) return "The server is busy. Try again in a minute.";
  if (status === 507) return "The server has no space left. Ask your administrator.";
  return "The server could not take it. Try again.";
}

function lose(entry, reason) {
  setSent(entry, 0);
  setState(entry, "lost", reason);
  if (signedOut) stopWaiting();
  pump();
}

// Signed out: the rest would fail one by one. It is put aside with the same words, ready for "Retry".
function stopWaiting() {
  for (const entry of entries) {
    if (entry.state === "waiting") setState(entry, "lost", SIGNED_OUT);
  }
  retries = [];
  nextWaiting = entries.length;
}

function retry(some) {
  signedOut = false;
  for (const entry of some) {
    setState(entry, "waiting");
    retries.push(entry);
  }
  pump();
}

// Choosing ------------------------------------------------------------------------------------------------------

const accepted = new Set(input.accept.split(",").map((word) => word.trim().toLowerCase()).filter(Boolean));

function looksLikePhoto(file) {
  const dot = file.name.lastIndexOf(".");
  return accepted.size === 0 || accepted.has(file.type) || accepted.has("image/*") && file.type.startsWith("image/") ||
    (dot > 0 && accepted.has(file.name.slice(dot).toLowerCase()));
}

// A folder holds more than photos (Thumbs.db, notes); those are left out and counted. A file that someone
// chose by name is always sent, so that the server says why it is refused.
function addFolder(files) {
  const photos = files.filter(looksLikePhoto);
  leftOut += files.length - photos.length;
  add(photos);
}

async function readFolder(folder) {
  const reader = folder.createReader();
  const found = [];
  // readEntries gives at most 100 at a time, and an empty list at the end.
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return found;
    found.push(...some);
  }
}

async function walk(entry) {
  if (entry.isFile) {
    addFolder([await new Promise((resolve, reject) => entry.file(resolve, reject))]);
    return;
  }
  for (const inside of await readFolder(entry)) {
    try {
      await walk(inside);
    } catch {
      leftOut += 1;
      touch();
    }
  }
}

function onDrop(event) {
  event.preventDefault();
  drop.classList.remove("is-over");
  const folders = [];
  const files = [];
  // Both must be asked for now: after the first await the browser has emptied the list.
  for (const item of event.dataTransfer.items) {
    if (item.kind !== "file") continue;
    const entry = item.webkitGetAsEntry?.();
    if (entry?.isDirectory) folders.push(entry);
    else files.push(item.getAsFile());
  }
  add(files.filter(Boolean));
  for (const folder of folders) {
    reading += 1;
    walk(folder).catch(() => {
      leftOut += 1;
    }).finally(() => {
      reading -= 1;
      touch();
    });
  }
}

function chooser() {
  const folderInput = document.createElement("input");
  folderInput.type = "file";
  folderInput.webkitdirectory = true;
  folderInput.addEventListener("change", () => {
    addFolder([...folderInput.files]);
    folderInput.value = "";
  });
  document.getElementById("choose-files").addEventListener("click", () => input.click());
  const folderButton = document.getElementById("choose-folder");
  folderButton.addEventListener("click", () => folderInput.click());
  input.addEventListener("change", () => {
    add([...input.files]);
    // Emptied, so that choosing the same file again is a change again.
    input.value = "";
  });
  for (const part of form.querySelectorAll("[data-live]")) part.hidden = false;
  // Phones have no folders to choose.
  folderButton.hidden = !("webkitdirectory" in input) || matchMedia("(pointer: coarse)").matches;
  drop.classList.add("is-live");
}

function dropZone() {
  let depth = 0;
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  // The whole page takes the drop: a near miss would otherwise open the photo and leave the page.
  document.addEventListener("dragenter", (event) => {
    if (!carriesFiles(event)) return;
    depth += 1;
    drop.classList.add("is-over");
  });
  document.addEventListener("dragleave", (event) => {
    if (!carriesFiles(event)) return;
    depth -= 1;
    if (depth <= 0) drop.classList.remove("is-over");
  });
  document.addEventListener("dragover", (event) => {
    if (carriesFiles(event)) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    depth = 0;
    if (carriesFiles(event)) onDrop(event);
  });
}

page.retryAll.addEventListener("click", () => retry(entries.filter((entry) => entry.state === "lost")));

window.addEventListener("beforeunload", (event) => {
  if (counts.waiting + counts.sending > 0) event.preventDefault();
});

const troubleWords = page.trouble.querySelector(".words");
const signIn = document.createElement("a");
signIn.href = document.body.dataset.login;
// A new tab, so that the list with its files stays here.
signIn.target = "_blank";
signIn.rel = "noopener";
signIn.textContent = "Sign in";
troubleWords.append("You are signed out. ", signIn, " in a new tab, then come back and press Retry.");

chooser();
dropZone();
