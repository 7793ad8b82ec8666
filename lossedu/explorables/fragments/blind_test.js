// ---- twenty choices between two pictures, and what they say of the observer and of the metrics ----
const find = function (key) { return root.querySelector('[data-part="' + key + '"]'); };
const count = data.choices.length, kinds = data.kinds.length, shelf = "lossedu:" + name;
const fresh = function () { return { seed: 1 + Math.floor(Math.random() * 2147483645), answers: [], seen: null }; };

// Answers to other pairs than these, by their digest, are dropped; `seen` is after how many answers results were seen.
// An answer is 0 for the first picture of the pair, 1 for the second, 0.5 for "can't tell"; wherever they stood.
const remembered = function () {
  try {
    const s = JSON.parse(localStorage.getItem(shelf));
    const sound = s && Number.isInteger(s.seed) && s.seed > 0 && s.seed < 2147483647 && Array.isArray(s.answers) && s.answers.length <= count;
    const same = sound && s.digest === data.digest && (s.seen === null || Number.isInteger(s.seen) && s.seen >= 0 && s.seen <= s.answers.length);
    return same && s.answers.every(function (a) { return a === 0 || a === 0.5 || a === 1; }) ? s : fresh();
  } catch (e) { return fresh(); }  // no storage, or somebody else's
};
const remember = function () {
  try { localStorage.setItem(shelf, JSON.stringify({ digest: data.digest, seed: test.seed, answers: test.answers, seen: test.seen })); } catch (e) { /* goes on without */ }
};

// Order of the pairs and which picture stands left, from the seed.
const arrange = function (seed) {
  const next = drawsFrom(seed), draw = function (n) { return Math.floor(next() * n); };
  for (let i = 0; i < 8; i++) draw(2);  // neighbouring seeds begin alike
  const order = data.choices.map(function (_, i) { return i; });
  for (let i = count - 1; i > 0; i--) { const j = draw(i + 1); [order[i], order[j]] = [order[j], order[i]]; }
  return { order: order, turned: order.map(function () { return draw(2); }) };
};

// What the answers so far say; answers[n] belongs to the pair order[n].
const judge = function () {
  const wins = Array.from({ length: kinds }, function () { return new Array(kinds).fill(0); });
  const agrees = data.metrics.map(function () { return 0; });
  let decided = 0;
  test.answers.forEach(function (answer, n) {
    const c = data.choices[test.order[n]], a = c.kinds[0], b = c.kinds[1];
    wins[a][b] += 1 - answer;
    wins[b][a] += answer;
    if (answer === 0.5) return;
    decided++;
    c.preferred.forEach(function (p, m) { if (p === answer) agrees[m]++; });
  });
  const fit = bradleyTerry(wins, data.spread);
  return { wins: wins, agrees: agrees, decided: decided, values: fit.values, deviations: fit.deviations };
};

const cell = function (row, text, head) {
  const e = document.createElement(head ? "th" : "td");
  if (head) e.scope = "row";
  e.textContent = text;
  row.append(e);
  return e;
};
const percent = function (v) { return Math.round(100 * v) + " %"; };
const spanned = function (row, s) {
  cell(row, percent(s.value) + " (" + Math.round(100 * s.low) + " to " + Math.round(100 * s.high) + ")");
  const e = cell(row, "");
  e.className = "lx-span";
  e.setAttribute("aria-hidden", "true");
  const bar = document.createElement("b"), dot = document.createElement("i");
  bar.style.left = 100 * s.low + "%";
  bar.style.width = 100 * (s.high - s.low) + "%";
  dot.style.left = 100 * s.value + "%";
  e.append(bar, dot);
};
const fill = function (key, rows) { find(key).replaceChildren.apply(find(key), rows); };
const line = function (write) { const row = document.createElement("tr"); write(row); return row; };
const falling = function (values) { return values.map(function (_, i) { return i; }).sort(function (a, b) { return values[b] - values[a] || a - b; }); };

const verdict = function (s) {
  const ranked = falling(s.agrees), best = ranked[0], worst = ranked[ranked.length - 1];
  if (!s.decided) return "You have not decided for any picture yet, so there is nothing to compare.";
  const ends = s.agrees.map(function (k) { return wilson(k, s.decided); });
  const beyond = ends.filter(function (e) { return e.low > 0.5 || e.high < 0.5; }).length;
  let apart = 0, sided = 0;
  test.answers.forEach(function (answer, n) {
    const p = data.choices[test.order[n]].preferred;
    if (answer === 0.5 || p[best] === p[worst]) return;
    apart++;
    if (p[best] === answer) sided++;
  });
  const late = test.seen === null ? 0 : test.answers.length - test.seen;
  let text = late ? "You had seen results after " + test.seen + (test.seen === 1 ? " choice; " : " choices; ") + (late === 1 ? "the one" : "the " + late)
    + " made since then " + (late === 1 ? "was" : "were") + " not blind. " : "";
  text += "An interval that crosses 50 % does not tell a metric from a coin: here " + (ends.length - beyond) + " of " + ends.length + " do. "
    + "One or two beyond it prove little: among " + ends.length + " metrics, and with five choices for each damage, a taste that has nothing to do with any metric often puts one there. ";
  if (best === worst || !apart) return text + "No two metrics differ on your choices.";
  const between = wilson(sided, apart);
  text += "The metric nearest to you, " + data.metrics[best] + ", and the farthest, " + data.metrics[worst] + ", differ on " + apart + " of your " + s.decided
    + " decisions, and only those tell the two apart: there you sided with " + data.metrics[best] + " in " + sided + ", " + percent(between.value)
    + " (" + Math.round(100 * between.low) + " to " + Math.round(100 * between.high) + "). ";
  return text + "They were picked as nearest and farthest after your choices were seen, which makes the gap look larger than it is.";
};

