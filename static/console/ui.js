// What makes pages pleasant, and what they work without: menus close, toasts go, commands are copied, typing is guarded.
const within = (root, selector) => root.querySelectorAll(selector);

const language = document.documentElement.lang;
const clock = new Intl.DateTimeFormat(language, { year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short" });
const ages = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
const UNITS = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60]];

function age(at) {
  const seconds = (at - Date.now()) / 1000;
  const [unit, size] = UNITS.find(([, long]) => Math.abs(seconds) >= long) ?? ["minute", 60];
  return ages.format(Math.round(seconds / size), unit);
}

function dress(root) {
  for (const button of within(root, "[data-dismiss], [data-copy]")) button.hidden = false;
  for (const time of within(root, "time[datetime]")) {
    const at = new Date(time.dateTime);
    time.title ||= time.textContent;
    time.textContent = clock.format(at); // in the reader's own time zone
    if ("ago" in time.dataset) time.append(Object.assign(document.createElement("span"), { className: "vf-ago", textContent: age(at) }));
  }
}

document.addEventListener("click", (event) => {
  const target = event.target instanceof Element ? event.target : null;
  for (const open of within(document, "details.vf-drop[open]")) {
    if (!open.contains(target)) open.open = false;
  }
  target?.closest("[data-dismiss]")?.closest(".vf-toast")?.remove();
  const copy = target?.closest("[data-copy]");
  if (copy) copied(copy);
});

async function copied(button) {
  const source = document.querySelector(button.dataset.copy);
  const label = button.querySelector("span");
  const before = label.textContent;
  try {
    await navigator.clipboard.writeText(source.textContent);
    label.textContent = button.dataset.copied;
  } catch {
    getSelection().selectAllChildren(source); // no right to the clipboard: at least it is marked
    return;
  }
  setTimeout(() => { label.textContent = before; }, 1600);
}

// Ctrl-K, Cmd-K or "/" from anywhere but a field; arrows walk what was found.
const field = document.querySelector("form[role=search] input[name=q]");
const found = document.getElementById("search-pop");

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
  const wanted = (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey)
    || (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey);
  if (wanted && field) {
    event.preventDefault();
    if (field.offsetParent === null) location.assign(field.form.action); // a narrow page has it on a page of its own
    field.focus();
    field.select();
  }
  if (!found || found.hidden || !["ArrowDown", "ArrowUp"].includes(event.key) || !found.parentElement.contains(event.target)) return;
  event.preventDefault();
  const stops = [field, ...within(found, "a")];
  stops.at((stops.indexOf(event.target) + (event.key === "ArrowDown" ? 1 : -1)) % stops.length).focus();
});

if (found) {
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target === found) found.hidden = field.value.trim().length < 2;
  });
  field.addEventListener("input", () => { if (field.value.trim().length < 2) found.hidden = true; });
  field.form.addEventListener("focusout", (event) => {
    if (!field.form.contains(event.relatedTarget)) found.hidden = true;
  });
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  if (found && !found.hidden && field.form.contains(document.activeElement)) {
    found.hidden = true;
    field.focus();
    return;
  }
  for (const open of within(document, "details.vf-drop[open]")) {
    open.open = false;
    open.querySelector("summary").focus();
  }
});

// What was done says so for a while; what went wrong stays until it is dismissed.
setTimeout(() => { for (const toast of within(document, ".vf-toast.success")) toast.remove(); }, 12000);

for (const form of within(document, "form[data-guard]")) {
  let typed = false;
  form.addEventListener("input", () => { typed = true; });
  form.addEventListener("submit", () => { typed = false; });
  addEventListener("beforeunload", (event) => { if (typed) event.preventDefault(); });
}

// A second click while the answer is on its way sends nothing. Back from the browser's memory, it may again.
const SENT = new Set();
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (SENT.has(form)) event.preventDefault();
  SENT.add(form);
  setTimeout(() => SENT.delete(form), 10000);
});
addEventListener("pageshow", () => SENT.clear());

// What a page looks up by itself may fail: it looks again, and what is shown grows old. An act that failed says so, and
// nothing on the page is lost by it. What another has changed meanwhile (4xx) is shown as it is now.
document.addEventListener("htmx:responseError", (event) => failed(event.detail.requestConfig.verb, event.detail.xhr.status));
document.addEventListener("htmx:sendError", (event) => failed(event.detail.requestConfig.verb, 0));
document.addEventListener("htmx:afterSwap", () => dress(document));
document.addEventListener("htmx:beforeSwap", (event) => {
  if (!/^\/(login|reauthenticate)\b/.test(event.detail.pathInfo.responsePath ?? "")) return;
  event.detail.shouldSwap = false; // signed out meanwhile: a page of its own, and not a part of this one
  location.reload();
});

function failed(verb, status) {
  if (verb === "get") return;
  if (status >= 400 && status < 500) {
    location.assign(`${location.pathname}${location.search}`);
    return;
  }
  const made = document.getElementById("toast-failed").content.firstElementChild.cloneNode(true);
  document.getElementById("toasts").replaceChildren(made);
  dress(document);
}

dress(document);
