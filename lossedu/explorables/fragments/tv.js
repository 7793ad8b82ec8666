// ---- total variation of a signal, exactly, and squared differences, as in lossedu.variational ----
// The running sums of the answer are the shortest way through a tube of half-width w around those of the data,
// with both ends fixed; its slopes are the answer.
const tautString = function (f, w) {
  const n = f.length, low = new Float64Array(n + 1), high = new Float64Array(n + 1), u = new Float64Array(n);
  let sum = 0;
  for (let k = 1; k <= n; k++) {
    sum += f[k - 1];
    low[k] = k < n ? sum - w : sum;
    high[k] = k < n ? sum + w : sum;
  }
  let at = 0, height = 0;
  while (at < n) {
    let steepest = Infinity, flattest = -Infinity, roof = at, floor = at, to = n, level = high[n];
    for (let k = at + 1; k <= n; k++) {
      const below = (low[k] - height) / (k - at), above = (high[k] - height) / (k - at);
      if (below > steepest) { to = roof; level = high[roof]; break; }
      if (above < flattest) { to = floor; level = low[floor]; break; }
      if (above <= steepest) { steepest = above; roof = k; }
      if (below >= flattest) { flattest = below; floor = k; }
    }
    for (let k = at; k < to; k++) u[k] = (level - height) / (to - at);
    at = to;
    height = level;
  }
  return u;
};

// (1 + 2 w D'D) u = f: three diagonals, solved from left to right and back.
const squaredDifferences = function (f, w) {
  const n = f.length, c = new Float64Array(n), u = new Float64Array(n);
  for (let k = 0; k < n; k++) {
    const neighbours = (k > 0 ? 1 : 0) + (k < n - 1 ? 1 : 0);
    const pivot = 1 + 2 * w * neighbours + (k > 0 ? 2 * w * c[k - 1] : 0);
    c[k] = k < n - 1 ? -2 * w / pivot : 0;
    u[k] = (f[k] + (k > 0 ? 2 * w * u[k - 1] : 0)) / pivot;
  }
  for (let k = n - 2; k >= 0; k--) u[k] -= c[k] * u[k + 1];
  return u;
};

const distance = function (a, b) {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += (a[k] - b[k]) * (a[k] - b[k]);
  return Math.sqrt(sum / a.length);
};
