// The trace: scrolls to an opened step that is out of sight (below the waterfall on a narrow screen), and puts it in
// the page's address, so that a reload or a shared link opens it again.
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
