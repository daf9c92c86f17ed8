"use strict";
// All text that comes from the program is set as text, never as markup.
const SILENCE = 3; // seconds without a message: what is shown may be old
const $ = (id) => document.getElementById(id);
const make = (tag, cls, text) => {
  const node = document.createElement(tag);
  if (cls) node.className = cls;
  if (text !== undefined) node.textContent = text;
  return node;
};
const put = (node, text) => { if (node.textContent !== text) node.textContent = text; };
const svg = (tag, attributes) => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
};

const time = (seconds) => {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds === 0) return "0";
  if (seconds < 1e-3) return `${(seconds * 1e6).toFixed(0)} µs`;
  if (seconds < 1) return `${(seconds * 1e3).toFixed(seconds < 0.01 ? 2 : 0)} ms`;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
};
const age = (seconds) => (seconds < 1 ? "now" : `${time(Math.floor(seconds))} ago`);
const number = (value) => (value >= 1e6 ? `${(value / 1e6).toFixed(1)} M` : value >= 1e4 ? `${(value / 1e3).toFixed(1)} k` : `${Math.round(value * 10) / 10}`);
const bytes = (value) => (value === null || value === undefined ? "–" : value < 1024 ? `${value} B` : value < 1048576 ? `${(value / 1024).toFixed(1)} KiB` : `${(value / 1048576).toFixed(1)} MiB`);

const LOOK = {
  running: "good", live: "good", starting: "warn", waiting: "warn", stopping: "warn", suspended: "warn", backoff: "bad", stuck: "bad", gone: "bad",
  silent: "warn", stalled: "bad", paused: "warn", clean: "", failed: "bad", panicked: "bad", stopped: "warn", refused: "bad", gave_up: "bad",
};
const words = (state) => ({ backoff: "restarts soon", none_yet: "none yet", gave_up: "gave up" })[state] || state;
const pill = (node, state) => {
  put(node, words(state));
  const cls = `pill ${LOOK[state] || ""}`.trim();
  if (node.className !== cls) node.className = cls;
};

let view = null, about = {}, sources = [], points = [];
let heardAt = performance.now(), stale = false, token = null, offers = null;

// Rows are kept by key, so that an open detail and the focus stay where they are.
function rows(parent, items, key, create, update) {
  const known = new Map([...parent.children].map((node) => [node.dataset.key, node]));
  let before = null;
  for (const item of items) {
    const name = String(key(item));
    let node = known.get(name);
    known.delete(name);
    if (!node) {
      node = create(item);
      node.dataset.key = name;
    }
    update(node, item);
    const place = before ? before.nextSibling : parent.firstChild;
    if (place !== node) parent.insertBefore(node, place);
    before = node;
  }
  for (const node of known.values()) node.remove();
}

function table(head, columns) {
  for (const [label, cls] of columns) {
    const cell = make("th", cls, label);
    cell.scope = "col";
    cell.setAttribute("role", "columnheader");
    $(head).append(cell);
  }
}
function row(columns) {
  const node = make("tr");
  node.setAttribute("role", "row");
  for (const [label, cls] of columns) {
    const cell = make("td", cls);
    cell.setAttribute("role", "cell");
    if (!cls.includes("name")) cell.dataset.label = label;
    node.append(cell);
  }
  return node;
}

const WORKERS = [["Worker", "name wide"], ["State", "wide state"], ["Heard of", "num"], ["Runs", "num"], ["Restarts", "num"], ["Sent", "num"], ["Dropped, refused", "num"], ["Blocked", "num"]];
const SOURCES = [["Source", "name wide"], ["Slots", "num"], ["Waiting", "num"], ["Accepted", "num"], ["A second", "num"], ["Refused", "num"], ["Dropped", "num"], ["Blocked", "num"]];
table("worker-head", WORKERS);
table("source-head", SOURCES);

