// ---- the figure: an edge, a blotch, grain, and five windows over them ----
const n = data.n, size = n * n, sigmas = data.sigmas;
const amounts = bytes(data.amounts);
const grey = Uint8Array.from({ length: 768 }, function (_, i) { return Math.floor(i / 3); });
const clean = Float64Array.from({ length: size }, function (_, i) { return i % n < data.edge ? data.levels[0] : data.levels[1]; });

const scaled = function (z, square) {
  let sum = 0;
  for (let i = 0; i < size; i++) sum += z[i] * z[i];
  const factor = Math.sqrt(square * size / sum);
  return z.map(function (v) { return v * factor; });
};
const grain = (function () {
  const z = new Float64Array(size);
  const draw = drawsFrom(data.seed);
  let mean = 0;
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < 4; k++) z[i] += draw();
    z[i] -= 2;
    mean += z[i] / size;
  }
  return scaled(z.map(function (v) { return v - mean; }), 1);
})();
const blotch = function (width) {
  const line = data.middle.map(function (middle) {
    return Float64Array.from({ length: n }, function (_, k) { return Math.exp(-0.5 * Math.pow((k - middle) / width, 2)); });
  });
  return scaled(Float64Array.from({ length: size }, function (_, i) { return line[0][Math.floor(i / n)] * line[1][i % n]; }), data.square);
};
const plus = function (a, b, factor) { return a.map(function (v, i) { return v + factor * b[i]; }); };
const allFactors = function (x) { return sigmas.map(function (sigma) { return windowFactors(x, clean, n, sigma); }); };

// 1 - l prod cs over the windows that are on, with the luminance of the widest of them.
const lossMap = function (factors, used) {
  const map = Float64Array.from(factors[used.lastIndexOf(true)].l);
  factors.forEach(function (f, k) { if (used[k]) for (let i = 0; i < size; i++) map[i] *= f.cs[i]; });
  return map.map(function (v) { return 1 - v; });
};
const meanOf = function (z) { let sum = 0; for (let i = 0; i < z.length; i++) sum += z[i]; return sum / z.length; };

// What depends on one control alone is kept: the grain alone on nothing, the blotch alone on its width.
const grainAlone = allFactors(plus(clean, grain, Math.sqrt(data.square)));
let blotchFor = NaN, bump = null, blotchAlone = null, sceneFor = "", scene = null, picture = null;

const place = function (v) { return Math.floor(Math.min(1, Math.max(0, v)) * 255 + 0.5); };
const at = function (axis, v) { return axis[2] + (axis[3] - axis[2]) * (v - axis[0]) / (axis[1] - axis[0]); };
const part = function (key) { return root.querySelector('[data-part="' + key + '"]'); };
const places3 = function (v) { return (v + 0).toFixed(3).replace("-", "\u2212"); };
const where = function (column) {
  const away = column - data.edge;
  return away >= 0 ? "edge + " + (away + 1) + " px" : "edge \u2212 " + -away + " px";
};
const box = function (k) { return input("s" + k); };
const paintPicture = canvas("picture", n, n), paintMap = canvas("map", n, n);

const draw = function () {
  const began = performance.now();
  const width = +value("width"), strength = +value("grain") / 255, column = +value("place");
  const used = sigmas.map(function (_, k) { return box(k).checked; });
  if (width !== blotchFor) {
    bump = blotch(width);
    blotchAlone = allFactors(plus(clean, bump, 1));
    blotchFor = width;
  }
  if (sceneFor !== width + "," + strength) {
    picture = plus(plus(clean, bump, 1), grain, strength);
    scene = allFactors(picture);
    sceneFor = width + "," + strength;
  }
  const map = lossMap(scene, used), loss = meanOf(map);
  const prices = [blotchAlone, grainAlone].map(function (f) { return meanOf(lossMap(f, used)) / data.square; });
  const profiles = scene.map(function (f) {
    return Float64Array.from({ length: n }, function (_, x) {
      let sum = 0;
      for (let r = -data.rows; r <= data.rows; r++) sum += f.cs[(data.middle[0] + r) * n + x];
      return sum / (2 * data.rows + 1);
    });
  });
  let product = 1;
  profiles.forEach(function (p, k) {
    if (used[k]) product *= p[column];
    say("cs" + k, places3(p[column]));
    const line = part("line" + k), row = part("row" + k);
    line.setAttribute("d", "M" + Array.from(p, function (v, x) {
      return at(data.x, x).toFixed(1) + "," + at(data.y, Math.min(data.y[1], Math.max(data.y[0], v))).toFixed(1);
    }).join("L"));
    line.dataset.state = row.dataset.state = part("circle" + k).dataset.state = used[k] ? "on" : "off";
  });
  const ratio = prices[1] / prices[0], times = Math.max(ratio, 1 / ratio), same = ratio > 0.95 && ratio < 1.05;
  say("place", where(column));
  say("width", width.toFixed(1) + " px");
  say("grain", (+value("grain")).toFixed(1) + " / 255");
  say("times", same ? "1×" : times.toFixed(times >= 10 ? 0 : 1) + "×");
  say("meaning", same ? "the price of grain" : ratio > 1 ? "cheaper than grain" : "dearer than grain");
  say("product", places3(product));
  say("loss", digits3(loss));
  say("blotch", digits3(prices[0]));
  say("grainprice", digits3(prices[1]));
  const px = at(data.x, column).toFixed(1);
  part("guide").setAttribute("d", "M" + px + "," + data.y[3] + "V" + data.y[2]);
  part("rings").setAttribute("transform", "translate(" + (column + 0.5) + " " + (data.middle[0] + 0.5) + ")");

  paintPicture(Uint8Array.from(picture, place), grey, "A step from dark grey on the left to light grey on the right, a brighter blotch in the middle of the right side, and grain over both.");
  paintMap(Uint8Array.from(map, function (v) { return place((Math.log10(Math.max(v, 1e-9)) + 3) / 3); }), amounts,
    "Loss at each pixel, from dark (cheap) to bright (dear); mean " + digits3(loss) + ".");
  root.state = { width: width, grain: strength, place: column, used: used, map: map, loss: loss, prices: prices,
    profiles: profiles, product: product, milliseconds: performance.now() - began };
};

// One window has to stay: the last one cannot be switched off.
sigmas.forEach(function (_, k) {
  box(k).addEventListener("input", function () { if (!sigmas.some(function (_, j) { return box(j).checked; })) box(k).checked = true; });
});
root.querySelectorAll("[data-step]").forEach(function (button) {
  button.addEventListener("click", function () {
    const step = data.steps[+button.dataset.step];
    step[0].forEach(function (on, k) { box(k).checked = Boolean(on); });
    input("place").value = step[1];
    draw();
  });
});
fit(root.querySelector(".lx-scales"));
start(draw);
