// ---- a slider over pictures ----
const picture = root.querySelector("[data-frame]");
data.uris.forEach(function (uri) { new Image().src = uri; });  // decoded once, so that the first drag does not flicker
start(function () {
  const i = +value("frame");
  picture.src = data.uris[i];
  picture.alt = data.alts[i];
  say("frame", data.values[i]);
  root.state = { frame: i, value: data.values[i] };
});