function panicDetail(parent, panic) {
  let detail = parent.querySelector("details");
  if (!panic) {
    if (detail) detail.remove();
    return;
  }
  if (!detail) {
    detail = make("details");
    detail.append(make("summary"), make("pre"));
    detail.firstChild.append(make("code"), make("span"));
    detail.lastChild.tabIndex = 0;
    parent.append(detail);
  }
  put(detail.querySelector("code"), panic.place);
  put(detail.querySelector("summary span"), ` ${panic.message}`);
  put(detail.querySelector("pre"), panic.full);
}

function workerRow() {
  const node = row(WORKERS);
  const [name, state] = node.cells;
  name.append(make("span", "text"), make("span", "unit"), make("small"));
  state.append(make("span", "pill"), make("small"), make("div", "detail"));
  node.cells[3].append(make("span"), make("small"));
  node.cells[5].append(make("span"), make("small"));
  return node;
}
function updateWorker(node, worker) {
  const [name, state, heard, runs, restarts, sent, lost, blocked] = node.cells;
  put(name.children[0], worker.name);
  put(name.children[1], `#${worker.instance}`);
  put(name.children[2], `${worker.source}, ${worker.kind}${worker.group === null ? "" : `, group ${worker.group}`}`);
  const known = !stale;
  pill(state.children[0], known ? worker.state : "not known");
  const detail = worker.state === "running" || worker.state === "starting" ? `for ${time(worker.since)}` : worker.text;
  put(state.children[1], known ? (worker.text.includes("panicked") && worker.last_panic ? worker.text.split(":")[0] : detail) : `${worker.state} when last heard of`);
  panicDetail(state.children[2], worker.last_panic);
  if (!worker.last_panic && worker.last_error && worker.state !== "backoff") put(state.children[1], `${detail}; before: ${worker.last_error}`);
  put(heard, worker.heartbeat === null ? age(worker.heard) : `${age(worker.heard)}, beat ${age(worker.heartbeat)}`);
  put(runs.children[0], String(worker.generation));
  put(runs.children[1], "");
  put(restarts, worker.restarts_allowed === null ? "no limit" : `${worker.restarts} of ${worker.restarts_allowed}`);
  restarts.title = worker.restarts_within ? `within ${time(worker.restarts_within)}` : "";
  put(sent.children[0], number(worker.sent));
  put(sent.children[1], worker.rate > 0 ? `${number(worker.rate)}/s` : "");
  put(lost, `${number(worker.dropped)}, ${number(worker.refused)}`);
  put(blocked, worker.waiting > 0 ? `${time(worker.blocked)}, waits` : time(worker.blocked));
  workerButtons(name, worker);
}
function workerButtons(parent, worker) {
  let box = parent.querySelector(".buttons");
  if (!offers) {
    if (box) box.remove();
    return;
  }
  if (!box) {
    box = make("div", "buttons");
    for (const action of offers.workers) {
      const button = make("button", "", action);
      button.type = "button";
      button.dataset.action = action;
      button.setAttribute("aria-label", `${action} ${worker.name} #${worker.instance}`);
      button.addEventListener("click", () => act(`/control/workers/${worker.instance}/${action}`));
      box.append(button);
    }
    parent.append(box);
  }
  for (const button of box.children) {
    const hide = button.dataset.action === (worker.state === "suspended" ? "suspend" : "resume");
    if (button.hidden !== hide) button.hidden = hide;
  }
}

