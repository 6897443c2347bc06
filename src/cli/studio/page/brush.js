// A region of the photo, painted with a brush.

import { $, say } from "./server.js";

/** Longest side of a mask, in pixels. */
const SIDE = 1024;

const point = { x: 0, y: 0 };

/** Lets a person paint over a picture, from an earlier mask on if there is one. Gives a canvas, white where it was painted on black, or what else was chosen: "none" or "cancel". */
export async function paintMask(picture, earlier, title) {
  const dialog = $("brush");
  const canvas = $("mask");
  const image = $("mask-photo");
  $("brush-title").textContent = title;
  image.src = `/api/pictures/${picture.id}/whole.jpg`;
  await image.decode();
  const scale = Math.min(1, SIDE / Math.max(image.naturalWidth, image.naturalHeight));
  canvas.width = Math.max(1, Math.round(image.naturalWidth * scale));
  canvas.height = Math.max(1, Math.round(image.naturalHeight * scale));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (earlier) whitened(context, earlier);
  Object.assign(point, { x: canvas.width / 2, y: canvas.height / 2 });
  dialog.returnValue = "cancel";
  dialog.showModal();
  canvas.focus();
  await new Promise((done) => dialog.addEventListener("close", done, { once: true }));
  return dialog.returnValue === "use" ? onBlack([canvas]) : dialog.returnValue;
}

/** Draws what is white in a mask, and leaves the rest clear. */
function whitened(context, mask) {
  context.drawImage(mask, 0, 0);
  const pixels = context.getImageData(0, 0, mask.width, mask.height);
  for (let k = 0; k < pixels.data.length; k += 4) pixels.data[k + 3] = pixels.data[k];
  context.putImageData(pixels, 0, 0);
}

function onBlack(canvases) {
  const result = document.createElement("canvas");
  Object.assign(result, { width: canvases[0].width, height: canvases[0].height });
  const context = result.getContext("2d");
  context.fillRect(0, 0, result.width, result.height);
  context.globalCompositeOperation = "lighten";
  for (const canvas of canvases) context.drawImage(canvas, 0, 0, result.width, result.height);
  return result;
}

/** A mask that leaves nothing out. */
export function white() {
  const result = document.createElement("canvas");
  Object.assign(result, { width: 16, height: 16 });
  const context = result.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, result.width, result.height);
  return result;
}

/** White where none of these masks is. */
export function complement(canvases) {
  const result = onBlack(canvases);
  const context = result.getContext("2d");
  context.globalCompositeOperation = "difference";
  context.fillStyle = "white";
  context.fillRect(0, 0, result.width, result.height);
  return result;
}

function dab(from, to) {
  const canvas = $("mask");
  const context = canvas.getContext("2d");
  const erase = document.querySelector("input[name=tool]:checked").value === "erase";
  context.globalCompositeOperation = erase ? "destination-out" : "source-over";
  context.strokeStyle = "white";
  context.lineCap = "round";
  context.lineWidth = width();
  context.beginPath();
  context.moveTo(from.x, from.y);
  context.lineTo(to.x, to.y + 0.01);
  context.stroke();
}

const width = () => Math.max($("mask").width, $("mask").height) * Number($("brush-size").value) / 100;

function at(event) {
  const canvas = $("mask");
  const box = canvas.getBoundingClientRect();
  return {
    x: (event.clientX - box.left) * canvas.width / box.width,
    y: (event.clientY - box.top) * canvas.height / box.height,
  };
}

/** Wires the brush. */
export function build() {
  const canvas = $("mask");
  let last = null;
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    last = at(event);
    dab(last, last);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!last) return;
    const next = at(event);
    dab(last, next);
    last = next;
  });
  for (const kind of ["pointerup", "pointercancel"]) canvas.addEventListener(kind, () => { last = null; });
  canvas.addEventListener("keydown", (event) => {
    const step = width() / 2;
    const move = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
    if (event.key !== " " && !move) return;
    event.preventDefault();
    if (move) {
      point.x = Math.min(canvas.width, Math.max(0, point.x + move[0]));
      point.y = Math.min(canvas.height, Math.max(0, point.y + move[1]));
    } else {
      dab(point, point);
    }
    const percent = (value, whole) => Math.round(100 * value / whole);
    const [x, y] = [percent(point.x, canvas.width), percent(point.y, canvas.height)];
    canvas.parentElement.style.setProperty("--x", `${x}%`);
    canvas.parentElement.style.setProperty("--y", `${y}%`);
    say(`${move ? "Brush at" : "Painted at"} ${x} % across, ${y} % down`);
  });
  $("mask-clear").addEventListener("click", () => canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height));
}
