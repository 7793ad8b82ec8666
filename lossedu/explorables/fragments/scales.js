// ---- l and cs of one window, padding "reflect", as lossedu.losses.scales_apart.factors ----
// With p = x + y - 1 (the range is 1) and q = x - y, their windowed means M and variances V:
//   1 - cs = 2 Vq / (Vp + Vq + 2 C2),   1 - l = 2 Mq^2 / ((Mp + 1)^2 + Mq^2 + 2 C1)
const windowFactors = function (x, y, n, sigma) {
  const c1 = 0.01 * 0.01, c2 = 0.03 * 0.03, w = gaussianTaps(sigma), size = n * n;
  const p = new Float64Array(size), q = new Float64Array(size), pp = new Float64Array(size), qq = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    p[i] = x[i] + y[i] - 1;
    q[i] = x[i] - y[i];
    pp[i] = p[i] * p[i];
    qq[i] = q[i] * q[i];
  }
  const mp = blur(p, n, w), mq = blur(q, n, w), sp = blur(pp, n, w), sq = blur(qq, n, w);
  const cs = new Float64Array(size), l = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    const vp = Math.max(0, sp[i] - mp[i] * mp[i]), vq = Math.max(0, sq[i] - mq[i] * mq[i]);
    cs[i] = 1 - 2 * vq / (vp + vq + 2 * c2);
    l[i] = 1 - 2 * mq[i] * mq[i] / ((mp[i] + 1) * (mp[i] + 1) + mq[i] * mq[i] + 2 * c1);
  }
  return { cs: cs, l: l };
};
