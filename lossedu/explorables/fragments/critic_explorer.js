// ---- the figure: two blurred pictures, their difference, and what judges got right ----
const percent = function (v) { return (v < 0.9995 ? digits3(100 * v) : "100") + " %"; };
const short = function (v) { return (Math.floor(10 * v + 0.5) / 10).toFixed(1); };
const along = function (a, v) { return a[2] + (a[3] - a[2]) * (v - a[0]) / (a[1] - a[0]); };
const part = function (key, d) { root.querySelector('[data-part="' + key + '"]').setAttribute("d", d); };
const fullScale = function (v) {
  if (!(v > 0)) return 1;
  const least = data.reach * v, power = Math.pow(10, Math.floor(Math.log10(least)));
  return [1, 2, 5, 10].map(function (m) { return m * power; }).find(function (m) { return m >= least; });
};
const fullText = function (v) { return v.toFixed(Math.max(0, -Math.floor(Math.log10(v) + 1e-9))); };

// Every pixel has its own colour: the palette is the picture, and the places say which pixel comes where.
const upright = Uint16Array.from({ length: size }, function (_, i) { return i; });
const interleaved = function (f) { return Uint8Array.from({ length: 3 * size }, function (_, k) { return level(f(k % 3, Math.floor(k / 3))); }); };
const colours = function (x) { return interleaved(function (c, i) { return x[c][i]; }); };
const paint = {};
["plain", "other", "difference"].forEach(function (key) { paint[key] = canvas(key, n, n); });

const nearest = function (rows, sd) {
  return rows.reduce(function (best, row) { return Math.abs(row[0] - sd) < Math.abs(best[0] - sd) ? row : best; });
};
const whole = function (v) { return String(Math.floor(v + 0.5)); };
const rowsOf = function (judge, task) { return (data.tasks[task] || {})[judge] || []; };
const height = function (v) { return short(along(data.y, Math.max(data.y[0], v))); };
const judged = function (kind, sd) {
  const judges = Object.keys(data.judges), all = [];
  if (!judges.length) return;
  part("now", "M" + short(along(data.x, sd)) + "," + data.y[3] + "V" + data.y[2]);
  judges.forEach(function (judge) {
    Object.keys(data.kinds).forEach(function (task) { all.push.apply(all, rowsOf(judge, task)); });
  });
  all.sort(function (a, b) { return a[0] - b[0]; });
  const measured = nearest(all, sd)[0];
  say("measured", measured.toFixed(2) + " px");
  judges.forEach(function (judge) {
    const rows = rowsOf(judge, kind), x = function (row) { return short(along(data.x, row[0]) + data.judges[judge]); };
    const means = rows.map(function (row) { return x(row) + "," + height(row[1]); });
    const cut = function (row) { return Math.abs(row[0] - data.cut) < data.same; };
    const even = means.filter(function (_, k) { return !cut(rows[k]); });
    part(judge, even.length ? "M" + even.join("L") : "");
    part(judge + "-cut", means.filter(function (_, k) { return cut(rows[k]); }).map(function (mean) { return "M" + mean + "h0"; }).join(""));
    part(judge + "-spans", rows.filter(function (row) { return row[2] !== null; }).map(function (row) { return "M" + x(row) + "," + height(row[2]) + "V" + height(row[3]); }).join(""));
    part(judge + "-dots", means.map(function (mean) { return "M" + mean + "h0"; }).join(""));
    Object.keys(data.kinds).forEach(function (task) {
      const key = judge + "-" + task, row = rowsOf(judge, task).find(function (r) { return Math.abs(r[0] - measured) < data.same; });
      const known = row && row[2] !== null;
      say(key, row ? whole(row[1]) + " %" : "–");
      say(key + "-span", known ? whole(row[2]) + "–" + whole(row[3]) : "");
      root.querySelector('[data-cell="' + key + '"]').dataset.state = !known ? "none" : row[2] > data.chance ? "above" : "chance";
    });
  });
};

// The game: ten pairs, each with the changed one left or right, and both mirrored or upside down, drawn anew.
let game = null;
const ask = root.querySelector("[data-ask]"), begin = root.querySelector('[data-do="game"]');
const pair = function () { return { side: Math.random() < 0.5 ? 0 : 1, mirror: Math.random() < 0.5, turn: Math.random() < 0.5 }; };

