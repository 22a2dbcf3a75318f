// Passkeys: two requests around what the browser and the device do. Buttons appear where the browser can.
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

for (const box of document.querySelectorAll("[data-passkey]")) {
  if (!globalThis.PublicKeyCredential) continue;
  box.hidden = false;
  const button = box.querySelector("button");
  button.addEventListener("click", async () => {
    say(box, "");
    button.disabled = true;
    try {
      await ceremony(box);
    } catch (error) {
      // What the browser says when it was cancelled, timed out, or has no such passkey is one and the same.
      say(box, error instanceof Refusal ? error.message : box.dataset.cancelled);
      button.disabled = false;
    }
  });
}

class Refusal extends Error {}

async function ceremony(box) {
  const options = await post(box, box.dataset.options);
  const made = box.dataset.passkey === "create" ? await create(options) : await get(options);
  const url = new URL(box.dataset.answer, location.href);
  if (box.dataset.next) url.searchParams.set("next", box.dataset.next);
  if (box.dataset.passkey === "create") url.searchParams.set("name", document.querySelector("#passkey-name")?.value ?? "");
  const { next } = await post(box, url, made);
  location.assign(next);
}

async function post(box, url, body = {}) {
  const token = box.querySelector("[name=csrfmiddlewaretoken]").value;
  const headers = { "Content-Type": "application/json", "X-CSRFToken": token };
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body), credentials: "same-origin" });
  if (answer.redirected) {
    location.assign(answer.url.includes("/reauthenticate") ? `/reauthenticate?next=${encodeURIComponent(location.pathname)}` : answer.url);
    return new Promise(() => {});
  }
  const kind = answer.headers.get("Content-Type") ?? "";
  const said = kind.includes("json") ? await answer.json() : {};
  if (!answer.ok) throw new Refusal(said.detail || box.dataset.failed);
  return said;
}

async function create(options) {
  const publicKey = {
    ...options,
    challenge: bytes(options.challenge),
    user: { ...options.user, id: bytes(options.user.id) },
    excludeCredentials: (options.excludeCredentials ?? []).map((one) => ({ ...one, id: bytes(one.id) })),
  };
  const made = await navigator.credentials.create({ publicKey });
  return shown(made, {
    attestationObject: text(made.response.attestationObject),
    transports: made.response.getTransports?.() ?? [],
  });
}

async function get(options) {
  const publicKey = {
    ...options,
    challenge: bytes(options.challenge),
    allowCredentials: (options.allowCredentials ?? []).map((one) => ({ ...one, id: bytes(one.id) })),
  };
  const made = await navigator.credentials.get({ publicKey });
  return shown(made, {
    authenticatorData: text(made.response.authenticatorData),
    signature: text(made.response.signature),
    userHandle: made.response.userHandle ? text(made.response.userHandle) : null,
  });
}

function shown(made, response) {
  return {
    id: made.id,
    rawId: text(made.rawId),
    type: made.type,
    clientExtensionResults: {},
    response: { clientDataJSON: text(made.response.clientDataJSON), ...response },
  };
}

function say(box, words) {
  const place = box.querySelector("[role=alert]");
  place.textContent = words;
  place.hidden = !words;
}
