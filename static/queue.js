// The queue's keyboard shortcuts, and announcements of new requests. Without this file the page is links and forms.
(() => {
  const rows = () => [...document.querySelectorAll("#rows .q-row")];
  const pane = () => document.getElementById("pane");
  const typing = (target) => target.closest("input, textarea, select, [contenteditable], dialog[open]");

  // --- moving -----------------------------------------------------------------------------------------------
  function move(step) {
    const all = rows();
    const from = all.find((row) => row === document.activeElement)
      ?? all.find((row) => row.hasAttribute("aria-current"));
    const next = from ? all[all.indexOf(from) + step] ?? from : all[step > 0 ? 0 : all.length - 1];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  }
  function mark(address) {
    for (const row of rows())
      if (row.getAttribute("href").split("?")[0] === address) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
  }
  document.addEventListener("htmx:after:history:push", () => mark(location.pathname));

  // --- deciding ---------------------------------------------------------------------------------------------
  let armed = null;
  function approve() {
    const button = document.querySelector("[data-approve]");
    if (!button?.checkVisibility()) return; // a form is open, and its own button decides
    if (button.hasAttribute("data-armed")) {
      disarm();
      return button.click();
    }
    button.dataset.armed = "";
    announce("Press a again to approve");
    armed = setTimeout(disarm, 3000);
  }
  function disarm() {
    clearTimeout(armed);
    document.querySelector("[data-armed]")?.removeAttribute("data-armed");
  }
  const enter = (fold) => fold.querySelector("input:not([type=hidden]), textarea")?.focus();
  function unfold(id) {
    const fold = document.getElementById(id);
    if (!fold) return;
    fold.open = true;
    enter(fold); // immediately, so that the next key is typed and not taken as a shortcut
  }
  document.addEventListener("toggle", (event) => {
    if (event.target.matches?.(".i-fold[open]") && !document.activeElement.closest(".i-form")) enter(event.target);
  }, true);

  const KEYS = {
    j: () => move(1),
    k: () => move(-1),
    a: approve,
    r: () => ["reject-fold", "reply-fold"].forEach(unfold),
    e: () => unfold("edit-fold"),
    c: () => document.querySelector("#claim button")?.click(),
    "/": () => document.querySelector("[data-search]")?.focus(),
    "?": () => document.getElementById("keys")?.showModal(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") return leave(event);
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat && event.key === "a" || typing(event.target)) return;
    if (event.key !== "a") disarm();
    const act = KEYS[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  function leave(event) {
    disarm();
    const fold = document.querySelector(".i-fold[open]");
    if (fold) fold.open = false;
    if (typing(event.target) && !event.target.closest("dialog")) event.target.blur();
    if (fold) document.getElementById("item-title")?.focus();
  }

  // --- new requests -----------------------------------------------------------------------------------------
  const waiting = () => Number(document.getElementById("rows")?.dataset.waiting ?? 0);
  let known = waiting();
  document.addEventListener("htmx:after:swap", () => {
    const count = waiting();
    if (count > known) announce(`${count - known} new in the queue, ${count} waiting`);
    known = count;
  });
  // Show a new card from its top. The list never scrolls.
  document.addEventListener("htmx:after:settle", (event) => {
    if (event.target === pane()) pane().scrollTop = 0;
  });
})();
