// ---- shared by all explorables: find the root, read the data, join controls and picture ----
// currentScript is the certain way to the root; where a notebook shell runs scripts elsewhere,
// the first block of this name that no script has taken yet is ours.
const near = document.currentScript && document.currentScript.closest(".lx");
const root = near && !near.lxTaken ? near
  : Array.from(document.querySelectorAll('[data-lx="' + name + '"]')).find(function (e) { return !e.lxTaken; });
if (!root) return;
root.lxTaken = true;
if (root.id && document.getElementById(root.id) !== root) root.removeAttribute("id");
const data = JSON.parse(root.querySelector('script[type="application/json"]').textContent);

const input = function (key) { return root.querySelector('[data-in="' + key + '"]'); };
const value = function (key) { return input(key).value; };
// Write a value where the reader sees it, and into the slider of that name for screen readers.
const say = function (key, text) {
  root.querySelectorAll('[data-out="' + key + '"]').forEach(function (e) { if (e.textContent !== text) e.textContent = text; });
  const slider = input(key);
  if (slider && slider.type === "range") slider.setAttribute("aria-valuetext", text);
};

// Numbers from 0 to 1, the same as draws.py has for this seed.
const drawsFrom = function (seed) {
  let state = seed;
  return function () { state = state * 16807 % 2147483647; return state / 2147483647; };
};

// Draw now, and once a frame while something moves.
const start = function (draw) {
  let waiting = false;
  root.addEventListener("input", function () {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(function () { waiting = false; draw(); });
  });
  draw();
};

// Notebook shells bind the arrow keys for themselves: let our controls have them. One listener a page.
if (!window.lxKeys) {
  window.lxKeys = true;
  window.addEventListener("keydown", function (e) {
    if (/^(Arrow|Page|Home|End|Enter| $)/.test(e.key) && e.target.closest && e.target.closest(".lx")) e.stopPropagation();
  }, true);
}

// Pixel pictures: every pixel becomes the same whole number of device pixels, as many as the row's width allows.
const fit = function (box) {
  const resize = function () {
    const style = getComputedStyle(box), columns = +style.getPropertyValue("--lx-columns") || 1;
    const room = (box.clientWidth - (columns - 1) * (parseFloat(style.columnGap) || 0)) / columns;
    const ratio = window.devicePixelRatio || 1, pixels = +box.dataset.pixels;
    box.style.setProperty("--lx-side", Math.max(1, Math.floor(room * ratio / pixels)) * pixels / ratio + "px");
  };
  resize();
  if (window.ResizeObserver) new ResizeObserver(resize).observe(box);
};

// Replace the picture that Python drew by a canvas; returns paint(bytes, palette, alt), with one palette place a pixel.
const canvas = function (key, width, height) {
  const still = root.querySelector('[data-px="' + key + '"]');
  const live = still.parentNode.querySelector("canvas") || document.createElement("canvas");
  live.width = width;
  live.height = height;
  live.className = still.className;
  live.setAttribute("role", "img");
  still.hidden = true;
  still.after(live);
  const context = live.getContext("2d"), image = context.createImageData(width, height);
  return function (places, palette, alt) {
    for (let i = 0; i < places.length; i++) {
      const p = 3 * places[i];
      image.data[4 * i] = palette[p];
      image.data[4 * i + 1] = palette[p + 1];
      image.data[4 * i + 2] = palette[p + 2];
      image.data[4 * i + 3] = 255;
    }
    context.putImageData(image, 0, 0);
    if (live.getAttribute("aria-label") !== alt) live.setAttribute("aria-label", alt);
  };
};
const bytes = function (base64) { return Uint8Array.from(atob(base64), function (c) { return c.charCodeAt(0); }); };

// Numbers as Python writes them in the first state.
const digits3 = function (v) {
  if (!(v > 0)) return "0";
  return v.toFixed(Math.max(0, 2 - Math.floor(Math.log10(v))));
};
const logAxis = function (a) {  // [lowest, highest, where the lowest lies, where the highest lies]
  return function (v) { return a[2] + (a[3] - a[2]) * Math.log(v / a[0]) / Math.log(a[1] / a[0]); };
};
