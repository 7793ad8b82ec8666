// ---- the chart: histograms, who goes where, cumulative histograms, and the pull on each pixel, as SVG path data ----
const across = function (v) { return data.x[2] + (data.x[3] - data.x[2]) * v; };
const short = function (v) { return (Math.floor(10 * v + 0.5) / 10).toFixed(1); };
// Bars of root height, standing on (or, for a negative height, hanging from) a line.
const barsOf = function (z, line, tall) {
  const found = new Float64Array(data.bars), width = (data.x[3] - data.x[2]) / data.bars;
  z.forEach(function (v) { found[Math.min(data.bars - 1, Math.floor(v * data.bars))] += 1 / z.length; });
  return Array.from(found, function (height, k) {
    if (!(height > 0)) return "";
    const up = tall * Math.sqrt(Math.min(1, height / data.full));
    return "M" + short(across(0) + k * width) + "," + line + "v" + short(-up) + "h" + short(width - 0.5) + "v" + short(up) + "Z";
  }).join("");
};
const transportOf = function (from, to) {  // both sorted
  return Array.from({ length: data.threads }, function (_, k) {
    const i = Math.floor((k + 0.5) / data.threads * from.length);
    return "M" + short(across(from[i])) + "," + data.ways[0] + "L" + short(across(to[i])) + "," + data.ways[1];
  }).join("");
};
const cumulativeOf = function (sorted) {
  const points = [short(across(0)) + "," + short(data.sums[0])];
  for (let k = 0, i = 0; k <= data.points; k++) {
    while (i < sorted.length && sorted[i] <= k / data.points) i++;
    points.push(short(across(k / data.points)) + "," + short(data.sums[0] + (data.sums[1] - data.sums[0]) * i / sorted.length));
  }
  return points;
};
// From a thousandth to 1 takes as much room as from 1 to the largest pull: -1 to 1.
const pullScale = function (v) {
  const size = Math.abs(v);
  if (!(size > data.felt)) return 0;
  const way = size < 1 ? 0.5 - 0.5 * Math.log10(size) / Math.log10(data.felt) : 0.5 + 0.5 * Math.log10(size) / Math.log10(data.strongest);
  return Math.sign(v) * Math.min(1, way);
};
const dotsOf = function (x, pull) {  // each place once
  const seen = new Set(), middle = (data.pulls[0] + data.pulls[1]) / 2, half = (data.pulls[0] - data.pulls[1]) / 2;
  x.forEach(function (v, i) {
    seen.add(Math.floor(across(v) + 0.5) + "," + Math.floor(middle - half * pullScale(pull[i]) + 0.5));
  });
  return Array.from(seen).sort().map(function (at) { return "M" + at + "h0"; }).join("");
};
