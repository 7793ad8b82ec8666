// ---- the figure: the tones of a picture and of a target, their distance, and what each pixel feels of it ----
const n = data.n, size = n * n;
const signs = bytes(data.signs), grey = Uint8Array.from({ length: 768 }, function (_, i) { return Math.floor(i / 3); });
const fraction = drawsFrom(data.seed), photo = Float64Array.from(bytes(data.photo), function (v) { return (v + fraction()) / 256; });
const toned = function (who) {
  const shift = +value(who + "shift"), gain = Math.pow(2, +value(who + "gain")), gamma = +value(who + "gamma");
  return photo.map(function (v) { return Math.min(1, Math.max(0, gain * Math.pow(v, gamma) + shift)); });
};
const byte = function (v) { return Math.floor(Math.min(1, Math.max(0, v)) * 255 + 0.5); };
const signed = function (v, digits) { return v.toFixed(digits).replace("-", "\u2212"); };
const percent = function (v) { return (100 * v).toFixed(1) + " %"; };
const part = function (key, d) { root.querySelector('[data-part="' + key + '"]').setAttribute("d", d); };
const paintPicture = canvas("picture", n, n), paintTarget = canvas("target", n, n), paintPull = canvas("pull", n, n);

// The picture: which pixel of the photograph lies at each place, the values before any step and now, and the steps.
let places = Uint32Array.from(photo, function (_, i) { return i; }), before, x, setting = "", steps = 0, arrangement = "as taken", running = 0, timer;
const restart = function () {
  const all = toned("p");
  before = photo.map(function (_, i) { return all[places[i]]; });
  x = before.slice();
  steps = running = 0;
  clearTimeout(timer);
};
const arrange = function (from, name) {  // place i takes what lies at from(i)
  const take = function (z) { return z.map(function (_, i) { return z[from(i)]; }); };
  places = take(places);
  before = take(before);
  x = take(x);
  arrangement = name;
};

const blackText = function (s) {
  if (!s.black) return "No pixel is black.";
  const text = "Black pixels (" + percent(s.black) + ") should ";
  if (!(s.blackGoal > data.moved)) return text + "stay black; their mean pull is " + signed(s.blackPull, 2) + ".";
  if (s.blackPull > data.felt) return text + "get lighter, and are pulled lighter: " + digits3(s.blackPull) + ".";
  if (s.blackPull < -data.felt) return text + "get lighter, but are pushed darker: " + digits3(-s.blackPull) + ", the wrong way.";
  return text + "get lighter, but feel nothing: they stay black.";
};
const measure = function (kernel, w, mirror, y) {
  const found = emd(x, y, kernel, data.bins, w, mirror), from = x.slice().sort(), to = y.slice().sort();
  const s = { x: x, y: y, kernel: kernel, width: w, mirror: mirror, loss: found.loss, pull: found.pull,
    exact: 0, apart: 0, felt: 0, largest: 0, black: 0, blackPull: 0, blackGoal: 0, moved: 0, from: from, to: to };
  for (let i = 0; i < size; i++) {
    s.exact += Math.abs(from[i] - to[i]) / size;
    s.apart += Math.abs(x[i] - y[i]) / size;
    s.felt += Math.abs(s.pull[i]) > data.felt ? 1 : 0;
    s.largest = Math.max(s.largest, Math.abs(s.pull[i]));
    s.moved += Math.abs(x[i] - before[i]) > data.moved ? 1 / size : 0;
    if (x[i] <= data.black) {
      s.blackGoal += to[s.black++];
      s.blackPull += s.pull[i];
    }
  }
  s.blackGoal /= s.black || 1;
  s.blackPull /= s.black || 1;
  s.black /= size;
  s.felt /= size;
  return s;
};