function tiles() {
  const { queue, frames } = view;
  const frameState = about.paused ? "paused" : frames.state;
  const trouble = view.workers.filter((worker) => ["backoff", "stuck", "gone"].includes(worker.state)).length;
  const quiet = view.workers.filter((worker) => worker.state === "quiet").length;
  const all = [
    ["Workers", String(view.worker_count), trouble ? `${trouble} in trouble` : quiet ? `${quiet} quiet` : "none in trouble"],
    ["Frames", stale ? "not known" : words(frameState), `${number(frames.rate)}/s, ${number(frames.count)} so far`],
    ["A frame takes", time(frames.total.p50), `p99 ${time(frames.total.p99)}; drain ${time(frames.drain.p99)}, apply ${time(frames.apply.p99)}, reconcile ${time(frames.reconcile.p99)}`],
    ["Intents a frame", String(frames.intents_p50), `p99 ${frames.intents_p99}, left behind ${frames.left}`],
    ["Queue", `${queue.depth} of ${queue.capacity}`, queue.oldest === null ? `${queue.waiting} wait` : `oldest ${time(queue.oldest)}, ${queue.waiting} wait`],
    ["Refused, dropped", `${number(queue.refused)}, ${number(queue.dropped)}`, `${number(queue.accepted)} accepted, ${number(queue.rate)}/s`],
    ["Incidents", String(view.incidents), view.events_missed ? `${view.events_missed} events missed` : "since it was built"],
  ];
  rows($("tiles"), all, (tile) => tile[0], () => {
    const node = make("div");
    node.append(make("dt"), make("dd"), make("dd"));
    return node;
  }, (node, tile) => tile.forEach((text, at) => put(node.children[at], text)));
}

const PLOTS = [
  { id: "depth", label: "Queue depth", lines: () => [["depth", points.map((point) => point.depth)], ["waiting", points.map((point) => point.waiting)]], show: (value) => number(value) },
  { id: "frame", label: "Frame time", lines: () => [["p50", points.map((point) => point.frame_p50)], ["p99", points.map((point) => point.frame_p99)]], show: time },
  { id: "intents", label: "Intents a second, by source", lines: () => sources.map((name, at) => [name, points.map((point) => point.intents[at] || 0)]), show: (value) => `${number(value)}/s` },
];
function plots() {
  const last = points.length ? points[points.length - 1].at : 0;
  const span = points.length ? Math.max(60, Math.ceil((last - points[0].at) / 60) * 60) : 60;
  rows($("plots"), PLOTS, (plot) => plot.id, (plot) => {
    const node = make("figure");
    const caption = make("figcaption");
    caption.append(make("strong", "", plot.label), make("span", "unit"));
    node.append(caption, svg("svg", { viewBox: "0 0 300 100", preserveAspectRatio: "none", role: "img" }), make("ul", "legend"));
    return node;
  }, (node, plot) => {
    const lines = plot.lines();
    const most = Math.max(...lines.flatMap(([, values]) => values), 0);
    const top = most || 1;
    put(node.querySelector(".unit"), `most ${plot.show(most)} in ${span / 60} min`);
    const picture = node.querySelector("svg");
    picture.setAttribute("aria-label", `${plot.label}: ${lines.map(([name, values]) => `${name} ${plot.show(values[values.length - 1] || 0)}`).join(", ") || "nothing yet"}, most ${plot.show(most)}`);
    rows(picture, lines, ([name]) => name, () => svg("path", {}), (path, [, values]) => {
      path.setAttribute("class", `k${lines.findIndex((line) => line[1] === values)}`);
      // A gap between two points longer than a few seconds is a gap in the line.
      path.setAttribute("d", values.map((value, at) => {
        const x = 300 - ((last - points[at].at) / span) * 300, y = 96 - (value / top) * 90;
        return `${at === 0 || points[at].at - points[at - 1].at > 5 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`;
      }).join(""));
    });
    rows(node.querySelector(".legend"), lines, ([name]) => name, ([name]) => make("li", `k${lines.findIndex((line) => line[0] === name)}`), (item, [name, values]) => put(item, `${name} ${plot.show(values[values.length - 1] || 0)}`));
  });
}

