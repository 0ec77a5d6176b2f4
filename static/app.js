// Behaviour of every page: copy buttons, up-to-date times, one submit per form, messages, the live region.
// All events are delegated from the document, so content swapped in by htmx needs no wiring. Pages work without this file.
(() => {
  const live = (text) => { const region = document.getElementById("live"); if (region) region.textContent = text; };
  window.announce = live;

  // --- clicks: copy, dismiss, dialogs, menus that close -----------------------------------------------------
  document.addEventListener("click", async (event) => {
    const copy = event.target.closest("[data-copy]");
    if (copy) {
      await copyText(copy.dataset.copy);
      copy.dataset.copied = "";
      live("Copied");
      setTimeout(() => delete copy.dataset.copied, 1500);
    }
    event.target.closest("[data-dismiss]")?.closest(".toast")?.remove();
    const opener = event.target.closest("[data-dialog]");
    if (opener) document.getElementById(opener.dataset.dialog)?.showModal();
    for (const menu of document.querySelectorAll("details.menu[open]"))
      if (!menu.contains(event.target) || opener) menu.open = false;
  });

  async function copyText(text) {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    const field = Object.assign(document.createElement("textarea"), { value: text }); // no clipboard API over plain HTTP
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    return field.remove();
  }

  // Success messages disappear automatically, unless hovered or focused; others stay until they are dismissed.
  setInterval(() => {
    for (const toast of document.querySelectorAll(".toast.is-success:not(:hover, :focus-within)")) {
      if (toast.dataset.old) toast.remove();
      toast.dataset.old = "yes";
    }
  }, 5000);

  // --- a form is sent once, even after several clicks -------------------------------------------------------
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("[data-once]") || form.matches("[hx-post]")) return; // htmx has hx-sync and hx-disable
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "yes";
  });
  addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent));
  document.addEventListener("change", (event) => {
    if (event.target.closest("[data-autosubmit]")) event.target.form.requestSubmit();
  });

  // --- times ------------------------------------------------------------------------------------------------
  const UNITS = [[60, 1, "s"], [3600, 60, "min"], [48 * 3600, 3600, "h"], [Infinity, 86400, "d"]];
  const span = (seconds) => {
    const [, size, unit] = UNITS.find(([below]) => seconds < below);
    return `${Math.floor(Math.max(seconds, 0) / size)} ${unit}`;
  };
  const clock = (moment) => {
    const day = moment.toDateString() === new Date().toDateString() ? {} : { day: "2-digit", month: "short" };
    return moment.toLocaleString([], { ...day, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  };
  function times() {
    for (const time of document.querySelectorAll("time[data-clock]")) time.textContent = clock(new Date(time.dateTime));
    for (const time of document.querySelectorAll("time[data-ago], time[data-since], time[data-until]")) {
      const seconds = (Date.now() - Date.parse(time.dateTime)) / 1000;
      let text = span(seconds);
      if ("ago" in time.dataset) text = seconds < 5 ? "just now" : `${text} ago`;
      if ("until" in time.dataset) text = seconds < 0 ? `in ${span(-seconds)}` : "expired";
      if (time.textContent !== text) time.textContent = text;
    }
  }
  setInterval(times, 10_000);
  document.addEventListener("htmx:after:swap", times);
  times();

  // --- htmx: an expired session, an unreachable server, a hidden page ---------------------------------------
  document.addEventListener("htmx:before:request", (event) => {
    const polls = event.detail.ctx.sourceEvent?.type === "every";
    if (polls && document.hidden) event.preventDefault();
  });
  document.addEventListener("htmx:before:swap", (event) => {
    const response = event.detail.ctx.response?.raw;
    if (response?.redirected && new URL(response.url).pathname.includes("/login")) {
      event.preventDefault();
      location.reload();
    }
  });
  // Leaving a page aborts its requests with the same error; the delay keeps the notice from flashing up.
  let offlineTimer;
  const answered = () => { clearTimeout(offlineTimer); document.getElementById("offline").hidden = true; };
  const unanswered = () => { offlineTimer = setTimeout(() => { document.getElementById("offline").hidden = false; }, 1000); };
  document.addEventListener("htmx:after:request", answered);
  document.addEventListener("htmx:error", (event) => {
    if (event.detail.error instanceof TypeError || event.detail.error?.name === "AbortError") unanswered();
  });
})();
