// Live values: one socket for the page; plain HTTP where a socket cannot get through; nothing green without data.
//
// Envelope (api.md): {"type","topic","seq","at","data"}. A snapshot holds section -> id -> item; a delta the items that
// differ, whole, and in "gone" the ids that are no more. A seq that does not follow the last one: ask for a snapshot.

const WORDS = JSON.parse(document.getElementById("live-words").textContent);
const { tenant, poll } = document.body.dataset;
const moves = () => document.querySelector("[data-live=deployments]") !== null;
const TOPICS = ["backends", "status", "deployments"];
const FIRST_WAIT = 500, MOST_WAIT = 30_000, POLL_EVERY = 10_000, PING_EVERY = 20_000, SILENT_AFTER = 45_000;
const STALE_AFTER = 5, OFFLINE_AFTER = 15; // seconds, as the server has them
const FINAL = new Set([4400, 4401, 4403, 4404]); // no credential, no right, no such tenant
const UNCONFIRMED_AFTER = 10_000;

const chip = document.querySelector("[data-testid=conn-chip]");
const state = { backends: {}, pools: {}, nodes: {}, totals: {} };
const seqs = {};
const asked = new Map(); // backend id -> when an act was asked for
let socket = null, attempts = 0, retryTimer = 0, pollTimer = 0, heardAt = 0, everHeard = false;

// ---- what the chip says
function connection(name) {
  if (chip.dataset.state === name) return;
  chip.dataset.state = name;
  chip.querySelector(".word").textContent = WORDS.connection[name];
}

// ---- the socket
function connect() {
  clearTimeout(retryTimer);
  if (document.hidden || socket) return;
  const url = new URL("/ws/console", location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  url.searchParams.set("tenant", tenant);
  socket = new WebSocket(url);
  socket.onopen = () => {
    for (const topic of TOPICS) say("subscribe", topic);
  };
  socket.onmessage = (event) => heard(JSON.parse(event.data));
  socket.onclose = (event) => {
    socket = null;
    if (FINAL.has(event.code)) {
      connection("offline"); // access is withdrawn: asking again would change nothing
      stopPolling();
      return;
    }
    if (!document.hidden) again();
  };
}

function say(type, topic) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(topic ? { type, topic } : { type }));
}

function again() {
  attempts += 1;
  const most = Math.min(MOST_WAIT, FIRST_WAIT * 2 ** (attempts - 1));
  retryTimer = setTimeout(connect, FIRST_WAIT / 2 + Math.random() * most);
  if (attempts >= 3) startPolling();
  else connection(navigator.onLine ? "reconnecting" : "offline");
}

function heard(frame) {
  heardAt = Date.now();
  if (frame.type !== "snapshot" && frame.type !== "delta") return;
  const { type, topic, seq, data } = frame;
  if (type === "delta" && seq !== (seqs[topic] ?? 0) + 1) {
    delete seqs[topic];
    say("subscribe", topic);
    return;
  }
  seqs[topic] = seq;
  attempts = 0;
  everHeard = true;
  stopPolling();
  connection("live");
  take(topic, data, type === "snapshot");
}

// ---- the same by HTTP
function startPolling() {
  if (pollTimer || !poll) return;
  connection(navigator.onLine ? "polling" : "offline");
  pollTimer = setInterval(pollOnce, POLL_EVERY);
  pollOnce();
}

function stopPolling() {
  clearInterval(pollTimer);
  pollTimer = 0;
}

async function pollOnce() {
  if (document.hidden) return;
  try {
    const answer = await fetch(poll, { headers: { Accept: "application/json" }, redirect: "error" });
    if (!answer.ok) throw new Error(String(answer.status));
    const data = await answer.json();
    heardAt = Date.now();
    everHeard = true;
    if (pollTimer) connection("polling");
    for (const topic of TOPICS) take(topic, data[topic] ?? {}, true);
    if (moves()) refresh();
    refreshHeader();
  } catch {
    connection(navigator.onLine ? "reconnecting" : "offline");
  }
}

// ---- what is known
const SECTIONS = { backends: ["backends", "pools"], status: ["nodes", "totals"] };

function take(topic, data, whole) {
  if (topic === "deployments") {
    if (!whole) refresh();
    refreshHeader();
  }
  for (const section of SECTIONS[topic] ?? []) {
    if (whole) state[section] = data[section] ?? {};
    else Object.assign(state[section], data[section]);
    for (const id of data.gone?.[section] ?? []) delete state[section][id];
  }
  paint();
}

// A deployment moved: the page itself is asked for again, and only what differs is put in.
let refreshTimer = 0;
const UNDER_WAY = "[data-testid=badge-sync]:is([data-state=deploying], [data-state=pending])";

function refresh(wait = 250) {
  clearTimeout(refreshTimer);
  refreshTimer = setTimeout(() => {
    if (moves()) look(location.href, { target: "#main", select: "#main", swap: "morph:outerHTML" });
  }, wait);
}

// A look that fails changes nothing: the chip says that the page hears nobody, and the next look comes by itself.
// It is its target's own request: one without a source is the whole page's, and holds up the next.
function look(url, how) {
  window.htmx?.ajax("GET", url, { source: how.target, ...how }).catch(() => {});
}