function list(id, items, key, render) {
  const section = $(`s-${id}`);
  if (section && section.hidden !== (items.length === 0)) section.hidden = items.length === 0;
  rows($(id), items, key, () => {
    const node = make("li");
    node.append(make("span", "ago"), make("span", "name"), make("span", "unit"), document.createTextNode(" "), make("span", "pill"), make("small"), make("div", "detail"));
    return node;
  }, (node, item) => {
    const { ago, name, unit, state, look, text, panic } = render(item);
    put(node.querySelector(".ago"), ago || "");
    put(node.querySelector(".name"), name);
    put(node.querySelector(".unit"), unit || "");
    const badge = node.querySelector(".pill");
    pill(badge, look || state);
    put(badge, words(state));
    put(node.querySelector("small"), text ? ` ${text}` : "");
    panicDetail(node.querySelector(".detail"), panic);
  });
}

function draw() {
  if (!view) return;
  put($("panel"), view.panel);
  document.title = `${view.panel}: ${stale ? "no word" : view.state}`;
  pill($("state"), stale ? "not known" : view.state);
  $("warning").hidden = !view.warning;
  put($("warning"), view.warning || "");
  tiles();
  plots();
  put($("worker-count"), String(view.worker_count));
  rows($("worker-rows"), view.workers, (worker) => worker.instance, workerRow, updateWorker);
  $("workers-left").hidden = view.workers_left_out === 0;
  put($("workers-left"), `${view.workers_left_out} more are not shown; those in trouble come first.`);
  put($("ends-count"), view.ends_left_out ? `the last ${view.ends.length} of ${view.ends.length + view.ends_left_out}` : view.ends.length ? String(view.ends.length) : "none yet");
  list("ends", view.ends.slice(0, 30), (end) => end.number, (end) => ({
    ago: age(end.ago), name: end.name, unit: `#${end.instance}, run ${end.generation}`, state: end.kind, text: end.panic || end.text === end.kind ? "" : end.text, panic: end.panic,
  }));
  rows($("source-rows"), view.queue.sources, (source) => source.source, () => row(SOURCES), (node, source) => {
    const cells = [source.source, source.slots, source.waiting, number(source.accepted), `${number(source.rate)}/s`, number(source.refused), number(source.dropped), time(source.blocked)];
    cells.forEach((text, at) => put(node.cells[at], String(text)));
  });
  list("peers", view.peers, (peer) => peer.name, (peer) => ({
    name: peer.name, state: peer.online ? "online" : "offline", look: peer.online ? "running" : "waiting",
    text: [peer.state, peer.lag === null ? "" : `lacks ${peer.lag}`, peer.redo_depth === null ? "" : `redo ${peer.redo_depth}`, peer.bytes ? `sent ${bytes(peer.bytes[0])}, received ${bytes(peer.bytes[1])}` : ""].filter(Boolean).join("; "),
  }));
  list("mods", view.mods, (mod) => mod.name, (mod) => ({
    name: mod.name, unit: mod.version || "", state: mod.health, look: mod.trouble ? "failed" : mod.health === "active" ? "running" : "waiting",
    text: [mod.trouble || "", `${number(mod.calls)} calls`, mod.refused ? `${mod.refused} refused` : ""].filter(Boolean).join("; "),
  }));
  list("journals", view.journals, (journal) => journal.path, (journal) => ({
    name: journal.path, state: journal.trouble ? "failed" : journal.pending ? "writing" : "durable", look: journal.trouble ? "failed" : "running",
    text: [journal.trouble || "", bytes(journal.bytes), journal.pending ? `${journal.pending} not on disk yet` : "", journal.last_fsync === null ? "" : `written ${age(journal.last_fsync)}`].filter(Boolean).join("; "),
  }));
  if ($("s-policy").hidden !== (view.policy.length === 0)) $("s-policy").hidden = view.policy.length === 0;
  rows($("policy"), view.policy.flatMap((fact) => [["dt", fact.name, fact.name], ["dd", fact.name, fact.value]]), (cell) => cell[0] + cell[1], (cell) => make(cell[0]), (node, cell) => put(node, cell[2]));
  control();
  const refused = Object.entries(about.refused || {}).filter(([, count]) => count > 0).map(([why, count]) => `${why} ${count}`).join(", ");
  put($("about"), `control-panel ${about.version || ""}; ${about.viewers || 0} of ${about.most_viewers || 0} viewers, ${about.left || 0} left; refused: ${refused || "nothing"}.`);
}

