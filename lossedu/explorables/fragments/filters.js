// ---- Gaussian windows and the separable blur on square pictures, as in lossedu.filters ----
// G(k) ~ exp(-k^2 / 2 sigma^2) on 2*int(3.5 sigma + 0.5) + 1 taps that sum to 1.
const gaussianTaps = function (sigma) {
  const r = Math.floor(3.5 * sigma + 0.5), w = new Float64Array(2 * r + 1);
  let sum = 0;
  for (let k = -r; k <= r; k++) sum += w[k + r] = Math.exp(-0.5 * (k / sigma) * (k / sigma));
  return w.map(function (v) { return v / sum; });
};

// What the window does to a sinusoid of f cycles a pixel: G(f) = sum_k G(k) cos(2 pi f k).
const response = function (w, f) {
  const r = w.length >> 1;
  let sum = w[r];
  for (let k = 1; k <= r; k++) sum += 2 * w[r + k] * Math.cos(2 * Math.PI * f * k);
  return sum;
};

// Both passes below work along rows and write their result transposed: done twice, that is rows and columns.
const blurRows = function (src, dst, n, w) {
  const r = w.length >> 1, line = new Float64Array(n + 2 * r);
  for (let y = 0; y < n; y++) {
    line.set(src.subarray(y * n, y * n + n), r);
    for (let k = 1; k <= r; k++) {  // mirrored about the border pixel, which is not repeated
      line[r - k] = line[r + k];
      line[r + n - 1 + k] = line[r + n - 1 - k];
    }
    for (let x = 0; x < n; x++) {
      let sum = w[r] * line[x + r];
      for (let k = 1; k <= r; k++) sum += w[r + k] * (line[x + r - k] + line[x + r + k]);
      dst[x * n + y] = sum;
    }
  }
};

// The transpose of blurRows as a matrix, which a gradient needs: correlate everywhere the window
// touches the picture, then fold what fell outside back onto the pixels it was mirrored from.
const blurRowsAdjoint = function (src, dst, n, w) {
  const r = w.length >> 1, line = new Float64Array(n + 4 * r), full = new Float64Array(n + 2 * r);
  for (let y = 0; y < n; y++) {
    line.set(src.subarray(y * n, y * n + n), 2 * r);
    for (let j = 0; j < n + 2 * r; j++) {
      let sum = w[r] * line[j + r];
      for (let k = 1; k <= r; k++) sum += w[r + k] * (line[j + r - k] + line[j + r + k]);
      full[j] = sum;
    }
    for (let k = 1; k <= r; k++) {
      full[r + k] += full[r - k];
      full[r + n - 1 - k] += full[r + n - 1 + k];
    }
    for (let x = 0; x < n; x++) dst[x * n + y] = full[x + r];
  }
};

const twice = function (pass) {
  return function (src, n, w) {
    const half = new Float64Array(n * n), out = new Float64Array(n * n);
    pass(src, half, n, w);
    pass(half, out, n, w);
    return out;
  };
};
const blur = twice(blurRows), blurAdjoint = twice(blurRowsAdjoint);