// Whether the newest state serves: asked for again when something moved, and until what is under way has arrived.
let headerTimer = 0;
const ARRIVING = "#serving:is([data-state=deploying], [data-state=pending])";

function refreshHeader(wait = 250) {
  clearTimeout(headerTimer);
  headerTimer = setTimeout(() => {
    if (!document.hidden) look(document.body.dataset.header, { target: "#serving", swap: "outerHTML" });
  }, wait);
}

// ---- the page
function text(root, selector, value) {
  const found = root.querySelector(selector);
  if (found && value !== undefined && found.textContent !== String(value)) found.textContent = String(value);
  return found;
}

function mark(element, name, value) {
  if (element && element.dataset[name] !== String(value)) element.dataset[name] = String(value);
}

function ageOf(nodes) {
  const ages = nodes.map((node) => state.nodes[node.node]?.at).filter(Boolean)
    .map((at) => Math.max(0, Math.round((Date.now() - Date.parse(at)) / 1000)));
  return ages.length ? Math.max(...ages) : null;
}

function said(seconds) {
  return seconds < 120 ? WORDS.said.age.replace("{n}", seconds) : WORDS.said.minutes.replace("{n}", Math.floor(seconds / 60));
}

function paint() {
  for (const row of document.querySelectorAll("[data-live=backend]")) {
    const seen = state.backends[row.dataset.id];
    if (seen) paintBackend(row, seen);
  }
  for (const element of document.querySelectorAll("[data-live=pool]")) {
    const seen = state.pools[element.dataset.id];
    if (seen) paintPool(element, seen);
  }
  for (const element of document.querySelectorAll("[data-live=totals]")) paintTotals(element);
  paintAges();
}

function paintBackend(row, seen) {
  const oper = row.querySelector("[data-testid=badge-oper]");
  mark(oper, "state", seen.oper);
  text(oper, ".word", WORDS.oper[seen.oper]);
  text(row, "[data-field=sessions]", seen.fresh === "offline" ? "–" : seen.sessions);
  text(row, "[data-field=rate]", seen.fresh === "offline" ? "–" : seen.rate);
  const check = seen.last_check;
  const failing = seen.oper === "down" || seen.oper === "stopping";
  text(row, "[data-field=why]", failing && check ? [check.code, check.detail].filter(Boolean).join(" · ") : "");
  paintNodes(row, seen.nodes);
  paintAddresses(row, seen.addresses ?? {});
  paintAdmin(row, seen.nodes);
  row.dataset.fresh = seen.fresh;
}

function paintNodes(row, nodes) {
  const place = row.querySelector("[data-field=nodes]");
  if (!place) return;
  const wanted = row.dataset.admin;
  place.replaceChildren(...nodes.map((node) => {
    const chipOf = place.querySelector(`[data-node="${CSS.escape(node.node)}"]`) ?? newNode(node.node);
    mark(chipOf, "state", node.oper);
    mark(chipOf, "fresh", node.fresh);
    chipOf.toggleAttribute("data-unconfirmed", node.admin !== wanted);
    text(chipOf, ".visually-hidden", ` ${WORDS.oper[node.oper]}`);
    return chipOf;
  }));
}

// Those that are on the page: where its name leads to by now, the next page tells.
function paintAddresses(row, addresses) {
  for (const [key, one] of Object.entries(addresses)) {
    const place = row.querySelector(`[data-address="${CSS.escape(key)}"]`);
    mark(place, "state", one.oper);
    if (place) text(place, ".visually-hidden", ` ${WORDS.oper[one.oper]}`);
  }
}

function newNode(name) {
  const made = document.createElement("span");
  made.className = "vf-node";
  made.dataset.node = name;
  const dot = document.createElement("span");
  dot.className = "dot";
  dot.setAttribute("aria-hidden", "true");
  const label = document.createElement("span");
  label.className = "name";
  label.textContent = name;
  const word = document.createElement("span");
  word.className = "visually-hidden";
  made.append(dot, label, word);
  return made;
}

// Wanted against confirmed: "Draining… 1/2" until every node runs it, and after ten seconds who does not.
function paintAdmin(row, nodes) {
  const badge = row.querySelector("[data-testid=badge-admin]");
  const wanted = row.dataset.admin;
  const missing = nodes.filter((node) => node.admin !== wanted || node.fresh === "offline");
  const settled = missing.length === 0;
  badge.toggleAttribute("data-intent", !settled);
  text(badge, ".word", settled ? WORDS.admin[wanted] : WORDS.intent[wanted]);
  text(badge, ".acks", settled ? "" : `${nodes.length - missing.length}/${nodes.length}`);
  if (settled) asked.delete(row.dataset.id);
  else if (!asked.has(row.dataset.id)) asked.set(row.dataset.id, Date.now());
  const late = !settled && Date.now() - asked.get(row.dataset.id) > UNCONFIRMED_AFTER;
  const names = missing.map((node) => node.node).join(", ");
  text(row, "[data-field=unconfirmed]", late ? WORDS.said.unconfirmed.replace("{nodes}", names) : "");
}

