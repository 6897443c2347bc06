// The picture that is being painted, and the jobs that wait.

import { $, ask, attempt, make, say } from "./server.js";

/** What stands on the easel: a job by its number, a picture of the gallery, or nothing. */
let shown = null;
/** The job that a page follows by itself: what was begun last. */
let followed = 0;
let jobs = [];
let curvesAt = 0;
let onTile = () => {};

const OVER = ["done", "stopped", "diverged", "failed"];
const WORDS = {
  queued: "waiting", starting: "getting ready", running: "painting", paused: "paused",
  done: "done", stopped: "stopped", diverged: "ended early: the loss exploded", failed: "failed",
};

/** Wires the easel; `tile` is called with the flag and the value of a sheet's picture that is chosen. */
export function build(tile) {
  onTile = tile;
  $("compare").addEventListener("input", compare);
  for (const zoom of document.querySelectorAll("input[name=zoom]")) zoom.addEventListener("input", enlarge);
  const to = (what) => () => attempt(() => ask("POST", `/api/jobs/${shown.job}/${what()}`));
  $("pause").addEventListener("click", to(() => (job()?.status === "paused" ? "resume" : "pause")));
  $("stop").addEventListener("click", to(() => "stop"));
}

const job = () => jobs.find((j) => j.id === shown?.job);

/** Hears the state of the server. */
export function hear(state) {
  const before = new Map(jobs.map((j) => [j.id, j.status]));
  jobs = state.jobs;
  for (const j of jobs) {
    if (before.size && before.get(j.id) !== j.status && (OVER.includes(j.status) || j.status === "running")) {
      say(`${j.name}: ${WORDS[j.status]}${j.error ? `: ${j.error}` : ""}`);
    }
  }
  const active = jobs.find((j) => ["starting", "running", "paused"].includes(j.status));
  const following = !shown || (shown.job && OVER.includes(job()?.status ?? "done"));
  if (active && active.id > followed && following) {
    followed = active.id;
    show({ job: active.id });
  } else if (!shown && jobs.length) {
    show({ job: jobs[jobs.length - 1].id });
  }
  queue();
  update();
}

/** Puts a job or a picture of the gallery on the easel. */
export function show(what) {
  shown = { version: -1, ...what };
  $("compare").value = 0;
  if (what.picture) {
    picture($("after"), `/api/pictures/${what.picture}/whole.jpg?${what.written}`);
    $("after").alt = what.name;
    $("before").hidden = true;
    $("now").hidden = true;
    stage(true);
  }
  update();
  compare();
}

function stage(full) {
  $("empty").hidden = full;
  $("tools").hidden = !full;
}

/** Shows a picture when it has come whole, so that nothing flickers. */
function picture(image, address) {
  if (image.dataset.address === address) return;
  image.dataset.address = address;
  const next = new Image();
  next.src = address;
  next.decode().then(() => {
    if (image.dataset.address !== address) return;
    image.src = address;
    image.hidden = false;
    enlarge();
    compare();
  }, () => {});
}

function update() {
  const j = job();
  if (!j) {
    if (shown?.job) stage(false);
    $("now").hidden = true;
    return;
  }
  $("now").hidden = false;
  const over = OVER.includes(j.status);
  const address = over && j.picture ? `/api/pictures/${j.picture}/whole.jpg?${j.id}` : `/api/jobs/${j.id}/live.jpg?${j.live}`;
  if (j.live) picture($("after"), address);
  else if (j.has_before) picture($("after"), `/api/jobs/${j.id}/before.jpg`);
  else $("after").hidden = true;
  if (j.has_before && !j.sweep) picture($("before"), `/api/jobs/${j.id}/before.jpg`);
  else $("before").hidden = true;
  $("after").alt = over ? `The painted picture ${j.name}` : `${j.name} as it is now`;
  stage(j.live > 0 || j.has_before);
  words(j, over);
  tiles(j);
  curves(j, over);
}

