// Looks at this page again every five seconds while somebody sees it, and puts in what changed.
const EVERY = 5000;

async function look() {
  const place = document.querySelector("[data-fresh]");
  if (!place || document.hidden || place.contains(document.activeElement)) return;
  const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "error" });
  if (!answer.ok) return;
  const found = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-fresh]");
  if (found && found.innerHTML !== place.innerHTML) place.replaceChildren(...found.childNodes);
}

// A console that is away is asked again the next time.
setInterval(() => look().catch(() => undefined), EVERY);