function paintPool(element, seen) {
  const dark = seen.fresh === "offline";
  for (const name of ["rate", "sessions", "queue", "up", "total"]) {
    text(element, `[data-field=${name}]`, dark ? "–" : seen[name]);
  }
  const rate = element.querySelector("[data-testid=metric-rate]");
  mark(rate, "value", dark ? "" : seen.rate);
  const bar = element.querySelector(".vf-upbar");
  if (bar) {
    const all = Number(element.dataset.configured), good = seen.up + seen.nocheck;
    mark(bar, "state", dark ? "unknown" : good === 0 ? "down" : good >= all ? "up" : "partly");
    bar.querySelector("meter").value = dark ? 0 : good;
  }
  mark(element, "fresh", seen.fresh);
}

function paintTotals(element) {
  const traffic = state.totals.traffic;
  const pools = Object.values(state.pools).filter((pool) => pool.fresh !== "offline");
  if (!traffic || pools.length === 0) return;
  const up = pools.reduce((sum, pool) => sum + pool.up + pool.nocheck, 0);
  for (const [name, value] of [["rate", traffic.rate], ["sessions", traffic.sessions], ["up", up]]) {
    text(element, `[data-field=${name}]`, value);
    mark(element.querySelector(`[data-testid=metric-${name}]`), "value", value);
  }
}

// Every second: how old is what we show? Grey when it no longer counts, with its age growing.
function paintAges() {
  if (!everHeard) return;
  const silent = Math.round((Date.now() - heardAt) / 1000);
  const connected = chip.dataset.state === "live" || (chip.dataset.state === "polling" && silent <= POLL_EVERY / 1000 + STALE_AFTER);
  for (const row of document.querySelectorAll("[data-live=backend]")) {
    const seen = state.backends[row.dataset.id];
    if (!seen) continue;
    const age = Math.max(ageOf(seen.nodes) ?? 0, connected ? 0 : silent);
    const fresh = connected ? seen.fresh : age >= OFFLINE_AFTER ? "offline" : age >= STALE_AFTER ? "stale" : seen.fresh;
    const badge = row.querySelector("[data-testid=badge-fresh]");
    mark(badge, "state", fresh);
    text(badge, ".word", WORDS.fresh[fresh]);
    text(badge, ".age", fresh === "live" ? "" : said(age));
    for (const name of ["admin", "oper", "fresh"]) mark(row.querySelector(`[data-testid=badge-${name}]`), "age", age);
    row.classList.toggle("is-stale", fresh !== "live");
    if (seen.nodes.length) paintAdmin(row, seen.nodes);
  }
  document.getElementById("serving")?.classList.toggle("is-stale", !connected && silent >= STALE_AFTER);
  for (const element of document.querySelectorAll("[data-live=pool], [data-live=totals]")) {
    const old = !connected && silent >= STALE_AFTER;
    element.classList.toggle("is-stale", old || element.dataset.fresh === "stale" || element.dataset.fresh === "offline");
    const ages = Object.values(state.nodes).map((node) => Math.max(0, Math.round((Date.now() - Date.parse(node.at)) / 1000)));
    const shown = Math.max(connected ? 0 : silent, ages.length ? Math.min(...ages) : 0);
    text(element, "[data-field=age]", said(shown));
  }
}

// ---- when
document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    say("pause");
    return;
  }
  refreshHeader();
  if (socket) say("resume");
  else { attempts = 0; connect(); }
});
addEventListener("online", () => { attempts = 0; connect(); });
addEventListener("offline", () => connection("offline"));
addEventListener("pagehide", () => socket?.close());
// A row that was swapped in is from the moment of its answer; what we know since then goes on top.
document.addEventListener("htmx:afterSettle", (event) => {
  if (document.querySelector(ARRIVING)) refreshHeader(2000);
  else if (event.detail.requestConfig?.verb === "post") refreshHeader(); // an act: its change is on its way
  for (const row of document.querySelectorAll("[data-live=backend][data-asked]:not([data-asked=''])")) {
    asked.set(row.dataset.id, Date.now());
    row.dataset.asked = "";
  }
  // Two moves within a second may be told as one: what is under way is looked at until it is not.
  if (moves() && document.querySelector(UNDER_WAY)) refresh(2000);
  paint();
});
// A drain's seconds left, counted down between two looks at it.
function countDown() {
  for (const left of document.querySelectorAll("[data-left]")) {
    left.dataset.left = Math.max(0, Number(left.dataset.left) - 1);
    left.textContent = `${left.dataset.left} s`;
  }
}
setInterval(() => {
  countDown();
  paintAges();
  if (socket?.readyState === WebSocket.OPEN && Date.now() - heardAt > SILENT_AFTER) socket.close();
}, 1000);
setInterval(() => say("ping"), PING_EVERY);
connection("reconnecting");
connect();
if (moves() && document.querySelector(UNDER_WAY)) refresh(2000);
if (document.querySelector(ARRIVING)) refreshHeader(1000);
