"use strict";
// Without this script everything can be read; with it, pictures lie over each other and tables sort.
for (const compare of document.querySelectorAll(".compare")) {
  const figures = compare.querySelectorAll("figure");
  if (figures.length !== 2) continue;
  const slider = document.createElement("input");
  Object.assign(slider, { type: "range", min: 0, max: 100, value: 50, className: "slider" });
  slider.setAttribute("aria-label", "How much of the photo is shown, from the left");
  const show = () => { figures[1].style.clipPath = `inset(0 0 0 ${slider.value}%)`; };
  slider.addEventListener("input", show);
  compare.classList.replace("compare", "slides");
  compare.after(slider);
  show();
}
for (const table of document.querySelectorAll("table.sorts")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const body = table.tBodies[0];
      const text = (row) => row.cells[column].textContent;
      const order = (a, b) => text(a).localeCompare(text(b), undefined, { numeric: true });
      const rows = [...body.rows].sort(order);
      body.append(...(down ? rows.reverse() : rows));
    });
  });
}
