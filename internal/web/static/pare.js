// Comfort alone: every page does its work without this.
(() => {
  "use strict";

  // Copy buttons are hidden until there is a script to serve them.
  const prepare = (root) => {
    for (const button of root.querySelectorAll("[data-copy]")) button.hidden = false;
    for (const box of root.querySelectorAll("[data-all]")) box.hidden = false;
    for (const label of root.querySelectorAll("[data-all-label]")) label.hidden = false;
  };

  const copy = async (button) => {
    const text = button.parentElement.querySelector("pre").textContent;
    const before = button.textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      const range = document.createRange();
      range.selectNodeContents(button.parentElement.querySelector("pre"));
      const selection = getSelection();
      selection.removeAllRanges();
      selection.addRange(range);
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = before; }, 2000);
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) copy(button);
  });

  // The box in a table's head selects all rows of the page.
  document.addEventListener("change", (event) => {
    const box = event.target;
    if (box.matches("[data-all]")) {
      for (const row of box.closest("table").querySelectorAll("input[name=id]")) row.checked = box.checked;
    }
  });

  prepare(document);
  document.addEventListener("htmx:after:swap", () => prepare(document));
})();
