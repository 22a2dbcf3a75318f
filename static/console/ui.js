// What makes pages pleasant, and what they work without: menus close, toasts go, commands are copied, typing is guarded.
const within = (root, selector) => root.querySelectorAll(selector);

const clock = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });

function dress(root) {
  for (const button of within(root, "[data-dismiss], [data-copy]")) button.hidden = false;
  for (const time of within(root, "time[datetime]")) {
    time.title ||= time.textContent;
    time.textContent = clock.format(new Date(time.dateTime)); // in the reader's own time zone
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

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
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

// htmx swaps only what is good by default; a refusal is a row too, and what broke is said.
document.addEventListener("htmx:responseError", (event) => toast(event.detail.xhr.status));
document.addEventListener("htmx:sendError", () => toast(0));
document.addEventListener("htmx:afterSwap", () => dress(document));

function toast(status) {
  location.assign(status === 401 || status === 403 ? location.href : `${location.pathname}${location.search}`);
}

dress(document);
