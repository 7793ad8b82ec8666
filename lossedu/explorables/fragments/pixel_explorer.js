// ---- the figure: what a pixel may be, and what squared, absolute and Huber loss choose ----
const fan = data.quantiles.length;
const answers = function (bright, spread, outliers, place) {
  const each = [(1 - outliers) * (1 - bright) / fan, (1 - outliers) * bright / fan];
  const at = function (level) { return data.quantiles.map(function (q) { return level + spread * q; }); };
  return {
    values: at(data.dark).concat(at(data.bright), [place]),
    weights: Array.from({ length: 2 * fan + 1 }, function (_, k) { return k < fan ? each[0] : k < 2 * fan ? each[1] : outliers; })
  };
};
const meanOf = function (known) {
  let total = 0;
  for (let k = 0; k < known.values.length; k++) total += known.weights[k] * known.values[k];
  return total;
};
const medianOf = function (known) {
  const order = known.values.map(function (_, k) { return k; }).sort(function (a, b) { return known.values[a] - known.values[b] || a - b; });
  let below = 0;
  for (const k of order) {
    below += known.weights[k];
    if (below >= 0.5 - 1e-12) return known.values[k];
  }
  return known.values[order[order.length - 1]];
};
const huberOf = function (known, delta) {
  let low = Math.min.apply(null, known.values), high = Math.max.apply(null, known.values);
  for (let round = 0; round < data.halvings; round++) {
    const middle = (low + high) / 2;
    let pull = 0;
    for (let k = 0; k < known.values.length; k++) pull += known.weights[k] * Math.max(-delta, Math.min(delta, middle - known.values[k]));
    if (pull > 0) high = middle; else low = middle;
  }
  return (low + high) / 2;
};
const expected = function (known, level, delta) {
  const found = [0, 0, 0];
  for (let k = 0; k < known.values.length; k++) {
    const size = Math.abs(level - known.values[k]), w = known.weights[k];
    found[0] += w * size * size;
    found[1] += w * size;
    found[2] += w * (size <= delta ? size * size / 2 : delta * (size - delta / 2));
  }
  return found;
};

const across = function (level) { return data.x[2] + (data.x[3] - data.x[2]) * (level - data.x[0]) / (data.x[1] - data.x[0]); };
const bars = function (known) {
  const found = new Array(data.bins).fill(0), width = (data.x[3] - data.x[2]) / data.bins;
  for (let k = 0; k < known.values.length; k++) {
    const bin = Math.floor((known.values[k] - data.x[0]) / (data.x[1] - data.x[0]) * data.bins);
    found[Math.max(0, Math.min(data.bins - 1, bin))] += known.weights[k];
  }
  return found.map(function (height, k) {
    if (!(height > 0)) return "";
    const tall = Math.sqrt(Math.min(1, height / data.full)) * (data.bars[0] - data.bars[1]);
    return "M" + (data.x[2] + k * width + 0.5).toFixed(1) + "," + data.bars[0] + "v" + (-tall).toFixed(1) + "h" + (width - 1).toFixed(1) + "v" + tall.toFixed(1) + "Z";
  }).join("");
};
const markers = {
  l2: function (x, y) { return "M" + (x - 5).toFixed(1) + "," + y.toFixed(1) + "a5,5 0 1,0 10,0a5,5 0 1,0 -10,0Z"; },
  l1: function (x, y) { return "M" + (x - 4.5).toFixed(1) + "," + (y - 4.5).toFixed(1) + "h9v9h-9Z"; },
  huber: function (x, y) { return "M" + x.toFixed(1) + "," + (y - 6).toFixed(1) + "l6,10h-12Z"; }
};
const grey = function (level) {
  const tone = Math.floor(Math.min(1, Math.max(0, level)) * 255 + 0.5);
  return "rgb(" + tone + "," + tone + "," + tone + ")";
};
const named = function (level, spread) {
  const near = 0.02 + 2 * spread, dark = Math.abs(level - data.dark), bright = Math.abs(level - data.bright);
  if (Math.min(dark, bright) > near) return "neither answer";
  if (Math.max(dark, bright) <= near && Math.min(dark, bright) > data.close) return "in between";
  return dark < bright ? "the dark answer" : "the bright answer";
};
const part = function (key, d) { root.querySelector('[data-part="' + key + '"]').setAttribute("d", d); };

const draw = function () {
  const bright = +value("bright") / 100, spread = +value("spread"), outliers = +value("outliers") / 100, place = +value("place");
  const delta = Math.pow(10, +value("delta")), known = answers(bright, spread, outliers, place);
  const levels = Array.from({ length: data.points }, function (_, k) { return data.x[0] + (data.x[1] - data.x[0]) * k / (data.points - 1); });
  const rows = levels.map(function (level) { return expected(known, level, delta); });
  const chosen = { l2: meanOf(known), l1: medianOf(known), huber: huberOf(known, delta) };

  say("bright", value("bright") + " %");
  say("spread", spread.toFixed(2));
  say("outliers", value("outliers") + " %");
  say("place", place.toFixed(2));
  say("delta", delta.toFixed(2));
  part("bars", bars(known));
  Object.keys(chosen).forEach(function (key, column) {
    const level = chosen[key], x = across(level), all = rows.map(function (row) { return row[column]; });
    const low = Math.min.apply(null, all), high = Math.max(all[data.inside[0]], all[data.inside[1]]);
    part("curve_" + key, "M" + all.map(function (v, k) {
      return across(levels[k]).toFixed(1) + "," + (data.curves[0] + (data.curves[1] - data.curves[0]) * ((v - low) / (high - low))).toFixed(1);
    }).join("L"));
    part("line_" + key, "M" + x.toFixed(1) + "," + data.bars[1] + "V" + data.curves[0]);
    part("mark_" + key, markers[key](x, data.curves[0]));
    root.querySelector('[data-grey="' + key + '"]').style.background = grey(level);
    say("level_" + key, level.toFixed(2));
    say("word_" + key, named(level, spread));
  });
  root.state = { bright: bright, spread: spread, outliers: outliers, place: place, delta: delta, l2: chosen.l2, l1: chosen.l1, huber: chosen.huber, rows: rows };
};

root.querySelectorAll("[data-step]").forEach(function (button) {
  button.addEventListener("click", function () {
    const step = data.steps[+button.dataset.step];
    ["bright", "spread", "outliers", "place", "delta"].forEach(function (key, k) { input(key).value = step[k]; });
    draw();
  });
});
start(draw);
