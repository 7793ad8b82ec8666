// ---- Mix at the centre of a patch, as lossedu.ms_ssim_sigma_loss and ms_ssim_sigma_grad with form="patch" ----
// One window a scale, as large as the patch: G(k) ~ exp(-k^2 / 2 sigma^2) in rows and columns, sum 1.
const patchWindow = function (sigma, n) {
  const line = Float64Array.from({ length: n }, function (_, k) { return Math.exp(-0.5 * Math.pow((k - (n >> 1)) / sigma, 2)); });
  const sum = line.reduce(function (a, b) { return a + b; }, 0), window = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) window[i * n + j] = line[i] * line[j] / (sum * sum);
  return window;
};

// 1 - l_M cs_1 ... cs_M and its gradient in x: dl = 2 G (my - l mx) / (mx^2 + my^2 + C1) of the last window,
// dcs = 2 G ((y - my) - cs (x - mx)) / (vx + vy + C2) of each, times all the other factors.
const patchMSSSIM = function (x, y, windows) {
  const c1 = 0.01 * 0.01, c2 = 0.03 * 0.03, count = x.length;
  const scales = windows.map(function (w) {
    let mx = 0, my = 0, vx = 0, vy = 0, cov = 0;
    for (let q = 0; q < count; q++) {
      mx += w[q] * x[q];
      my += w[q] * y[q];
    }
    for (let q = 0; q < count; q++) {
      vx += w[q] * (x[q] - mx) * (x[q] - mx);
      vy += w[q] * (y[q] - my) * (y[q] - my);
      cov += w[q] * (x[q] - mx) * (y[q] - my);
    }
    return { w: w, mx: mx, my: my, cs: (2 * cov + c2) / (vx + vy + c2), below: vx + vy + c2 };
  });
  const last = scales[scales.length - 1], bottom = last.mx * last.mx + last.my * last.my + c1;
  const l = (2 * last.mx * last.my + c1) / bottom, grad = new Float64Array(count);
  const product = function (without) { return scales.reduce(function (a, s) { return s === without ? a : a * s.cs; }, 1); };
  const all = product(null), slope = 2 * (last.my - l * last.mx) / bottom * all;
  for (let q = 0; q < count; q++) grad[q] = -last.w[q] * slope;
  scales.forEach(function (s) {
    const factor = 2 * l * product(s) / s.below;
    for (let q = 0; q < count; q++) grad[q] -= factor * s.w[q] * (y[q] - s.my - s.cs * (x[q] - s.mx));
  });
  return { loss: 1 - l * all, grad: grad };
};