function control() {
  const form = $("token-form");
  form.hidden = !about.takes_token || offers !== null;
  if (!about.takes_token) put($("control-note"), "This dashboard only reads: the program gave it no token.");
  const wanted = offers && offers.frames ? offers.frames.filter((action) => (action === "pause" ? !about.paused : action === "resume" ? about.paused : true)) : [];
  rows($("frame-buttons"), wanted, (action) => action, (action) => {
    const button = make("button", "", { pause: "Pause the frames", resume: "Resume the frames", step: "Step one frame" }[action]);
    button.type = "button";
    button.addEventListener("click", () => act(`/control/frames/${action}`));
    return button;
  }, () => {});
}
function policyForm() {
  const form = $("policy-form"), fields = offers && offers.policy;
  form.replaceChildren();
  form.hidden = !fields;
  for (const field of fields || []) {
    const label = make("label", "", field.label), input = make("input");
    input.name = field.name;
    input.value = field.value;
    input.id = `policy-${field.name}`;
    label.htmlFor = input.id;
    form.append(label, input);
  }
  if (fields) form.append(make("button", "", "Set the policy"));
}
const ask = (path, options) => fetch(path, { ...options, headers: { Authorization: `Bearer ${token}`, ...(options || {}).headers } });
async function act(path, body) {
  try {
    const answer = await ask(path, { method: "POST", body: body && JSON.stringify(body) });
    put($("said"), (await answer.text()).trim());
  } catch {
    put($("said"), "The program does not answer.");
  }
}
async function unlock(given) {
  token = given;
  try {
    const answer = await ask("/control");
    if (answer.ok) {
      offers = await answer.json();
      sessionStorage.setItem("token", given);
      put($("control-note"), "Unlocked for this tab.");
      policyForm();
    } else {
      sessionStorage.removeItem("token");
      put($("control-note"), (await answer.text()).trim());
    }
  } catch {
    put($("control-note"), "The program does not answer.");
  }
  draw();
}
$("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  unlock($("token").value);
  $("token").value = "";
});
$("policy-form").addEventListener("submit", (event) => {
  event.preventDefault();
  act("/control/policy", Object.fromEntries(new FormData(event.target)));
});

function heard(message) {
  heardAt = performance.now();
  ({ view, dashboard: about } = message);
  check();
  draw();
}
function check() {
  const silent = (performance.now() - heardAt) / 1000, now = silent > SILENCE;
  if (now) put($("stale"), `No word from the program for ${Math.floor(silent)} s: what is below is as of then.`);
  if (now !== stale) {
    stale = now;
    $("stale").hidden = !stale;
    document.body.classList.toggle("stale", stale);
    draw();
  }
}
setInterval(check, 500);

function open() {
  const feed = new EventSource("/events");
  feed.addEventListener("status", (event) => {
    const message = JSON.parse(event.data);
    ({ sources, points } = message.history);
    heard(message);
  });
  feed.addEventListener("view", (event) => {
    const message = JSON.parse(event.data);
    sources = message.sources;
    const last = points.length ? points[points.length - 1].at : -1;
    points.push(...message.points.filter((point) => point.at > last));
    points.splice(0, Math.max(0, points.length - 300));
    heard(message);
  });
  // A browser tries again by itself, but not after an answer that is no stream.
  feed.addEventListener("error", () => {
    if (feed.readyState === EventSource.CLOSED) setTimeout(open, 2000);
  });
}
open();
const kept = sessionStorage.getItem("token");
if (kept) unlock(kept);
