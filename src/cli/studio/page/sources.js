// The photo and the paintings: dropped, chosen, pasted, or taken from the samples.

import { $, ask, attempt, make, say } from "./server.js";
import { paintMask, complement, white } from "./brush.js";

/**
 * What is chosen: pictures `{ id, name }`; paintings also with `weight`, and perhaps `region`, where in
 * the photo they go, and `part`, what of them is taken: masks `{ id, canvas }`. `first` is the picture
 * to start from, if one is given.
 */
export const chosen = { photo: null, paintings: [], first: null };

let changed = () => {};
let uploads = 0;

/** Wires the drop zones; `tell` is called whenever something is chosen. */
export async function build(tell) {
  changed = tell;
  zone($("photo"), usePhoto);
  zone($("painting"), usePainting);
  zone($("first"), useFirst);
  $("first-away").addEventListener("click", () => useFirst(null));
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length) take(files, chosen.photo ? usePainting : usePhoto);
  });
  // A file that misses a zone must not replace the page.
  for (const kind of ["dragover", "drop"]) document.addEventListener(kind, (event) => event.preventDefault());
  for (const sample of await ask("GET", "/api/samples")) {
    const use = sample.kind === "photo" ? usePhoto : usePainting;
    const image = make("img", { src: `/api/samples/${sample.name}/thumb.jpg`, alt: `The ${sample.kind} ${sample.name}`, loading: "lazy" });
    const button = make("button", { type: "button", title: sample.name }, image);
    button.addEventListener("click", () => attempt(async () => use(await ask("POST", `/api/samples/${sample.name}`))));
    $(`${sample.kind}-samples`).append(button);
  }
}

function zone(element, use) {
  const input = element.querySelector("input");
  input.addEventListener("change", async () => {
    const files = [...input.files];
    input.value = "";
    await take(files, use);
  });
  const over = (on) => (event) => { event.preventDefault(); element.classList.toggle("over", on); };
  element.addEventListener("dragenter", over(true));
  element.addEventListener("dragover", over(true));
  element.addEventListener("dragleave", over(false));
  element.addEventListener("drop", (event) => { over(false)(event); take([...event.dataTransfer.files], use); });
}

async function take(files, use) {
  uploads += 1;
  changed();
  await attempt(async () => {
    for (const file of files) use(await upload(file, file.name || "pasted.png"));
  });
  uploads -= 1;
  changed();
}

function upload(blob, name) {
  return ask("POST", `/api/pictures?name=${encodeURIComponent(name)}`, blob);
}

/** Whether a picture is still on its way. */
export const uploading = () => uploads > 0;

export function usePhoto(picture) {
  if (chosen.photo?.id !== picture.id) for (const painting of chosen.paintings) delete painting.region;
  chosen.photo = picture;
  show();
}

export function usePainting(picture) {
  if (!chosen.paintings.some((painting) => painting.id === picture.id)) {
    chosen.paintings.push({ weight: 1, ...picture });
  }
  show();
}

/** Starts from this picture, or from what the settings say. */
export function useFirst(picture) {
  chosen.first = picture;
  show();
}

function thumb(picture, words) {
  return make("img", { src: `/api/pictures/${picture.id}/thumb.jpg`, alt: words });
}

function show() {
  const { photo, paintings } = chosen;
  fill($("photo"), photo, "The photo");
  fill($("first"), chosen.first, "The picture to start from,");
  $("first-away").hidden = !chosen.first;
  $("paintings").replaceChildren(...paintings.map(card));
  if (photo) say("The photo is chosen.");
  changed();
}

function fill(zone, picture, words) {
  zone.querySelector("img")?.remove();
  if (picture) zone.prepend(thumb(picture, `${words} ${picture.name ?? ""}`));
  zone.classList.toggle("full", Boolean(picture));
}

function card(painting) {
  const words = painting.name ?? "painting";
  const weight = make("input", { type: "number", min: 0.1, step: 0.1, value: painting.weight });
  weight.addEventListener("input", () => { painting.weight = Number(weight.value) || 1; changed(); });
  const region = painter(painting, "region", "Region", `Region of the photo for ${words}`, () => chosen.photo);
  const part = painter(painting, "part", "Part", `Part of ${words} that is taken`, () => painting);
  const away = make("button", { type: "button", textContent: "Remove" });
  away.setAttribute("aria-label", `Remove ${words}`);
  away.addEventListener("click", () => { chosen.paintings = chosen.paintings.filter((p) => p !== painting); show(); });
  const label = make("label", {}, "Weight ", weight);
  const tools = make("div", {}, make("b", { textContent: words }), label, region, part, away);
  return make("li", {}, thumb(painting, `The painting ${words}`), tools);
}

/** A button that paints one of a painting's masks over the picture that `of` gives. */
function painter(painting, kind, short, words, of) {
  const button = make("button", { type: "button", textContent: painting[kind] ? `${short} ✓` : short, disabled: !of() });
  button.setAttribute("aria-label", words);
  button.addEventListener("click", () => attempt(async () => {
    const canvas = await paintMask(of(), painting[kind]?.canvas, words);
    if (canvas === "cancel") return;
    delete painting[kind];
    if (canvas !== "none") painting[kind] = { ...await uploadMask(canvas, of(), kind), canvas };
    show();
  }));
  return button;
}

async function uploadMask(canvas, of, kind) {
  const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
  return upload(blob, `${kind}-${(of?.name ?? "picture").replace(/\.[^.]*$/, "")}.png`);
}

/** The masks of both kinds, one for each painting, or none. */
export async function masks() {
  const { paintings } = chosen;
  const parts = paintings.some((p) => p.part);
  const regions = paintings.some((p) => p.region);
  return {
    content_masks: regions || parts ? await each("region", chosen.photo, await rest()) : [],
    style_masks: parts ? await each("part", null, white()) : [],
  };
}

/** The mask of this kind of each painting; one without is given `other`. */
function each(kind, photo, other) {
  return Promise.all(chosen.paintings.map(async (painting) =>
    (painting[kind] ?? await uploadMask(other, photo ?? painting, kind)).id));
}

/** The region of a painting that has none: what the others leave of the photo. */
async function rest() {
  const { paintings } = chosen;
  if (paintings.length === 1) return white();
  const painted = paintings.filter((p) => p.region?.canvas).map((p) => p.region.canvas);
  const without = paintings.filter((p) => !p.region);
  if (!without.length) return null;
  if (without.length > 1 || painted.length < paintings.length - 1) {
    throw new Error("Paint a region for each painting, or leave one without: it gets the rest.");
  }
  return complement(painted);
}

/** Chooses what a job was painted from. */
export function use(wanted) {
  chosen.photo = wanted.content ? { id: wanted.content } : null;
  const mask = (id) => id && { id };
  chosen.paintings = wanted.styles.map((style, k) => ({
    ...style, region: mask(wanted.content_masks[k]), part: mask(wanted.style_masks[k]),
  }));
  chosen.first = wanted.init ? { id: wanted.init } : null;
  show();
}