function words(j, over) {
  const p = j.progress;
  const scale = p.scales > 1 ? `, scale ${p.scale} of ${p.scales}` : "";
  $("what").textContent = `${j.name}: ${WORDS[j.status]}${p.done ? `, step ${p.done} of ${p.steps}${scale}` : ""}`;
  $("left").textContent = j.error ?? (p.left && j.status === "running" ? `about ${time(p.left)} left` : over && p.seconds ? time(p.seconds) : "");
  $("left").classList.toggle("error", Boolean(j.error));
  $("progress").max = p.steps || 1;
  $("progress").value = j.status === "done" ? p.steps || 1 : p.done;
  $("pause").textContent = j.status === "paused" ? "Go on" : "Pause";
  $("pause").hidden = !["running", "paused"].includes(j.status);
  $("stop").hidden = over;
  $("stop").textContent = j.status === "queued" ? "Cancel" : "Stop and keep";
  $("report").hidden = !over || j.status === "failed" || !j.live;
  $("report").href = `/api/jobs/${j.id}/report.html`;
  $("notes").replaceChildren(...j.notes.map((note) => make("li", { textContent: note })));
}

function time(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

function tiles(j) {
  const box = $("tiles");
  const key = `${j.id}:${j.tiles}`;
  if (box.dataset.key === key) return;
  box.dataset.key = key;
  const values = j.sweep?.values.slice(0, j.tiles) ?? [];
  box.replaceChildren(...values.map((value, k) => {
    const words = `${j.sweep.flag} ${value}`;
    const image = make("img", { src: `/api/jobs/${j.id}/tiles/${k}`, alt: `Painted with ${words}` });
    const button = make("button", { type: "button" }, image, make("span", { textContent: words }));
    button.addEventListener("click", () => onTile(j, value));
    return button;
  }));
}

/** Fetches the curves when they have changed, at most once a second. */
async function curves(j, over) {
  const key = `${j.id}:${j.progress.done}:${over}`;
  const box = $("curves");
  if (!j.progress.done) { box.replaceChildren(); $("keys").replaceChildren(); delete box.dataset.key; }
  if (!j.progress.done || box.dataset.key === key || !$("losses").open) return;
  if (!over && Date.now() - curvesAt < 1000) return;
  curvesAt = Date.now();
  box.dataset.key = key;
  const answer = await ask("GET", `/api/jobs/${j.id}/curves`).catch(() => null);
  if (!answer) return;
  const drawing = new DOMParser().parseFromString(answer.svg, "image/svg+xml").documentElement;
  box.replaceChildren(document.adoptNode(drawing));
  $("keys").replaceChildren(...answer.names.map(([name, last], k) =>
    make("li", {}, make("span", { className: `key c${k}` }), `${name} ${last === null ? "" : last.toExponential(2)}`)));
}

function compare() {
  const share = Number($("compare").value);
  $("after").style.clipPath = $("before").hidden ? "none" : `inset(0 0 0 ${share}%)`;
  $("compare-label").hidden = $("before").hidden;
}

function enlarge() {
  const zoom = document.querySelector("input[name=zoom]:checked").value;
  $("stage").className = zoom === "fit" ? "fit" : "large";
  const width = zoom === "fit" ? "" : `${$("after").naturalWidth * Number(zoom)}px`;
  $("canvas").style.width = width;
}

function queue() {
  $("queue").hidden = jobs.length < 2;
  const line = (j) => {
    const name = make("button", { type: "button", className: "link", textContent: j.name });
    name.addEventListener("click", () => show({ job: j.id }));
    const item = make("li", { className: j.status }, name, ` ${WORDS[j.status]} `);
    if (j.status === "queued") {
      const cancel = make("button", { type: "button", textContent: "Cancel" });
      cancel.setAttribute("aria-label", `Cancel ${j.name}`);
      cancel.addEventListener("click", () => attempt(() => ask("POST", `/api/jobs/${j.id}/stop`)));
      item.append(cancel);
    }
    return item;
  };
  const key = JSON.stringify(jobs.map((j) => [j.id, j.status]));
  if ($("jobs").dataset.key === key) return;
  $("jobs").dataset.key = key;
  $("jobs").replaceChildren(...[...jobs].reverse().map(line));
}
