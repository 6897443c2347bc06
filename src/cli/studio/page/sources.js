// The photo and the paintings: dropped, chosen, pasted, or taken from the samples.

import { $, ask, attempt, make, say } from "./server.js";
import { paintMask, complement } from "./brush.js";

/** What is chosen: `{ id, name, width, height }`, paintings with `weight` and perhaps `mask`. */
export const chosen = { photo: null, paintings: [] };

let changed = () => {};
let uploads = 0;

/** Wires the drop zones; `tell` is called whenever something is chosen. */
export async function build(tell) {
  changed = tell;
  zone($("photo"), usePhoto);
  zone($("painting"), usePainting);
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
  if (chosen.photo?.id !== picture.id) for (const painting of chosen.paintings) forget(painting);
  chosen.photo = picture;
  show();
}

export function usePainting(picture) {
  if (!chosen.paintings.some((painting) => painting.id === picture.id)) {
    chosen.paintings.push({ weight: 1, ...picture });
  }
  show();
}

function forget(painting) {
  delete painting.mask;
  delete painting.canvas;
}

function thumb(picture, words) {
  return make("img", { src: `/api/pictures/${picture.id}/thumb.jpg`, alt: words });
}

function show() {
  const { photo, paintings } = chosen;
  $("photo").querySelector("img")?.remove();
  if (photo) $("photo").prepend(thumb(photo, `The photo ${photo.name ?? ""}`));
  $("photo").classList.toggle("full", Boolean(photo));
  $("paintings").replaceChildren(...paintings.map(card));
  if (photo) say("The photo is chosen.");
  changed();
}

function card(painting) {
  const words = painting.name ?? "painting";
  const weight = make("input", { type: "number", min: 0.1, step: 0.1, value: painting.weight });
  weight.addEventListener("input", () => { painting.weight = Number(weight.value) || 1; changed(); });
  const region = make("button", { type: "button", textContent: painting.mask ? "Region ✓" : "Region", disabled: !chosen.photo });
  region.setAttribute("aria-label", `Region of the photo for ${words}`);
  region.addEventListener("click", () => attempt(() => mask(painting)));
  const away = make("button", { type: "button", textContent: "Remove" });
  away.setAttribute("aria-label", `Remove ${words}`);
  away.addEventListener("click", () => { chosen.paintings = chosen.paintings.filter((p) => p !== painting); show(); });
  const label = make("label", {}, "Weight ", weight);
  const tools = make("div", {}, make("b", { textContent: words }), label, region, away);
  return make("li", {}, thumb(painting, `The painting ${words}`), tools);
}

async function mask(painting) {
  const result = await paintMask(chosen.photo, painting.canvas);
  if (result === "cancel") return;
  forget(painting);
  if (result !== "none") {
    const picture = await uploadMask(result);
    Object.assign(painting, { mask: picture.id, canvas: result });
  }
  show();
}

async function uploadMask(canvas) {
  const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
  return upload(blob, `region-${(chosen.photo.name ?? "photo").replace(/\.[^.]*$/, "")}.png`);
}

/** The masks, one for each painting, or none; a single painting without one gets the rest. */
export async function masks() {
  const { paintings } = chosen;
  if (!paintings.some((p) => p.mask)) return [];
  const without = paintings.filter((p) => !p.mask);
  const painted = paintings.filter((p) => p.canvas).map((p) => p.canvas);
  if (without.length === 1 && painted.length === paintings.length - 1) {
    const rest = await uploadMask(complement(painted));
    return paintings.map((p) => p.mask ?? rest.id);
  }
  if (without.length) throw new Error("Paint a region for each painting, or leave one without: it gets the rest.");
  return paintings.map((p) => p.mask);
}

/** Chooses what a job was painted from. */
export function use(wanted) {
  chosen.photo = wanted.content ? { id: wanted.content } : null;
  chosen.paintings = wanted.styles.map((style, k) => ({ ...style, mask: wanted.content_masks[k] }));
  show();
}
