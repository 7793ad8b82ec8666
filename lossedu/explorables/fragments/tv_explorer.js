// ---- the figure: a signal, and what total variation and squared differences make of it ----
const n = data.n, low = data.levels[0], high = data.levels[1];

// Noise of mean 0 and standard deviation 1: sums of twelve numbers of a small generator.
const noise = new Float64Array(n);
for (let i = 0, draw = drawsFrom(data.seed); i < n; i++) {
  for (let k = 0; k < 12; k++) noise[i] += draw();
  noise[i] -= 6;
}
const meanOf = function (u, from, to) { let sum = 0; for (let i = from; i < to; i++) sum += u[i]; return sum / (to - from); };
const mean = meanOf(noise, 0, n), spread = distance(noise, new Float64Array(n).fill(mean));
for (let i = 0; i < n; i++) noise[i] = (noise[i] - mean) / spread;

const cleanSignal = function (name) {
  return Float64Array.from({ length: n }, function (_, i) {
    if (name === "ramp") return low + (high - low) * Math.min(1, Math.max(0, (i - 23.5) / 48));
    return (name === "step" ? i >= 48 : i >= 42 && i < 54) ? high : low;
  });
};

// The weight at which squares move the data as far as TV does.
const squaredAlike = function (f, far) {
  let a = data.powers[0], b = data.powers[1];
  for (let i = 0; i < data.halvings; i++) {
    const power = (a + b) / 2;
    if (distance(squaredDifferences(f, Math.pow(10, power)), f) < far) a = power; else b = power;
  }
  const weight = Math.pow(10, (a + b) / 2);
  return { u: squaredDifferences(f, weight), weight: weight };
};

// The 10-90 % rise of the edge between the means of its plateaus, NaN if none is left.
const edgeRise = function (u, shape) {
  const a = meanOf(u, shape[1][0], shape[1][1]), b = meanOf(u, shape[2][0], shape[2][1]);
  if (!(b - a > 1e-6)) return NaN;
  const v = Array.from(u, function (x) { return (x - a) / (b - a); });
  let start = shape[0] - 1, end = shape[0];
  while (start >= 0 && !(v[start] <= 0.1 && v[start + 1] > 0.1)) start--;
  while (end < n && !(v[end - 1] < 0.9 && v[end] >= 0.9)) end++;
  if (start < 0 || end >= n) return NaN;
  return end - (v[end] - 0.9) / (v[end] - v[end - 1]) - start - (0.1 - v[start]) / (v[start + 1] - v[start]);
};

const along = function (a) { return function (v) { return a[2] + (a[3] - a[2]) * (v - a[0]) / (a[1] - a[0]); }; };
const atX = along(data.x), atY = along(data.y);
const place = function (v, i) { return atX(i).toFixed(1) + "," + atY(v).toFixed(1); };
const part = function (key, d) { root.querySelector('[data-part="' + key + '"]').setAttribute("d", d); };
const line = function (u) { return "M" + Array.from(u, place).join("L"); };
const riseText = function (rise) { return isFinite(rise) ? rise.toFixed(1) + " px" : "gone"; };
const moveText = function (move) {
  return (Math.abs(move) < 0.00005 ? 0 : -move).toFixed(4).replace("-", "\u2212");
};
// Three significant digits, as Python's format writes them for numbers from 0.0001 to 999.
const short = function (v) {
  const text = v.toPrecision(3), parts = text.split("e");
  const digits = parts[0].indexOf(".") < 0 ? parts[0] : parts[0].replace(/\.?0+$/, "");
  return parts.length > 1 ? digits + "e" + parts[1][0] + parts[1].slice(1).padStart(2, "0") : v < 1e-4 ? v.toExponential(2) : digits;
};

const draw = function () {
  const began = performance.now();
  const signal = value("signal"), strength = +value("noise"), w = Math.pow(10, +value("weight")), shape = data.shapes[signal];
  const clean = cleanSignal(signal), f = clean.map(function (v, i) { return v + strength * noise[i]; });
  const tv = tautString(f, w), far = distance(tv, f), squared = squaredAlike(f, far);
  const moved = meanOf(f, shape[2][0], shape[2][1]) - meanOf(tv, shape[2][0], shape[2][1]);
  const rises = [edgeRise(tv, shape), edgeRise(squared.u, shape)], predicted = isFinite(rises[0]) ? w * shape[3] : 0;
  let flat = 0;
  for (let i = 1; i < n; i++) flat += Math.abs(tv[i] - tv[i - 1]) < data.flat ? 1 / (n - 1) : 0;

  say("weight", w.toFixed(2));
  say("noise", strength.toFixed(2));
  say("rise_tv", riseText(rises[0]));
  say("rise_squared", riseText(rises[1]));
  say("moved", moveText(moved));
  say("predicted", predicted ? moveText(predicted) : "\u2013");
  say("stairs", (100 * flat).toFixed(0) + " %");
  say("squared_weight", short(squared.weight));
  part("data", Array.from(f, function (v, i) { return "M" + place(v, i) + "h0"; }).join(""));
  part("clean", line(clean));
  part("squared", line(squared.u));
  part("tv", line(tv));
  root.querySelector("svg[data-chart]").setAttribute("aria-label", "A " + signal + " with noise " + strength.toFixed(2)
    + ". Total variation with weight " + w.toFixed(2) + ": rise of the edge " + riseText(rises[0]) + ", squared differences: " + riseText(rises[1]) + ".");

  root.state = { signal: signal, noise: strength, weight: w, data: f, tv: tv, squared: squared.u, squaredWeight: squared.weight,
    moved: moved, predicted: predicted, rises: rises, stairs: flat, milliseconds: performance.now() - began };
};

root.querySelectorAll("[data-step]").forEach(function (button) {
  button.addEventListener("click", function () {
    const step = data.steps[+button.dataset.step];
    input("signal").value = step[0];
    input("noise").value = step[1];
    input("weight").value = step[2];
    draw();
  });
});
start(draw);
