// ---- the figure: one disturbance at a fixed MSE, what SSIM charges for it and where it pulls ----
const n = data.n, size = n * n;
const photo = Float64Array.from(bytes(data.photo), function (v) { return v / 255; });
const grounds = { photograph: photo, flat: new Float64Array(size).fill(data.flat) };
const amounts = bytes(data.amounts), signs = bytes(data.signs);
const grey = Uint8Array.from({ length: 768 }, function (_, i) { return Math.floor(i / 3); });

// A sum of cosines whose frequencies lie in a narrow band about 1 / wavelength, scaled to the wanted root mean
// square. Each cosine continues itself when the picture is mirrored at its border: a blur only scales it.
const cosines = new Float64Array(size), amplitudes = new Float64Array(size);
for (let i = 0, draw = drawsFrom(data.seed); i < size; i++) {
  amplitudes[i] = 2 * draw() - 1;
  cosines[i] = Math.cos(Math.PI * Math.floor(i / n) * (i % n) / (n - 1));
}
const disturbance = function (wavelength, rms) {
  const half = new Float64Array(size), d = new Float64Array(size);
  for (let m = 0; m < n; m++) for (let k = 0; k < n; k++) {
    const deviation = Math.log(Math.hypot(m, k) / (2 * (n - 1)) * wavelength) / data.bandwidth;
    if (!(Math.abs(deviation) < 8)) continue;  // such a weight would be below 1e-14
    const weight = amplitudes[m * n + k] * Math.exp(-0.5 * deviation * deviation);
    for (let j = 0; j < n; j++) half[m * n + j] += weight * cosines[k * n + j];
  }
  let square = 0;
  for (let i = 0; i < n; i++) {
    for (let m = 0; m < n; m++) {
      const c = cosines[m * n + i];
      for (let j = 0; j < n; j++) d[i * n + j] += c * half[m * n + j];
    }
    for (let j = 0; j < n; j++) square += d[i * n + j] * d[i * n + j];
  }
  const factor = rms / Math.sqrt(square / size);
  return d.map(function (v) { return v * factor; });
};
const add = function (y, d) { return y.map(function (v, i) { return v + d[i]; }); };

// The price of grain, to compare with, changes only with these three.
let grainFor = "", grainPrice = 0;
const priceOfGrain = function (y, ground, sigma, rms) {
  const now = [ground, sigma, rms].join();
  if (now !== grainFor) grainPrice = ssimLoss(add(y, disturbance(2, rms)), y, n, sigma, false).loss / (rms * rms);
  grainFor = now;
  return grainPrice;
};

const place = function (v) { return Math.floor(Math.min(1, Math.max(0, v)) * 255 + 0.5); };
const roundUp = function (v) {
  const power = Math.pow(10, Math.floor(Math.log10(v)));
  return [1, 2, 5, 10].map(function (m) { return m * power; }).find(function (m) { return m >= v; });
};
const atX = logAxis(data.x), atY = logAxis(data.y);
const part = function (key, attributes) {
  const e = root.querySelector('[data-part="' + key + '"]');
  Object.keys(attributes).forEach(function (a) { e.setAttribute(a, attributes[a]); });
};
const path = function (w, level) {
  const points = [];
  for (let i = 0; i < data.points; i++) {
    const v = data.x[0] * Math.pow(data.x[1] / data.x[0], i / (data.points - 1));
    points.push(atX(v).toFixed(1) + "," + atY(ssimTransfer(w, 1 / v, level)).toFixed(1));
  }
  return "M" + points.join("L");
};
const paintPicture = canvas("picture", n, n), paintMap = canvas("map", n, n), paintPull = canvas("pull", n, n);

const draw = function () {
  const began = performance.now();
  const sigma = +value("sigma"), wavelength = Math.pow(2, +value("scale")), rms = +value("strength") / 255;
  const ground = value("ground"), y = grounds[ground], x = add(y, disturbance(wavelength, rms));
  const s = ssimLoss(x, y, n, sigma, true);
  let mse = 0, level = 0, squares = 0;
  for (let i = 0; i < size; i++) {
    mse += (x[i] - y[i]) * (x[i] - y[i]) / size;
    level += y[i] / size;
    squares += s.grad[i] * s.grad[i] / size;
  }
  const unit = 2 * rms / size;  // the root mean square of MSE's own gradient
  const price = s.loss / mse, grain = priceOfGrain(y, ground, sigma, rms), ratio = grain / price, force = Math.sqrt(squares) / unit;
  const full = roundUp(3 * force), window = gaussianTaps(sigma), theory = ssimTransfer(window, 1 / wavelength, level);

  const times = Math.max(ratio, 1 / ratio), same = ratio > 0.95 && ratio < 1.05;
  say("sigma", sigma.toFixed(1) + " px");
  say("scale", digits3(wavelength) + " px");
  say("strength", (+value("strength")).toFixed(1) + " / 255");
  say("times", same ? "1×" : times.toFixed(times >= 10 ? 0 : 1) + "×");
  say("meaning", same ? "the price of grain" : ratio > 1 ? "cheaper than grain" : "dearer than grain");
  say("mse", digits3(mse * 1e6));
  say("loss", digits3(s.loss));
  say("price", digits3(price));
  say("force", digits3(force));
  say("full", String(full));

  paintPicture(Uint8Array.from(x, place), grey, "The " + (ground === "flat" ? "flat grey" : "photograph") + " with a disturbance of wavelength " + digits3(wavelength) + " px added.");
  paintMap(Uint8Array.from(s.map, function (v) { return place((Math.log10(v) + 3) / 3); }), amounts,
    "Loss at each pixel, from dark (cheap) to bright (dear); mean " + digits3(s.loss) + ".");
  paintPull(Uint8Array.from(s.grad, function (v) { return place((1 - v / unit / full) / 2); }), signs,
    "What the gradient asks of each pixel, rust for brighter and blue for darker; root mean square " + digits3(force) + " times that of MSE.");
  const px = atX(wavelength).toFixed(1);
  part("curve", { d: path(window, level) });
  part("ghost", { d: path(gaussianTaps(1.5), level) });
  part("guide", { d: "M" + px + "," + data.y[3] + "V" + data.y[2] });
  part("theory", { cx: px, cy: atY(theory).toFixed(1) });
  part("measured", { cx: px, cy: atY(price).toFixed(1) });

  root.state = { sigma: sigma, wavelength: wavelength, rms: rms, ground: ground, level: level, mse: mse, loss: s.loss, price: price,
    grainPrice: grain, ratio: ratio, force: force, transfer: theory, map: s.map, grad: s.grad, milliseconds: performance.now() - began };
};

root.querySelectorAll("[data-step]").forEach(function (button) {
  button.addEventListener("click", function () {
    const step = data.steps[+button.dataset.step];
    input("sigma").value = step[0];
    input("scale").value = step[1];
    draw();
  });
});
fit(root.querySelector(".lx-scene"));
start(draw);
