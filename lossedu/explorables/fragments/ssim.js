// ---- 1 - SSIM and its gradient, padding "reflect", as 1 - lossedu.ssim_map and lossedu.ssim_grad ----
// With p = x + y and q = x - y, their windowed means M and variances V:
//   a = 1 - l  = 2 Mq^2 / (Mp^2 + Mq^2 + 2 C1)
//   b = 1 - cs = 2 Vq   / (Vp + Vq + 2 C2)          1 - SSIM = a + b - a b
// The gradient runs the chain backwards: d(a + b - ab) = (1 - b) da + (1 - a) db, then V = G p^2 - (G p)^2,
// then the adjoint G' of the blur:  dL/dx = G'(mp + mq) + 2 p G'(sp) + 2 q G'(sq).
const ssimLoss = function (x, y, n, sigma, wantGradient) {
  const c1 = 0.01 * 0.01, c2 = 0.03 * 0.03, w = gaussianTaps(sigma), size = n * n;
  const make = function (f) { const out = new Float64Array(size); for (let i = 0; i < size; i++) out[i] = f(i); return out; };
  // p less the middle of its range: a variance does not mind, and the digits stay
  const p = make(function (i) { return x[i] + y[i] - 1; }), q = make(function (i) { return x[i] - y[i]; });
  const gp = blur(p, n, w), gq = blur(q, n, w);
  const gpp = blur(make(function (i) { return p[i] * p[i]; }), n, w), gqq = blur(make(function (i) { return q[i] * q[i]; }), n, w);
  const map = new Float64Array(size), mean = new Float64Array(size), sp = new Float64Array(size), sq = new Float64Array(size);
  let loss = 0;
  for (let i = 0; i < size; i++) {
    const mp = gp[i] + 1, mq = gq[i], vp = Math.max(0, gpp[i] - gp[i] * gp[i]), vq = Math.max(0, gqq[i] - mq * mq);
    const s1 = mp * mp + mq * mq + 2 * c1, s2 = vp + vq + 2 * c2;
    const a = 2 * mq * mq / s1, b = 2 * vq / s2;
    map[i] = a + b - a * b;
    loss += map[i];
    if (!wantGradient) continue;
    const byA = (1 - b) / s1 / size, byB = (1 - a) / s2 / size;
    sp[i] = -b * byB;                                          // by G p^2
    sq[i] = (2 - b) * byB;                                     // by G q^2
    mean[i] = -2 * a * mp * byA - 2 * gp[i] * sp[i]            // by G p
      + 2 * (2 - a) * mq * byA - 2 * mq * sq[i];               // by G q
  }
  if (!wantGradient) return { loss: loss / size, map: map };
  const grad = blurAdjoint(mean, n, w), bp = blurAdjoint(sp, n, w), bq = blurAdjoint(sq, n, w);
  for (let i = 0; i < size; i++) grad[i] += 2 * p[i] * bp[i] + 2 * q[i] * bq[i];
  return { loss: loss / size, map: map, grad: grad };
};

// The price of frequency f on flat ground of level mu, relative to MSE, for small disturbances:
//   W(f) = G(f)^2 / (2 mu^2 + C1) + (1 - G(f)^2) / C2
const ssimTransfer = function (w, f, mu) {
  const g2 = Math.pow(response(w, f), 2);
  return g2 / (2 * mu * mu + 0.01 * 0.01) + (1 - g2) / (0.03 * 0.03);
};
