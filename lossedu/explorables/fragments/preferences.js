// ---- strengths from choices between two, and the interval of a share: the same as lossedu.preferences ----
// Solve A x = b for every column of b, by elimination with the largest pivot; A and b are overwritten.
const solve = function (A, b) {
  const n = A.length;
  for (let c = 0; c < n; c++) {
    let p = c;
    for (let r = c + 1; r < n; r++) if (Math.abs(A[r][c]) > Math.abs(A[p][c])) p = r;
    [A[c], A[p]] = [A[p], A[c]];
    [b[c], b[p]] = [b[p], b[c]];
    for (let r = 0; r < n; r++) {
      if (r === c) continue;
      const f = A[r][c] / A[c][c];
      for (let k = c; k < n; k++) A[r][k] -= f * A[c][k];
      for (let k = 0; k < b[r].length; k++) b[r][k] -= f * b[c][k];
    }
  }
  return b.map(function (row, r) { return row.map(function (v) { return v / A[r][r]; }); });
};
const sigmoid = function (t) { return 1 / (1 + Math.exp(-t)); };

// wins[i][j]: how often i was chosen over j. Newton's method for the maximum of
//   sum wins[i][j] ln sigmoid(theta_i - theta_j) - sum theta_k^2 / (2 spread^2)
const bradleyTerry = function (wins, spread) {
  const n = wins.length, theta = new Array(n).fill(0);
  let curvature = null;
  const row = function (v) { return Array.from({ length: n }, function () { return v; }); };
  for (let turn = 0; turn < 50; turn++) {
    const slope = theta.map(function (t) { return [-t / (spread * spread)]; });
    curvature = theta.map(function () { return row(0); });
    for (let i = 0; i < n; i++) {
      curvature[i][i] += 1 / (spread * spread);
      for (let j = 0; j < n; j++) {
        if (i === j) continue;
        const p = sigmoid(theta[i] - theta[j]), bent = (wins[i][j] + wins[j][i]) * p * (1 - p);
        slope[i][0] += wins[i][j] * (1 - p) - wins[j][i] * p;
        curvature[i][i] += bent;
        curvature[i][j] -= bent;
      }
    }
    const step = solve(curvature.map(function (r) { return r.slice(); }), slope).map(function (r) { return r[0]; });
    const largest = Math.max.apply(null, step.map(Math.abs));
    for (let i = 0; i < n; i++) theta[i] += step[i] / Math.max(1, largest);
    if (largest < 1e-12) break;
  }
  const one = theta.map(function (_, i) { const r = row(0); r[i] = 1; return r; });
  const inverse = solve(curvature, one);
  const common = spread * spread / n;  // variance of a level common to all, of which choices say nothing
  return { values: theta, deviations: inverse.map(function (r, i) { return Math.sqrt(Math.max(0, r[i] - common)); }) };
};

const wilson = function (k, n) {
  if (!n) return { value: 0.5, low: 0, high: 1 };
  const z = 1.959963984540054, middle = k + z * z / 2, half = z * Math.sqrt(k * (n - k) / n + z * z / 4);
  return { value: k / n, low: (middle - half) / (n + z * z), high: (middle + half) / (n + z * z) };
};
