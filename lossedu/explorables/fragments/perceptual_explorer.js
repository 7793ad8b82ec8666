// ---- the figure: pictures that cost the same at one layer, made from the photograph or found from its features ----
const n = data.n, size = n * n;
const stored = function (uri) { return bytes(uri.split(",")[1]); };

// The photograph stands in the page as a BMP file: rows from the top, blue first, each filled up to whole words.
const photo = (function () {
  const file = stored(root.querySelector("[data-photograph]").src), row = Math.ceil(3 * n / 4) * 4;
  return [2, 1, 0].map(function (c) {
    return Float64Array.from({ length: size }, function (_, i) { return file[54 + Math.floor(i / n) * row + 3 * (i % n) + c] / 255; });
  });
})();

// Nearly normal numbers of deviation 1 for each colour, sums of twelve.
const noise = (function () {
  const draw = drawsFrom(data.seed);
  return photo.map(function () {
    return Float64Array.from({ length: size }, function () {
      let sum = -6;
      for (let k = 0; k < 12; k++) sum += draw();
      return sum;
    });
  });
})();

// Moved to the right with cubic interpolation, the border repeated.
const shifted = function (channel, way) {
  const whole = Math.floor(-way), t = -way - whole, out = new Float64Array(size);
  const weights = [t * (-0.5 + t * (1 - 0.5 * t)), 1 + t * t * (1.5 * t - 2.5), t * (0.5 + t * (2 - 1.5 * t)), t * t * (0.5 * t - 0.5)];
  for (let y = 0; y < size; y += n) for (let j = 0; j < n; j++) {
    for (let k = 0; k < 4; k++) out[y + j] += weights[k] * channel[y + Math.min(n - 1, Math.max(0, j + whole + k - 1))];
  }
  return out;
};

const changes = {
  noise: function (s) { return photo.map(function (v, c) { return v.map(function (a, i) { return a + s / 255 * noise[c][i]; }); }); },
  blur: function (s) { const w = gaussianTaps(s); return photo.map(function (v) { return blur(v, n, w); }); },
  shift: function (s) { return photo.map(function (v) { return shifted(v, s); }); },
  dark: function (s) { return photo.map(function (v) { return v.map(function (a) { return a * Math.pow(2, -s); }); }); },
};

const colours = function (box, still, hidden) {
  const live = document.createElement("canvas");
  live.width = live.height = n;
  live.className = "lx-pixels";
  if (hidden) live.setAttribute("aria-hidden", "true");
  else live.setAttribute("role", "img");
  if (still) still.hidden = true;
  box.append(live);
  const context = live.getContext("2d"), image = context.createImageData(n, n);
  return function (channels, alt) {
    for (let i = 0; i < size; i++) {
      for (let c = 0; c < 3; c++) image.data[4 * i + c] = Math.floor(Math.min(1, Math.max(0, channels[c][i])) * 255 + 0.5);
      image.data[4 * i + 3] = 255;
    }
    context.putImageData(image, 0, 0);
    if (alt) live.setAttribute("aria-label", alt);
    return live;
  };
};
const paint = {};
Object.keys(changes).forEach(function (kind) {
  const still = root.querySelector('[data-px="' + kind + '"]');
  paint[kind] = colours(still.parentNode, still, false);
});
root.querySelectorAll(".lx-over").forEach(function (box) {
  if (!box.querySelector("[data-photograph]")) colours(box, null, true)(photo).classList.add("lx-blink");
});

const found = root.querySelector("[data-found]"), scene = root.querySelector(".lx-scene"), at = logAxis(data.axis);
data.found[data.here] = found.src;
Object.keys(data.found).forEach(function (name) { new Image().src = data.found[name]; });  // decoded once, so that nothing flickers
const rows = function (picture, costs, chosen) {
  costs.forEach(function (cost, k) {
    const bar = root.querySelector('[data-bar="' + picture + k + '"]');
    bar.style.width = Math.min(100, Math.max(1, at(cost))).toFixed(1) + "%";
    bar.closest("div").dataset.state = k === chosen ? "on" : "off";
    say(picture + k, cost.toFixed(Math.max(0, 1 - Math.floor(Math.log10(cost)))));
  });
};

let shown = "";
const draw = function () {
  const began = performance.now();
  const place = +value("layer"), name = value("weights") + "/" + data.layers[place], state = data.states[name];
  scene.dataset.blink = input("blink").checked ? "on" : "off";
  say("layer", data.layers[place]);
  if (name !== shown) {
    say("verdict", state.verdict);
    rows("flat", data.flat[value("weights")], place);
    root.state = { name: name, pictures: {} };
    Object.keys(state.pictures).forEach(function (picture) {
      const entry = state.pictures[picture], title = state.titles[picture];
      say(picture, title);
      say(picture + "psnr", entry.psnr.toFixed(1) + " dB");
      rows(picture, entry.costs, place);
      if (picture === "found") {
        found.src = data.found[name];
        found.alt = title + ".";
      } else {
        root.state.pictures[picture] = changes[picture](entry.strength);
        paint[picture](root.state.pictures[picture], title + ".");
      }
    });
    shown = name;
    root.state.milliseconds = performance.now() - began;
  }
};
fit(scene);
start(draw);