const draw = function () {
  const began = performance.now();
  const setting = value("blur"), sd = data.marks[setting] || +setting / data.step, kind = value("kind");
  const s = measure(kind, sd), rounded = input("round").checked, name = data.kinds[kind][1];
  const d = function (c, i) { return rounded ? level(s.other[c][i]) - level(s.plain[c][i]) : 255 * (s.other[c][i] - s.plain[c][i]); };
  let shown = s.left;
  if (rounded) {
    shown = 0;
    for (let k = 0; k < 3 * size; k++) shown += Math.pow(d(k % 3, Math.floor(k / 3)), 2) / (3 * size);
    shown = Math.sqrt(shown);
  }
  const full = fullScale(input("amplify").checked ? shown : s.before), sdText = sd.toFixed(2) + " px";
  say("blur", sdText);
  say("kind", data.kinds[kind][0]);
  say("full", fullText(full));
  say("energy", percent(s.energy));
  say("before", digits3(s.before));
  say("left", digits3(s.left));
  say("apart", percent(s.apart));
  judged(kind, sd);
  if (game) {
    const places = upright.map(function (i) {
      const y = Math.floor(i / n), x = i % n;
      return (game.turn ? n - 1 - y : y) * n + (game.mirror ? n - 1 - x : x);
    });
    [s.plain, s.other].forEach(function (x, k) {
      const right = k === 1 ? game.side : 1 - game.side;
      paint[right ? "other" : "plain"](places, colours(x), right ? "The right picture." : "The left picture.");
    });
  } else {
    paint.plain(upright, colours(s.plain), "The eyes, nose and fur of a cat, blurred by " + sdText + ".");
    paint.other(upright, colours(s.other), name + ", then blurred by " + sdText + ".");
  }
  say("first", game ? "Left" : "Photograph, blurred");
  say("second", game ? "Right" : name + ", blurred");
  root.querySelector(".lx-3").style.visibility = game ? "hidden" : "";
  paint.difference(upright, interleaved(function (c, i) { return (1 + d(c, i) / full) / 2; }),
    "The difference, in each colour: grey is none, the ends are " + fullText(full) + " of 255.");
  root.state = Object.assign(s, { full: full, game: game, milliseconds: performance.now() - began });
};

const over = function (text) {
  game = null;
  ask.hidden = true;
  begin.hidden = false;
  say("game", text);
};
const answer = function (side) {
  game.right += side === game.side ? 1 : 0;
  if (game.pair < 10) {
    game = Object.assign(game, pair(), { pair: game.pair + 1 });
    say("game", "Pair " + game.pair + " of 10.");
  } else {
    const s = root.state, rows = data.pairs[s.kind] || [], row = rows.length && nearest(rows, s.sd);
    over("You: " + game.right + " of 10 right (" + data.kinds[s.kind][0] + ", " + s.sd.toFixed(2) + " px). Guessing gives 2 to 8 in 98 of 100 games." +
      (row ? " The critic, with both kinds of an unknown place, at " + row[0].toFixed(2) + " px: " + whole(row[1]) + " %." : ""));
    begin.focus();
  }
  draw();
};
begin.addEventListener("click", function () {
  game = Object.assign({ pair: 1, right: 0 }, pair());
  begin.hidden = true;
  ask.hidden = false;
  say("game", "Pair 1 of 10.");
  draw();
  ask.querySelector("button").focus();
});
root.querySelector('[data-do="stop"]').addEventListener("click", function () { over("Stopped."); draw(); begin.focus(); });
root.querySelectorAll("[data-answer]").forEach(function (button) {
  button.addEventListener("click", function () { answer(+button.dataset.answer); });
});
const changedBy = function () { if (game) over("Stopped: blur or difference were changed."); };
["blur", "kind"].forEach(function (key) { input(key).addEventListener("input", changedBy); });

root.querySelectorAll("[data-blur]").forEach(function (button) {
  button.addEventListener("click", function () { changedBy(); input("blur").value = button.dataset.blur; draw(); });
});
root.querySelectorAll("[data-step]").forEach(function (button) {
  button.addEventListener("click", function () {
    const step = data.steps[+button.dataset.step];
    changedBy();
    input("blur").value = step[0];
    input("kind").value = step[1];
    input("amplify").checked = step[2];
    input("round").checked = step[3];
    draw();
  });
});
fit(root.querySelector(".lx-critic"));
start(draw);