const draw = function () {
  const began = performance.now();
  const now = ["pshift", "pgain", "pgamma"].map(value).join();
  if (now !== setting) restart();
  setting = now;
  const kernel = value("kernel"), ratio = data.ratios[0] * Math.pow(data.ratios[1] / data.ratios[0], +value("width") / 100);
  const s = measure(kernel, 1 / (data.bins * ratio), input("mirror").checked, toned("t"));
  input("width").disabled = input("mirror").disabled = kernel !== "logistic";
  ["p", "t"].forEach(function (who) {
    say(who + "shift", signed(+value(who + "shift"), 2));
    say(who + "gain", "× " + Math.pow(2, +value(who + "gain")).toFixed(2));
    say(who + "gamma", (+value(who + "gamma")).toFixed(2));
  });
  say("width", "L / " + digits3(ratio));
  say("loss", s.loss.toFixed(4));
  say("inbins", (s.loss * data.bins).toFixed(1));
  say("kernelname", data.names[kernel]);
  say("exact", s.exact.toFixed(4));
  say("apart", s.apart.toFixed(4));
  say("felt", percent(s.felt));
  say("largest", s.largest > data.felt ? digits3(s.largest) : "< " + data.felt);
  say("blacktext", blackText(s));
  say("order", arrangement);
  root.querySelector("[role=status]").setAttribute("aria-busy", String(running > 0));
  say("steps", String(steps));
  say("moved", percent(s.moved));

  paintPicture(Uint8Array.from(x, byte), grey, "The picture, pixels " + arrangement + ".");
  paintTarget(Uint8Array.from(s.y, byte), grey, "The target.");
  paintPull(Uint8Array.from(s.pull, function (v) { return byte((1 + pullScale(v)) / 2); }), signs,
    "Pull on each pixel, rust for lighter and blue for darker: " + percent(s.felt) + " of the pixels feel any.");
  const sums = [cumulativeOf(s.from), cumulativeOf(s.to)];
  part("pbars", barsOf(s.x, data.lines[0], data.tall));
  part("tbars", barsOf(s.y, data.lines[1], -data.tall));
  part("ways", transportOf(s.from, s.to));
  part("area", "M" + sums[0].concat(sums[1].slice().reverse()).join("L") + "Z");
  part("psum", "M" + sums[0].join("L"));
  part("tsum", "M" + sums[1].join("L"));
  part("dots", dotsOf(s.x, s.pull));
  root.state = Object.assign(s, { places: places, before: before, steps: steps, running: running, milliseconds: performance.now() - began });
};

const step = function () {
  const pull = root.state.pull;
  x = x.map(function (v, i) { return Math.min(1, Math.max(0, v + data.step * pull[i])); });
  steps++;
  draw();
};
const run = function () {
  if (!running) return;
  running--;
  step();
  if (running) timer = setTimeout(run, 60);
};
const actions = {
  sky: function () { arrange(function (i) { return (i + size - data.roll * n) % size; }, arrangement === "shuffled" ? arrangement : "sky moved"); },
  shuffle: function () {
    const card = Array.from(places, function (_, i) { return i; });
    for (let i = size - 1; i > 0; i--) {
      const k = Math.floor(fraction() * (i + 1)), kept = card[i];
      card[i] = card[k];
      card[k] = kept;
    }
    arrange(function (i) { return card[i]; }, "shuffled");
  },
  back: function () {
    const home = new Uint32Array(size);
    places.forEach(function (from, i) { home[from] = i; });
    arrange(function (i) { return home[i]; }, "as taken");
  },
  again: restart,
  step: function () { running = 0; clearTimeout(timer); step(); },
  run: function () {
    const idle = !running;
    running = data.run;
    if (window.matchMedia("(prefers-reduced-motion: reduce)").matches) while (running) { running--; step(); }
    else if (idle) run();
  }
};
root.querySelectorAll("[data-do]").forEach(function (button) {
  button.addEventListener("click", function () { actions[button.dataset.do](); draw(); });
});
root.querySelectorAll("[data-step]").forEach(function (button) {
  button.addEventListener("click", function () {
    const step = data.steps[+button.dataset.step];
    Object.keys(step).forEach(function (key) { if (key === "mirror") input(key).checked = step[key]; else input(key).value = step[key]; });
    restart();
    actions.back();
    draw();
  });
});

// The histograms can be dragged sideways: the upper one is the picture, the lower one the target.
const chart = root.querySelector("svg[data-chart]");
root.querySelectorAll("[data-drag]").forEach(function (zone) {
  const slider = input(zone.dataset.drag);
  let from = null;
  zone.addEventListener("pointerdown", function (e) {
    from = [e.clientX, +slider.value];
    zone.setPointerCapture(e.pointerId);
    e.preventDefault();
  });
  zone.addEventListener("pointermove", function (e) {
    if (!from) return;
    const scale = chart.viewBox.baseVal.width / chart.getBoundingClientRect().width / (data.x[3] - data.x[2]);
    slider.value = from[1] + (e.clientX - from[0]) * scale;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
  });
  ["pointerup", "pointercancel"].forEach(function (name) { zone.addEventListener(name, function () { from = null; }); });
});
fit(root.querySelector(".lx-emd"));
start(draw);
