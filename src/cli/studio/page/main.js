// The page: what to paint on the left, the easel on the right, the gallery below.

import { $, ask, attempt, complain, copy, listen, say } from "./server.js";
import * as brush from "./brush.js";
import * as easel from "./easel.js";
import * as gallery from "./gallery.js";
import * as settings from "./settings.js";
import * as sources from "./sources.js";

let timer = 0;
let asked = 0;
let restored = false;
let network = null;

/** What is asked for as it stands. */
async function wanted(sweep) {
  const { photo, paintings, first } = sources.chosen;
  return {
    content: photo.id,
    styles: paintings.map(({ id, weight }) => ({ id, weight })),
    ...await sources.masks(),
    ...(first ? { init: first.id } : {}),
    settings: settings.given(),
    ...(sweep ? { sweep } : {}),
  };
}

const ready = () => sources.chosen.photo && sources.chosen.paintings.length > 0 && !sources.uploading();

/** Something was chosen: says what is missing, or shows the command line. */
function changed() {
  const { photo, paintings } = sources.chosen;
  const missing = [photo ? "" : "a photo", paintings.length ? "" : "a painting"].filter(Boolean);
  $("needs").textContent = sources.uploading() ? "A picture is on its way." : missing.length ? `Choose ${missing.join(" and ")}.` : "";
  for (const button of [$("start"), $("sweep-start")]) button.disabled = !ready();
  clearTimeout(timer);
  if (ready()) timer = setTimeout(line, 250);
  else $("line").hidden = true;
  weights();
}

async function line() {
  asked += 1;
  const mine = asked;
  try {
    const answer = await ask("POST", "/api/command", await wanted());
    if (mine !== asked) return;
    $("command").textContent = answer.command;
    $("line").hidden = false;
    $("needs").textContent = "";
  } catch (error) {
    if (mine !== asked) return;
    $("line").hidden = true;
    $("needs").textContent = error.message;
  }
}

async function begin(sweep) {
  if (!ready()) return;
  await attempt(async () => {
    const { id } = await ask("POST", "/api/jobs", await wanted(sweep));
    easel.show({ job: id });
    say("Painting is asked for.");
    changed();
  });
}

/** A picture of a sheet was the best: goes on from there. */
async function best(job, value) {
  await attempt(async () => {
    const was = await ask("GET", `/api/jobs/${job.id}/ask`);
    sources.use(was);
    settings.set({ ...was.settings, [job.sweep.flag]: value });
    say(`${job.sweep.flag} is ${value} now.`);
    $("start").focus();
  });
}

function again({ ask: was, missing, left_out: left }) {
  sources.use(was);
  settings.set(was.settings);
  const texts = [];
  if (missing.length) texts.push(`Not here any more, or changed: ${missing.join(", ")}.`);
  if (left.length) texts.push(`Only on the command line: ${left.map((flag) => `--${flag}`).join(", ")}.`);
  complain(texts.join(" "));
  $("start").scrollIntoView({ block: "center" });
  $("start").focus({ preventScroll: true });
}

/** A picture of the gallery is to be gone on from. */
function start(picture) {
  sources.useFirst(picture);
  $("more").open = true;
  $("first").scrollIntoView({ block: "center" });
  say(`Painting starts from ${picture.name}.`);
}

function weights() {
  if (!network) return;
  const given = settings.given();
  const model = given.model ?? "vgg19";
  const [, file] = network.files.find(([name]) => name === model) ?? [];
  const builtin = given.weights === "builtin" || !file;
  $("network").textContent = builtin
    ? `Painting with the ${model} that nst brings along`
    : `Painting with ${file}`;
  const fetching = network.fetching;
  $("fetch").hidden = Boolean(file || fetching);
  $("fetch").textContent = `Fetch ImageNet’s ${model} (${model === "vgg19" ? 80 : 59} MB, slightly better pictures)`;
  $("fetch").dataset.model = model;
  $("fetching").hidden = !fetching;
  if (fetching) {
    $("fetching").max = fetching.total;
    $("fetching").value = fetching.done;
    $("network").textContent = `Fetching ${fetching.model}: ${Math.round(fetching.done / 1e6)} of ${Math.round(fetching.total / 1e6)} MB`;
  } else if (network.error) {
    $("network").textContent += `. ${network.error}`;
  }
}

async function hear(state) {
  network = state.network;
  weights();
  easel.hear(state);
  gallery.hear(state, again, start);
  if (!restored) {
    restored = true;
    const last = state.jobs[state.jobs.length - 1];
    // A page that is opened again goes on where it was.
    if (last && !sources.chosen.photo) await ask("GET", `/api/jobs/${last.id}/ask`).then((was) => { sources.use(was); settings.set(was.settings); }, () => {});
  }
}

brush.build();
easel.build(best);
$("form").addEventListener("submit", (event) => { event.preventDefault(); begin(); });
$("sweep-start").addEventListener("click", () => begin(settings.sweep()));
$("copy").addEventListener("click", () => copy($("command").textContent, $("copy")));
$("fetch").addEventListener("click", () => attempt(() => ask("POST", `/api/weights/${$("fetch").dataset.model}`)));
await settings.build(changed);
await sources.build(changed);
changed();
listen(hear);
