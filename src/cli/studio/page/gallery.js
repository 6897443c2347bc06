// What was painted in the folder.

import { $, ask, attempt, copy, make } from "./server.js";
import { show } from "./easel.js";

let seen = -1;

/** Looks at the folder again when something was painted; `again` is called with what to paint again, `start` with a picture to start from. */
export async function hear(state, again, start) {
  $("folder").textContent = `Pictures are saved in ${state.folder}`;
  if (seen === state.painted) return;
  seen = state.painted;
  const pictures = await ask("GET", "/api/gallery").catch(() => null);
  if (!pictures) return;
  $("pictures").replaceChildren(...pictures.map((picture) => card(picture, again, start)));
}

function card(picture, again, start) {
  const image = make("img", { src: `/api/pictures/${picture.id}/thumb.jpg?${picture.written}`, alt: `The picture ${picture.name}`, loading: "lazy" });
  const open = make("button", { type: "button", className: "open" }, image);
  open.addEventListener("click", () => {
    show({ picture: picture.id, name: picture.name, written: picture.written });
    $("easel").scrollIntoView();
    $("easel").focus({ preventScroll: true });
  });
  const settings = Object.entries(picture.settings).map(([flag, values]) =>
    make("li", {}, make("code", { textContent: `--${flag}` }), ` ${values.join(", ")}`));
  const line = make("button", { type: "button", textContent: "Copy the command line" });
  line.addEventListener("click", () => copy(picture.command, line));
  const first = make("button", { type: "button", textContent: "Start from this picture" });
  first.addEventListener("click", () => start(picture));
  const repeat = make("button", { type: "button", textContent: "Paint again with these" });
  repeat.addEventListener("click", () => attempt(async () => again(await ask("GET", `/api/gallery/${picture.id}`))));
  const details = make("details", {}, make("summary", { textContent: "Settings" }), make("ul", {}, ...settings), line, first, repeat);
  const unfinished = picture.unfinished ? " (unfinished)" : "";
  return make("figure", {}, open, make("figcaption", { textContent: picture.name + unfinished }), details);
}
