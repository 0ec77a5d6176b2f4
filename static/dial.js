// The dial: a slider that moves the number beside it, and is moved by it. Without this file there is the number.
(() => {
  for (const slider of document.querySelectorAll("input[type=range][data-mirrors]")) {
    const number = document.getElementById(slider.dataset.mirrors);
    slider.hidden = false;
    slider.addEventListener("input", () => { number.value = slider.value; });
    number.addEventListener("input", () => { if (number.validity.valid) slider.value = number.value; });
  }
})();
