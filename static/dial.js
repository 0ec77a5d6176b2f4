// The dial: keeps a slider and the number next to it in sync. Without this file only the number is shown.
(() => {
  for (const slider of document.querySelectorAll("input[type=range][data-mirrors]")) {
    const number = document.getElementById(slider.dataset.mirrors);
    slider.hidden = false;
    slider.addEventListener("input", () => { number.value = slider.value; });
    number.addEventListener("input", () => { if (number.validity.valid) slider.value = number.value; });
  }
})();
