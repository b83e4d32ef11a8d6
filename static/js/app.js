// Every page: times in the person's own zone, messages that can be closed, and what to do when a live part fails.

// The zone is the person's, the way of writing the page's: "22 November at 02:14".
const language = document.documentElement.lang;
const exact = new Intl.DateTimeFormat(language, {dateStyle: "long", timeStyle: "short"});
const shortExact = new Intl.DateTimeFormat(language, {
  day: "numeric", month: "long", hour: "2-digit", minute: "2-digit",
});

function localTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    time.title = exact.format(at);
    if (time.hasAttribute("data-exact")) time.textContent = shortExact.format(at);
  }
}

function messageButtons(root) {
  for (const button of root.querySelectorAll("[data-dismiss]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      button.closest(".notice").remove();
      // The focus went with the button; the page itself is the next sensible place.
      document.getElementById("main").focus();
    });
  }
}

function menus() {
  for (const menu of document.querySelectorAll(".menu")) {
    document.addEventListener("click", (event) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !menu.open) return;
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  }
}

function liveTrouble(words) {
  let notice = document.getElementById("live-trouble");
  if (!words) {
    notice?.remove();
    return;
  }
  if (notice) return;
  notice = document.createElement("div");
  notice.id = "live-trouble";
  notice.className = "notice warn";
  notice.setAttribute("role", "alert");
  const text = document.createElement("p");
  text.className = "words";
  text.textContent = words;
  notice.append(text);
  document.querySelector(".notices").append(notice);
}

// Nobody looks at a hidden tab; two seconds after it is shown it is up to date.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && event.detail.elt.getAttribute("hx-trigger")?.startsWith("every")) event.preventDefault();
});

// A piece that arrives by itself must not take away what somebody types.
document.addEventListener("htmx:oobBeforeSwap", (event) => {
  const {target} = event.detail;
  const isTyping = target.contains(document.activeElement) && document.activeElement.matches("input[type=text], input[name=name]");
  if (isTyping || target.querySelector("details.save[open]")) event.detail.shouldSwap = false;
});

document.addEventListener("htmx:beforeSwap", (event) => {
  const {xhr} = event.detail;
  const login = document.body.dataset.login;
  // After a sign-out the answer is the sign-in page. Inside a piece of this page it would only confuse;
  // loading the page anew leads to it and back again.
  if (login && xhr.responseURL && new URL(xhr.responseURL).pathname === login) {
    event.detail.shouldSwap = false;
    window.location.reload();
  }
});
document.addEventListener("htmx:afterRequest", (event) => {
  const {successful, xhr} = event.detail;
  if (successful) {
    liveTrouble("");
  } else if (xhr.status === 403) {
    liveTrouble("You may have been signed out. Load the page again to go on.");
  } else if (xhr.status > 0) {
    liveTrouble("The numbers on this page could not be brought up to date. Load the page again to go on.");
  }
});
document.addEventListener("htmx:sendError", () => {
  liveTrouble("The server cannot be reached. Check your connection; this page goes on by itself.");
});
document.addEventListener("htmx:load", (event) => localTimes(event.detail.elt));

localTimes(document);
messageButtons(document);
menus();
