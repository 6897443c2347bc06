// Every flag, made from what the server says of it in the words of --help.

import { $, ask, make } from "./server.js";

/** The flags that stand above More. */
const DIALS = ["strength", "size", "preset", "color"];

/** Values to begin a sweep with. */
const IDEAS = { strength: "0.3,0.5,0.7", beta: "5,20,100", "style-scale": "0.5,1,2", tv: "0,10,50", size: "128,256", seed: "0,1,2" };

let offered = [];
let changed = () => {};

/** Builds the controls; `tell` is called whenever one changes. */
export async function build(tell) {
  changed = tell;
  const answer = await ask("GET", "/api/settings");
  offered = answer.offered;
  const groups = new Map();
  for (const setting of offered.filter((s) => !DIALS.includes(s.flag))) {
    if (!groups.has(setting.group)) {
      groups.set(setting.group, make("fieldset", {}, make("legend", { textContent: setting.group })));
    }
    groups.get(setting.group).append(row(setting));
  }
  const left = answer.left_out.map((l) => make("li", {}, make("code", { textContent: `--${l.flag}` }), `: ${l.why}`));
  const others = make("details", {}, make("summary", { textContent: "Flags that are not here" }), make("ul", {}, ...left));
  $("settings").append(...groups.values(), others);
  $("filter").addEventListener("input", filter);
  for (const dial of document.querySelectorAll("[data-flag]")) dial.addEventListener("input", () => changed());
  $("strength").addEventListener("input", shown);
  sweeps();
}

function row(setting) {
  const id = `set-${setting.flag}`;
  const help = make("small", { id: `${id}-help`, textContent: setting.help });
  const label = make("label", { htmlFor: id }, make("code", { textContent: `--${setting.flag}` }));
  const control = controlOf(setting, id);
  control.dataset.flag = setting.flag;
  control.setAttribute("aria-describedby", help.id);
  return make("div", { className: "setting" }, label, control, help);
}

function controlOf(setting, id) {
  if (setting.kind === "switch") return make("input", { id, type: "checkbox" });
  if (setting.kind === "text") {
    return make("input", { id, type: "text", placeholder: setting.default ?? setting.value_name, autocomplete: "off", spellcheck: false });
  }
  const unset = make("option", { value: "", textContent: setting.default ? `${setting.default} (as usual)` : "as usual" });
  const choices = setting.values.map((value) => make("option", { value, textContent: value }));
  return make("select", { id }, unset, ...choices);
}

function filter() {
  const wanted = $("filter").value.trim().toLowerCase();
  for (const line of document.querySelectorAll(".setting")) {
    line.hidden = !line.textContent.toLowerCase().includes(wanted);
  }
  for (const group of document.querySelectorAll("#settings fieldset")) {
    group.hidden = !group.querySelector(".setting:not([hidden])");
  }
}

function sweeps() {
  const options = offered.filter((s) => s.sweepable).map((s) => make("option", { value: s.flag, textContent: s.flag }));
  $("sweep-flag").append(...options);
  $("sweep-flag").value = "strength";
  const idea = () => {
    const setting = offered.find((s) => s.flag === $("sweep-flag").value);
    $("sweep-values").value = IDEAS[setting.flag] ?? setting.values?.join(",") ?? "";
    $("sweep-values").placeholder = setting.help;
  };
  $("sweep-flag").addEventListener("input", idea);
  idea();
}

function shown() {
  $("strength-value").textContent = Number($("strength").value).toString();
}

/** What is given, by flag: nothing of what is as usual. */
export function given() {
  const settings = {};
  for (const control of document.querySelectorAll("[data-flag]")) {
    const flag = control.dataset.flag;
    if (control.type === "radio" && !control.checked) continue;
    const value = control.type === "checkbox" ? control.checked : control.value.trim();
    if (value === false || value === "") continue;
    const usual = flag === "strength" ? 0.5 : offered.find((s) => s.flag === flag)?.default;
    if (flag === "strength" ? Number(value) === usual : value === usual) continue;
    settings[flag] = value;
  }
  // A strength sets what these would say, and an area is a size.
  if (settings.alpha !== undefined || settings.beta !== undefined) delete settings.strength;
  if (settings.area !== undefined) delete settings.size;
  return settings;
}

/** Gives the controls these values, and all others what is usual. */
export function set(settings) {
  for (const control of document.querySelectorAll("[data-flag]")) {
    const flag = control.dataset.flag;
    const usual = flag === "strength" ? "0.5" : DIALS.includes(flag) ? offered.find((s) => s.flag === flag)?.default : "";
    const value = settings[flag] ?? usual;
    if (control.type === "radio") control.checked = control.value === value;
    else if (control.type === "checkbox") control.checked = value === true;
    else control.value = value;
  }
  shown();
  changed();
}

/** The sweep that is asked for. */
export function sweep() {
  const values = $("sweep-values").value.split(",").map((value) => value.trim());
  return { flag: $("sweep-flag").value, values };
}