const showResults = function (s) {
  const won = s.wins.map(function (row) { return row.reduce(function (a, b) { return a + b; }, 0); });
  const met = s.wins.map(function (row, i) { return won[i] + s.wins.reduce(function (a, other) { return a + other[i]; }, 0); });
  fill("kinds", falling(s.values).map(function (k) {
    return line(function (row) {
      const t = s.values[k], d = 1.959963984540054 * s.deviations[k];
      cell(row, data.kinds[k], true);
      cell(row, won[k] + " of " + met[k]);
      spanned(row, { value: sigmoid(t), low: sigmoid(t - d), high: sigmoid(t + d) });
    });
  }));
  fill("metrics", falling(s.agrees).map(function (m) {
    return line(function (row) {
      cell(row, data.metrics[m], true);
      cell(row, s.agrees[m] + " of " + s.decided);
      spanned(row, wilson(s.agrees[m], s.decided));
    });
  }));
  fill("choices", test.answers.map(function (answer, n) {
    return line(function (row) {
      const c = data.choices[test.order[n]], two = c.kinds.map(function (k) { return data.kinds[k]; });
      const on = data.metrics.filter(function (_, m) { return c.preferred[m] === answer; });
      cell(row, data.photographs[c.photograph].name, true);
      cell(row, answer === 0.5 ? "neither " + two[0] : two[answer]);
      cell(row, answer === 0.5 ? "nor " + two[1] : two[1 - answer]);
      cell(row, answer === 0.5 ? "–" : on.join(", ") || "none");
    });
  }));
  say("verdict", verdict(s));
};

const draw = function () {
  const n = test.answers.length, done = n === count || test.stopped, s = judge();
  find("test").hidden = done;
  find("results").hidden = !done;
  find("every").hidden = n < count;  // names what was seen: not before the end
  if (done && test.seen === null) {
    test.seen = n;
    remember();
  }
  root.querySelector('[data-do="back"]').disabled = n === 0 && !test.stopped;
  root.querySelector('[data-do="back"]').textContent = test.stopped ? "Go on" : "Take back";
  root.querySelector('[data-do="anew"]').textContent = asked ? "Really start anew?" : "Start anew";
  root.querySelector('[data-do="stop"]').disabled = done || n === 0;
  say("seed", String(test.seed));
  say("progress", n === count ? "All " + count + " choices made" : done ? "Stopped after " + n + " of " + count + " choices" : "Choice " + (n + 1) + " of " + count);
  if (done) showResults(s);
  else {
    const c = data.choices[test.order[n]], photo = data.photographs[c.photograph], turn = test.turned[n];
    [["left", turn], ["right", 1 - turn]].forEach(function (side) {
      find(side[0]).src = c.pictures[side[1]];
      find(side[0]).alt = "Damaged, " + side[0] + ": " + photo.alt + ".";
    });
    find("reference").src = photo.picture;
    find("reference").alt = "Undamaged: " + photo.alt + ".";
  }
  root.state = { seed: test.seed, order: test.order, turned: test.turned, answers: test.answers, seen: test.seen, done: done, wins: s.wins, agrees: s.agrees,
    decided: s.decided, values: s.values, deviations: s.deviations };
};

let test = null, asked = false;  // asked: the next click throws the choices away
const begin = function (s) { test = Object.assign({ stopped: false }, s, arrange(s.seed)); };
const answer = function (side) {
  if (find("test").hidden) return;
  asked = false;
  test.answers.push(side === "tie" ? 0.5 : side === "left" ? test.turned[test.answers.length] : 1 - test.turned[test.answers.length]);
  remember();
  draw();
  if (test.answers.length === count) find("results").focus();
};
root.querySelectorAll("[data-answer]").forEach(function (b) { b.addEventListener("click", function () { answer(b.dataset.answer); }); });
root.querySelectorAll("[data-do]").forEach(function (b) {
  b.addEventListener("click", function () {
    const sure = asked || !test.answers.length;
    asked = b.dataset.do === "anew" && !sure;
    if (b.dataset.do === "stop") test.stopped = true;
    else if (b.dataset.do === "anew") { if (sure) begin(fresh()); }
    else if (test.stopped) test.stopped = false;
    else {
      test.answers.pop();
      if (test.seen !== null) test.seen = Math.min(test.seen, test.answers.length);
    }
    remember();
    draw();
    if (b.dataset.do === "stop") find("results").focus();
  });
});
// On the window, as common.js keeps the arrow keys from everybody further in.
window.addEventListener("keydown", function (e) {
  const side = { ArrowLeft: "left", ArrowRight: "right", ArrowDown: "tie" }[e.key];
  if (!side || e.repeat || e.ctrlKey || e.altKey || e.metaKey || e.shiftKey || find("test").hidden || !root.contains(e.target)) return;
  e.preventDefault();
  answer(side);
}, true);
find("still").hidden = true;
begin(remembered());
draw();
fit(root.querySelector(".lx-trio"));
