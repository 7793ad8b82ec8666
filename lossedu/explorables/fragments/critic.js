// ---- four ways to change a photograph, and what a blur leaves of the difference, as critic_scene.py ----
const n = data.n, size = n * n;
const cut = function (v, top) { return Math.min(top, Math.max(0, v)); };
const level = function (v) { return cut(Math.floor(255 * v + 0.5), 255); };

// Luma at every pixel, and half of R - Y and B - Y for squares of pixels; red, green and blue in whole 255ths.
const photo = (function () {
  const luma = bytes(data.luma), chroma = bytes(data.chroma), p = data.parts, a = data.coarse;
  const far = function (i, c) { return 2 * (chroma[(c * n / a + Math.floor(i / n / a)) * n / a + Math.floor(i % n / a)] - 128); };
  return [
    function (i) { return luma[i] + far(i, 0); },
    function (i) { return (luma[i] - p[0] * (luma[i] + far(i, 0)) - p[2] * (luma[i] + far(i, 1))) / p[1]; },
    function (i) { return luma[i] + far(i, 1); },
  ].map(function (f) { return Float64Array.from({ length: size }, function (_, i) { return Math.max(data.room, cut(Math.floor(f(i) + 0.5), 255 - data.room)) / 255; }); });
})();

const blurred = function (channels, sd) {
  if (!(sd > 0)) return channels;
  const w = gaussianTaps(sd);
  return channels.map(function (v) { return blur(v, n, w); });
};
const changes = {
  texture: function () { return blurred(photo, data.soft); },
  grain: function () {
    const draw = drawsFrom(data.grain[1]);
    return photo.map(function (v) {
      return v.map(function (a) {
        let sum = 0;
        for (let k = 0; k < 12; k++) sum += draw();
        return a + data.grain[0] * (sum - 6);
      });
    });
  },
  cast: function () { return photo.map(function (v, c) { return v.map(function (a) { return a * data.cast[c]; }); }); },
  tint: function () { return photo.map(function (v, c) { return v.map(function (a) { return a + data.tint[c] / 255; }); }); },
};
const made = {}, kept = {};
const changed = function (kind) {
  if (!made[kind]) made[kind] = kind === "plain" ? photo : changes[kind]().map(function (v) { return v.map(function (a) { return level(a) / 255; }); });
  return made[kind];
};
const after = function (kind, sd) {  // the last blur of each is kept
  if (!kept[kind] || kept[kind].sd !== sd) kept[kind] = { sd: sd, picture: blurred(changed(kind), sd) };
  return kept[kind].picture;
};
const rms = function (x, y) {
  let sum = 0;
  x.forEach(function (v, c) { for (let i = 0; i < size; i++) sum += (v[i] - y[c][i]) * (v[i] - y[c][i]); });
  return 255 * Math.sqrt(sum / size / x.length);
};
const measure = function (kind, sd) {
  const plain = after("plain", sd), other = after(kind, sd);
  const s = { kind: kind, sd: sd, plain: plain, other: other, before: rms(changed(kind), photo), left: rms(other, plain), apart: 0 };
  s.energy = s.left * s.left / (s.before * s.before);
  for (let i = 0; i < size; i++) if (plain.some(function (v, c) { return level(v[i]) !== level(other[c][i]); })) s.apart++;
  s.apart /= size;
  return s;
};
