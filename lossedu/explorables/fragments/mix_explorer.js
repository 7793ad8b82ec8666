// ---- the figure: one patch, one error, and which of two terms steers ----
const n = data.n, count = n * n, middle = n >> 1;
const y = Float64Array.from(bytes(data.photo), function (v) { return v / 255; });
const signs = bytes(data.signs), grey = Uint8Array.from({ length: 768 }, function (_, i) { return Math.floor(i / 3); });
const windows = data.sigmas.map(function (sigma) { return patchWindow(sigma, n); }), widest = windows[windows.length - 1];

// Errors whose root mean square is 1: sums of twelve numbers of a small generator, a hump of a cosine, a constant.
const unitRMS = function (raw) {
  const mean = raw.reduce(function (a, b) { return a + b; }, 0) / count;
  const centred = raw.map(function (v) { return v - mean; });
  const rms = Math.sqrt(centred.reduce(function (a, b) { return a + b * b; }, 0) / count);
  return centred.map(function (v) { return v / rms; });
};
const raw = new Float64Array(count), hump = new Float64Array(count);
for (let i = 0, draw = drawsFrom(data.seed); i < count; i++) {
  for (let k = 0; k < 12; k++) raw[i] += draw();
  raw[i] -= 6;
  hump[i] = Math.cos(2 * Math.PI * (Math.floor(i / n) - middle) / n) + Math.cos(2 * Math.PI * (i % n - middle) / n);
}
const errors = { grain: unitRMS(raw), splotch: unitRMS(hump), shift: new Float64Array(count).fill(1) };
const spoiled = function (kind, strength) { return y.map(function (v, i) { return v + strength / 255 * errors[kind][i]; }); };
const sizes = function (grad) { return grad.reduce(function (a, b) { return a + Math.abs(b); }, 0); };
const shareOf = function (pull, alpha, unit) { return alpha * pull / (alpha * pull + (1 - alpha) * unit); };

// The pull of MS-SSIM along the chart depends on the error alone.
const pulls = {}, strengthAt = function (k) { return 0.25 * Math.pow(256, k / (data.points - 1)); };
const pullsOf = function (kind) {
  if (!pulls[kind]) pulls[kind] = Array.from({ length: data.points }, function (_, k) {
    return sizes(patchMSSSIM(spoiled(kind, strengthAt(k)), y, windows).grad);
  });
  return pulls[kind];
};

const place = function (v) { return Math.floor(Math.min(1, Math.max(0, v)) * 255 + 0.5); };
const roundUp = function (v) {
  const power = Math.pow(10, Math.floor(Math.log10(v)));
  return [1, 2, 5, 10].map(function (m) { return m * power; }).find(function (m) { return m >= v; });
};
const short = function (v) { return String(+v.toPrecision(6)); };
const twoDigits = function (v) { return v.toFixed(Math.max(0, 1 - Math.floor(Math.log10(v)))); };
const atX = logAxis(data.x), atY = function (v) { return data.y[2] + (data.y[3] - data.y[2]) * (v - data.y[0]) / (data.y[1] - data.y[0]); };
const part = function (key, attributes) {
  const e = root.querySelector('[data-part="' + key + '"]');
  Object.keys(attributes).forEach(function (a) { e.setAttribute(a, attributes[a]); });
};
const paintPicture = canvas("picture", n, n), paint = ["one", "two", "both"].map(function (key) { return canvas(key, n, n); });
const names = ["MS-SSIM", "the absolute error", "both together"];

const draw = function () {
  const began = performance.now();
  const alpha = 1 / (1 + Math.pow(10, -value("alpha"))), unit = +value("unit"), kind = value("error"), strength = Math.pow(2, +value("strength"));
  const x = spoiled(kind, strength), s = patchMSSSIM(x, y, windows), pull = sizes(s.grad), share = shareOf(pull, alpha, unit);
  let absolute = 0, squares = 0;
  const one = s.grad.map(function (g) { return -count * alpha * g; });
  const two = widest.map(function (w, q) { return -count * (1 - alpha) * unit * w * Math.sign(x[q] - y[q]); });
  const both = one.map(function (v, q) { return v + two[q]; });
  for (let q = 0; q < count; q++) {
    absolute += unit * widest[q] * Math.abs(x[q] - y[q]);
    squares += both[q] * both[q] / count;
  }
  const full = roundUp(Math.max(4 * Math.sqrt(squares), 1e-9)), weight = alpha / (alpha + (1 - alpha) * unit);

  say("alpha", twoDigits(alpha));
  say("strength", digits3(strength) + " / 255");
  say("share", (100 * share).toFixed(0) + " %");
  say("rest", (100 - 100 * share).toFixed(0) + " %");
  say("pull", digits3(pull));
  say("weight", digits3(weight));
  say("ms_ssim", digits3(s.loss));
  say("l1", digits3(absolute));
  say("full", short(full));
  paintPicture(Uint8Array.from(x, place), grey, "A patch with " + kind + " of " + digits3(strength) + " / 255.");
  [one, two, both].forEach(function (asks, i) {
    paint[i](Uint8Array.from(asks, function (v) { return place((1 + v / full) / 2); }), signs, "What " + names[i] + " asks of each pixel, weighted.");
  });
  part("first", { width: (372 * share).toFixed(1) });
  part("second", { x: (6 + 372 * share).toFixed(1), width: (372 - 372 * share).toFixed(1) });
  part("curve", { d: "M" + pullsOf(kind).map(function (p, k) {
    return atX(strengthAt(k)).toFixed(1) + "," + atY(100 * shareOf(p, alpha, unit)).toFixed(1);
  }).join("L") });
  part("guide", { d: "M" + atX(strength).toFixed(1) + ",24V176" });
  part("dot", { cx: atX(strength).toFixed(1), cy: atY(100 * share).toFixed(1) });

  root.state = { alpha: alpha, unit: unit, error: kind, strength: strength, share: share, pull: pull, weight: weight, msSSIM: s.loss, l1: absolute,
    picture: x, asks: [one, two, both], full: full, milliseconds: performance.now() - began };
};

root.querySelectorAll("[data-step]").forEach(function (button) {
  button.addEventListener("click", function () {
    const step = data.steps[+button.dataset.step];
    ["alpha", "unit", "error", "strength"].forEach(function (key, i) { input(key).value = step[i]; });
    draw();
  });
});
fit(root.querySelector(".lx-scene"));
start(draw);
