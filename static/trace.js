// The trace: a step that opens out of sight, below the waterfall on a narrow screen, is brought into view; the
// page's address names it, so that a reload or a sent link opens it again.
document.addEventListener("htmx:after:swap", (event) => {
  const { sourceElement, request } = event.detail.ctx;
  const step = document.getElementById("step");
  if (!step || !sourceElement?.matches?.(".trace a")) return;
  const asked = new URL(request.action, location.href).searchParams.get("step");
  if (document.querySelector(".run-page")) history.replaceState(history.state, "", `?step=${asked}`);
  const box = step.getBoundingClientRect();
  if (box.top > innerHeight - 120 || box.bottom < 80) step.scrollIntoView({ block: "start" });
  window.announce?.(document.getElementById("step-title").textContent.trim());
});
