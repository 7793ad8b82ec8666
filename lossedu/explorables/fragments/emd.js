// ---- earth mover's distance of the histograms of x and y, in units of the range, as lossedu.histogram_emd_loss ----
// All values lie in [0, 1]. Each function returns the loss and the pull on every pixel of x: minus the gradient, times
// the number of pixels, so that the exact distance pulls with 1.
const ranks = function (x) {  // places of the pixels from dark to bright; equal ones as they lie in memory
  return Uint32Array.from(x, function (_, i) { return i; }).sort(function (a, b) { return x[a] - x[b] || a - b; });
};

const emdSort = function (x, y) {
  const order = ranks(x), goal = y.slice().sort(), pull = new Float64Array(x.length);
  let loss = 0;
  for (let i = 0; i < x.length; i++) {
    const d = x[order[i]] - goal[i];
    loss += Math.abs(d) / x.length;
    pull[order[i]] = -Math.sign(d);
  }
  return { loss: loss, pull: pull };
};

// Two-bin weights: a pixel in cell k, between the centres k and k + 1, gives its fraction to the upper one. Masses are
// whole numbers of 2^-40, so equal histograms are equal wherever their pixels lie.
const emdLinear = function (x, y, bins) {
  const one = Math.pow(2, 40), mass = new Float64Array(bins - 1), part = new Float64Array(bins - 1);
  const cell = function (v) { return Math.min(bins - 2, Math.floor(v * (bins - 1))); };
  const tally = function (z, sign) {
    for (let i = 0; i < z.length; i++) {
      const k = cell(z[i]);
      mass[k] += sign;
      part[k] += sign * Math.floor((z[i] * (bins - 1) - k) * one);
    }
  };
  tally(x, 1);
  tally(y, -1);
  let loss = 0, below = 0;
  const signs = mass.map(function (count, k) {
    below += count;
    const d = below * one - part[k];
    loss += Math.abs(d) / one / x.length / (bins - 1);
    return Math.sign(d);
  });
  return { loss: loss, pull: x.map(function (v) { return signs[cell(v)]; }) };
};

// The logistic kernel of bandwidth w at the edges k / bins. Mirrors give a pixel at v images at -v and 2 - v.
const images = function (v, mirror) { return mirror ? [v, -v, 2 - v] : [v]; };
const inReach = function (c, bins, w) {  // beyond 38 bandwidths the kernel is below the resolution of a double
  return [Math.max(0, Math.ceil((c - 38 * w) * bins)), Math.min(bins, Math.floor((c + 38 * w) * bins))];
};
const logisticCumulative = function (x, bins, w, mirror) {
  const f = new Float64Array(bins + 1), whole = new Float64Array(bins + 2);
  x.forEach(function (v) {
    images(v, mirror).forEach(function (c) {
      const seen = inReach(c, bins, w);
      for (let k = seen[0]; k <= seen[1]; k++) f[k] += 1 / (1 + Math.exp((c - k / bins) / w));
      whole[Math.max(0, seen[1] + 1)]++;
    });
  });
  let above = 0;
  const sums = f.map(function (v, k) { above += whole[k]; return (v + above) / x.length; });
  return sums.map(function (v) { return v - (mirror ? 1 : sums[0]); }).subarray(1);
};
const emdLogistic = function (x, y, bins, w, mirror) {
  const fx = logisticCumulative(x, bins, w, mirror), fy = logisticCumulative(y, bins, w, mirror);
  const slope = function (z) { const tail = 1 / (1 + Math.exp(Math.abs(z))); return tail * (1 - tail) / w / bins; };
  let loss = 0, all = 0;
  const signs = fx.map(function (v, k) {
    loss += Math.abs(v - fy[k]) / bins;
    all += Math.sign(v - fy[k]);
    return Math.sign(v - fy[k]);
  });
  const pull = x.map(function (v) {
    let sum = mirror ? 0 : -all * slope(v / w);  // without mirrors, what lies below 0 is taken off every edge
    images(v, mirror).forEach(function (c, image) {
      const seen = inReach(c, bins, w);
      let part = 0;
      for (let k = Math.max(1, seen[0]); k <= seen[1]; k++) part += signs[k - 1] * slope((k / bins - c) / w);
      sum += image ? -part : part;
    });
    return sum;
  });
  return { loss: loss, pull: pull };
};
const emd = function (x, y, kernel, bins, w, mirror) {
  return kernel === "sort" ? emdSort(x, y) : kernel === "linear" ? emdLinear(x, y, bins) : emdLogistic(x, y, bins, w, mirror);
};
