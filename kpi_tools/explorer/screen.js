/* The explorer's screen: one table and one chart that know each other. The same file serves JupyterLab, where `host.ask`
   asks Python, and the offline page, where it looks into the page itself. It lays out and links; no rule of the method is here. */

const SHAPES = {
  green: '<circle cx="6" cy="6" r="4.9"/>', amber: '<path d="M6 .8 11.5 11H.5z"/>', red: '<rect x="1.2" y="1.2" width="9.6" height="9.6"/>',
  blue: '<path d="M6 .6 11.3 4.6 9.3 11H2.7L.7 4.6z"/>', grey: '<path d="M3.4 1.2h5.2L11.2 6 8.6 10.8H3.4L.8 6z"/>',
  "not-rated": '<circle cx="6" cy="6" r="4.4" stroke-dasharray="2 1.6"/>', doubt: '<circle cx="6" cy="6" r="4.4" stroke-dasharray="2 1.6"/>',
};
const ARROWS = { up: "M3 13 13 3M6 3h7v7", down: "M3 3l10 10M13 6v7H6", across: "M2 8h12M10 4l4 4-4 4" };
const FIELDS = /^(button|select|input|textarea)$/;
const DRAWN = new WeakMap(); // what is shown → its views, drawn or asked for: two views of one explorer ask once
const GONE = "Not connected. Run > Run All Cells to go on.";

/** An element; text is always text, and the keys of JupyterLab are kept away from whatever can have the focus. */
function h(tag, given = {}, ...inside) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "html") made.innerHTML = value;
    else made.setAttribute(name, value === true ? "" : value);
  }
  if (FIELDS.test(tag) || "tabindex" in given) made.dataset.lmSuppressShortcuts = "true";
  made.append(...inside.flat().filter((one) => one || one === 0));
  return made;
}
const shape = (look, sure = "final") => h("span", { class: `kx-s kx-${look} kx-${sure}`, "aria-hidden": "true",
  html: `<svg viewBox="0 0 12 12" width="12" height="12">${SHAPES[sure === "doubt" ? "doubt" : look] || SHAPES["not-rated"]}</svg>` });
const arrow = (way) => h("span", { "aria-hidden": "true", html: way
  ? `<svg viewBox="0 0 16 16" width="15" height="15"><path d="${ARROWS[way]}" fill="none" stroke="currentColor" stroke-width="2.2"/></svg>` : "" });
const chip = (name, look) => h("span", { class: `kx-chip kx-${look}` }, shape(look), name);
const button = (text, does, more = {}) => h("button", { type: "button", onclick: does, ...more }, text);
const capital = (text) => text.slice(0, 1).toUpperCase() + text.slice(1);

function distance(a, b) {
  let row = [...Array(b.length + 1).keys()];
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] !== b[j - 1]));
    row = next;
  }
  return row[b.length];
}

export function start(root, host) {
  const S = { kpi: "", view: "trend", point: "", compare: [], tab: "why", kind: "", q: "", band: new Set(), dir: new Set(), flag: new Set() };
  const rows = new Map();
  let D = host.data(), now = null, turn = 0, saying = 0, own = "", following = false;
  const $ = {};
  const kpi = (id) => D.kpis.find((one) => one.id === id);
  const say = (text) => { clearTimeout(saying); saying = setTimeout(() => { $.live.textContent = text; }, 120); };
  const several = () => S.compare.length > 1;
  const title = (below, ...inside) => h(`h${(host.choose ? 2 : 1) + below}`, { class: `kx-h${below}` }, ...inside);

  // What is asked of Python, or of the page

  const cache = () => DRAWN.get(D) || DRAWN.set(D, new Map()).get(D);
  const size = () => { const w = $.plot.clientWidth || 640; return w < 540 ? "S" : w > 780 && root.clientHeight > 860 ? "L" : "M"; };
  const kindOf = (id, view) => (view === "limits" && id === S.kpi ? S.kind : "");
  const keyOf = (id, view, how = size()) => `${id} ${view} ${how} ${kindOf(id, view)}`.trim();
  async function viewOf(id, view, how = size()) {
    const chart = kindOf(id, view), key = keyOf(id, view, how);
    if (!cache().has(key)) {
      const answer = host.ask({ ask: "view", kpi_id: id, name: view, size: how, chart });
      cache().set(key, answer);
      answer.catch(() => cache().delete(key));
    }
    try { return await cache().get(key); } catch (error) {
      const other = [...cache().keys()].find((one) => one.startsWith(`${id} ${view} `)); // drawn for another width
      if (!other) throw error;
      return cache().get(other);
    }
  }

  // The frame, built once for each directorate and quarter

  const large = (text) => text.charAt(0).toUpperCase() + text.slice(1);

  function build() {
    const heads = [["", "kx-cmp", "Compare"], ["Rating", "kx-rag"], [`${large(D.words.kpi)} and why it stands here`, "kx-name"],
      ["Latest", "kx-val", "", D.words.target.toLowerCase()], ["Last six", "kx-six"], ["Direction", "kx-dir"]];
    $.live = h("div", { class: "kx-hidden", role: "status", "aria-live": "polite" });
    $.tip = h("div", { class: "kx-tip", hidden: true });
    $.find = h("input", { type: "search", placeholder: "Search id or name", "aria-label": "Search id or name", autocomplete: "off", oninput: onFind, onkeydown: onFindKey });
    $.count = h("span");
    $.clear = button("Clear", clear, { class: "kx-link", hidden: true });
    $.body = h("tbody", { onkeydown: onRowKey });
    $.none = h("p", { class: "kx-none", hidden: true });
    $.plot = h("div", { class: "kx-chart", tabindex: "0", role: "group", onkeydown: onChartKey, onpointermove: onMove, onpointerleave: unhover, onclick: onPoint });
    for (const name of ["head", "lead", "key", "fact", "why", "what", "write", "notice"]) $[name] = h("div", { class: `kx-${name}` });
    $.notice.setAttribute("role", "status");
    $.views = h("div", { class: "kx-seg", role: "group", "aria-label": "View" }, D.views.map(([name, title]) => button(title, () => setView(name), { "data-view": name })));
    $.tabs = h("div", { class: "kx-seg kx-tabs", role: "group", "aria-label": "Below the chart" }, [["why", "Why"], ["what", "What if"], ["write", host.choose ? "Write" : "Commentary"]]
      .filter(([name]) => host.tabs.includes(name)).map(([name, title]) => button(title, () => setTab(name), { "data-tab": name })));
    $.take = h("div", { class: "kx-take", role: "group", "aria-label": "Take away this view" },
      button("SVG", () => takePicture("svg"), { class: "kx-link" }), button("PNG", () => takePicture("png"), { class: "kx-link" }),
      button("CSV", takeCsv, { class: "kx-link" }), button("Copy figures", copyFigures, { class: "kx-link" }), button("Copy text", copyText, { class: "kx-link" }),
      host.link && button("Copy link", () => copy(host.link(), "The link"), { class: "kx-link" }));
    const panel = (name, label, body) => h("section", { class: "kx-panel", "data-panel": name, "aria-label": label }, title(1, label), body);
    const choice = (label, name, options, chosen) => h("label", { class: "kx-pick" }, h("span", {}, label),
      h("select", { "aria-label": label, onchange: (event) => reopen(name, event.target.value) }, options.map(([value, text]) => h("option", { value, selected: value === chosen }, text))));
    $.top = h("header", { class: "kx-top" }, title(0, "KPI explorer"),
      host.choose ? [choice("Directorate", "directorate", [["", "All directorates"], ...D.directorates.map((one) => [one, one])], D.directorate === "All directorates" ? "" : D.directorate),
        choice("Quarter", "quarter", D.quarters, D.quarter)] : h("b", {}, `${D.directorate}, ${D.title}`),
      h("p", { class: "kx-asat" }, D.as_at));
    const frame = h("div", { class: "kx", "data-pane": "list" }, $.top,
      h("div", { class: "kx-tools", role: "search" }, $.find, toggles(), h("p", { class: "kx-shown" }, $.count, " ", $.clear)), $.notice,
      h("div", { class: "kx-cols" },
        h("section", { class: "kx-list", "aria-label": `${large(D.words.kpis)}, what matters most first` },
          h("div", { class: "kx-scroll" }, h("table", { role: "grid" },
            h("caption", { class: "kx-hidden" }, "In the order in which they deserve attention. Up and Down choose, Space compares, Left and Right choose the period, 1 to 4 the view."),
            h("thead", {}, h("tr", {}, heads.map(([text, name, hidden, sub]) => h("th", { scope: "col", class: name }, hidden ? h("span", { class: "kx-hidden" }, hidden) : text, sub && h("small", {}, sub))))),
            $.body), $.none),
          h("p", { class: "kx-hint" }, ...[["↑ ↓", "choose"], ["Space", "compare"], ["← →", "period"], ["1–4", "view"], ["/", "search"]].flatMap(([key, text]) => [h("kbd", {}, key), ` ${text} `]))),
        h("section", { class: "kx-detail", "aria-label": `The chosen ${D.words.kpi}` },
          h("div", { class: "kx-main" },
            h("div", { class: "kx-back" }, button(`‹ All ${D.words.kpis}`, back), button("‹", () => jump(-1), { "aria-label": "Previous" }), button("›", () => jump(1), { "aria-label": "Next" })),
            $.head, $.lead, h("div", { class: "kx-bar" }, $.views, $.take), $.plot, $.key,
            h("div", { class: "kx-facts" }, button("‹", () => step(-1), { "aria-label": "Earlier period" }), $.fact, button("›", () => step(1), { "aria-label": "Later period" }))),
          h("div", { class: "kx-side" }, $.tabs, panel("why", "Why", $.why), host.tabs.includes("what") && panel("what", "What if", $.what), panel("write", host.choose ? "Write" : "Commentary", $.write)))),
      $.live, $.tip);
    rows.clear();
    $.body.replaceChildren(...D.kpis.map(row));
    root.replaceChildren(frame);
    $.frame = frame;
    fit();
  }

  function toggles() {
    const toggle = (set, value, inside, count) => button([...inside, " ", h("b", {}, String(count))], () => flip(set, value),
      { class: "kx-tog", "aria-pressed": "false", "data-set": set, "data-value": value, disabled: !count });
    const of = (test) => D.kpis.filter(test).length;
    const group = (label, buttons) => h("div", { class: "kx-tg", role: "group", "aria-label": label }, buttons);
    return [group("Rating", D.bands.map((band) => toggle("band", band.name, [shape(band.look), band.name], of((one) => one.rating === band.name)))),
      group("Direction of travel", D.directions.map(([state, word]) => toggle("dir", state, [word], of((one) => one.direction === state)))),
      group("Flags", [toggle("flag", "unusual", ["◆ Unusual"], of((one) => one.unusual)), toggle("flag", "doubt", ["? Doubt"], of((one) => one.doubt))])];
  }

  function row(one) {
    const [, word] = D.directions.find(([state]) => state === one.direction) || ["", ""];
    const made = h("tr", { tabindex: "-1", "aria-selected": "false", "data-kpi": one.id, onclick: (event) => onRow(event, one.id) },
      h("td", { class: "kx-cmp" }, h("input", { type: "checkbox", tabindex: "-1", "aria-label": `Compare ${one.id}` })),
      h("td", { class: "kx-rag" }, chip(one.doubt ? `${one.rating}?` : one.rating, one.look), h("small", {}, one.id)),
      h("td", { class: "kx-name" }, h("b", { title: one.name }, h("small", { class: "kx-wide-no" }, `${one.id} `), one.short),
        h("span", { title: one.why }, one.unusual && `◆ Unusual: ${one.unusual}. `, one.doubt && "? In doubt. ", one.why)),
      h("td", { class: "kx-val" }, h("b", { class: /\d/.test(one.value) ? null : "kx-none-yet" }, one.value), h("small", {}, one.target)),
      h("td", { class: "kx-six" }, h("span", { class: "kx-wide-no" }, h("b", {}, one.value), one.target && ` / ${one.target}`),
        h("span", { role: "img", "aria-label": one.six.map((it) => `${it.title} ${it.rating}`).join(", ") }, one.six.map((it) => shape(it.look, it.sure)))),
      h("td", { class: "kx-dir" }, h("span", { class: "kx-marks", html: one.marks }), arrow(one.way), h("small", {}, one.way === "across" ? h("span", { class: "kx-hidden" }, word) : word.toLowerCase() || h("span", { class: "kx-hidden" }, one.direction))));
    rows.set(one.id, made);
    return made;
  }

  // Finding

  const passes = (one) => {
    const text = `${one.id} ${one.name} ${one.short} ${one.section}`.toLowerCase();
    return S.q.toLowerCase().split(/\s+/).every((word) => text.includes(word)) && (!S.band.size || S.band.has(one.rating)) &&
      (!S.dir.size || S.dir.has(one.direction)) && (!S.flag.has("unusual") || one.unusual) && (!S.flag.has("doubt") || one.doubt);
  };
  const left = () => D.kpis.filter(passes).map((one) => one.id);

  function filter(aloud = true) {
    const ids = left(), asked = S.q.trim() || S.band.size || S.dir.size || S.flag.size;
    for (const [id, made] of rows) made.hidden = !ids.includes(id);
    for (const made of root.querySelectorAll(".kx-tog")) made.setAttribute("aria-pressed", String(S[made.dataset.set].has(made.dataset.value)));
    $.count.textContent = asked ? `${ids.length} of ${D.kpis.length} shown` : `${D.kpis.length} ${D.kpis.length === 1 ? D.words.kpi : D.words.kpis}`;
    $.clear.hidden = !asked;
    $.none.hidden = ids.length > 0;
    if (!ids.length) $.none.replaceChildren(...nearest());
    if (aloud) say($.count.textContent);
    if (ids.length && !ids.includes(S.kpi)) choose(ids[0]); else rove();
  }

  function nearest() {
    const word = S.q.trim().toLowerCase();
    if (!D.kpis.length) return [`No ${D.words.kpi} of ${D.directorate} is in the report for ${D.title}.`];
    if (!word) return [`No ${D.words.kpi} meets all of these.`];
    const far = (one) => Math.min(...[one.id, ...one.name.split(/\W+/), ...one.short.split(/\W+/)].map((text) => distance(word, text.toLowerCase())));
    const near = [...D.kpis].sort((a, b) => far(a) - far(b)).slice(0, 3);
    const go = (one) => button(`${one.id} ${one.short}`, () => { S.q = $.find.value = ""; filter(false); choose(one.id, { focus: true }); }, { class: "kx-link" });
    return [`No ${D.words.kpi} here has “${S.q.trim()}”. The nearest: `, ...near.flatMap((one, n) => [n ? ", " : "", go(one)]), "."];
  }
  const onFind = () => { S.q = $.find.value; filter(); };
  const clear = () => { S.q = $.find.value = ""; for (const set of [S.band, S.dir, S.flag]) set.clear(); filter(); $.find.focus(); };
  const flip = (set, value) => { S[set].has(value) ? S[set].delete(value) : S[set].add(value); filter(); };
  function onFindKey(event) {
    if (event.key === "Escape") { S.q = $.find.value = ""; filter(); }
    if (event.key !== "ArrowDown" && event.key !== "Enter") return;
    event.preventDefault();
    const [first] = left();
    if (first) choose(first, { focus: true, pane: event.key === "Enter" });
  }

  // Choosing

  const rove = () => { const ids = left(), at = ids.includes(S.kpi) ? S.kpi : ids[0]; for (const [id, made] of rows) made.tabIndex = id === at ? 0 : -1; };

  function choose(id, how = {}) {
    if (!kpi(id)) return;
    S.kpi = id; S.point = how.point || ""; S.kind = "";
    for (const [other, made] of rows) made.setAttribute("aria-selected", String(other === id));
    rove();
    const made = rows.get(id);
    if (how.focus) made.focus({ preventScroll: true });
    if (!made.hidden) reveal(made);
    if (how.pane) setPane("detail");
    paint();
    const one = kpi(id);
    say(`${id}, ${one.short}: ${one.value}, ${one.rating}. ${one.why}`);
  }
  const reveal = (made) => { // within the list only: the notebook around it must not move
    const box = made.closest(".kx-scroll"), head = 40, at = made.offsetTop;
    if (at - head < box.scrollTop) box.scrollTop = at - head;
    else if (at + made.offsetHeight > box.scrollTop + box.clientHeight) box.scrollTop = at + made.offsetHeight - box.clientHeight;
  };
  function onRow(event, id) {
    if (event.target.matches("input")) { event.preventDefault(); setTimeout(() => compare(id)); return; }
    if (event.target.closest(".kx-cmp") || event.ctrlKey || event.metaKey || event.shiftKey) { compare(id); return; }
    S.compare = [];
    choose(id, { focus: true, pane: true });
  }
  function compare(id) {
    if (S.compare.includes(id)) S.compare = S.compare.filter((other) => other !== id);
    else if (S.compare.length === 6) notice(`Six ${D.words.kpis} at most stand side by side. Take one out first.`);
    else S.compare = [...(S.compare.length || id === S.kpi ? S.compare : [S.kpi]), id];
    if (S.compare.length === 1 && S.compare[0] !== id) S.compare = [];
    say(several() ? `${S.compare.length} ${D.words.kpis} side by side: ${S.compare.join(", ")}` : `${S.kpi} alone`);
    paint();
  }
  const alone = () => { S.compare = []; paint(); };
  const viewTitle = () => D.views.find(([name]) => name === S.view)[1];
  function setView(name) { S.view = name; S.point = ""; paint(); say(`${viewTitle()} of ${several() ? S.compare.join(", ") : S.kpi}`); }
  function setTab(name) { S.tab = name; tabs(); paintTab(); }
  function setPoint(id) { S.point = id; ring(); facts(); why(); remember(); say($.fact.textContent); }
  const setPane = (name) => { $.frame.dataset.pane = name; };
  const back = () => { setPane("list"); rows.get(S.kpi)?.focus(); };
  const jump = (by) => { const ids = left(), at = ids[ids.indexOf(S.kpi) + by]; if (at) choose(at); };
  function step(by) {
    const ids = now ? Object.keys(now.places) : [];
    if (ids.length) setPoint(ids[Math.max(0, Math.min(ids.length - 1, ids.indexOf(S.point || now.latest) + by))]);
  }
  async function reopen(name, value) {
    const asked = { directorate: D.directorate === "All directorates" ? "" : D.directorate, quarter: D.quarter, [name]: value };
    notice("Reading …");
    try { await host.ask({ ask: "read", ...asked }); } catch (error) { notice(error.message); }
  }

  const keys = { ArrowLeft: () => step(-1), ArrowRight: () => step(1) };
  function onChartKey(event) {
    const number = Number(event.key);
    const does = keys[event.key] || (D.views[number - 1] && (() => setView(D.views[number - 1][0])));
    if (does && !event.ctrlKey && !event.metaKey && !event.altKey) { event.preventDefault(); does(); }
  }
  function onRowKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const ids = left(), id = event.target.closest("tr").dataset.kpi, at = ids.indexOf(id);
    const go = (to) => { const next = ids[Math.max(0, Math.min(ids.length - 1, to))]; if (several()) { rows.get(next).tabIndex = 0; rows.get(next).focus(); } else choose(next, { focus: true }); };
    const does = { ArrowDown: () => go(at + 1), ArrowUp: () => go(at - 1), Home: () => go(0), End: () => go(ids.length - 1), " ": () => compare(id),
      Enter: () => { S.compare = []; choose(id, { focus: true, pane: true }); }, "/": () => $.find.focus() }[event.key];
    if (does) { event.preventDefault(); does(); } else onChartKey(event);
  }

  // Painting

  const notice = (text) => { $.notice.textContent = text; $.notice.hidden = !text; };
  function tabs() {
    for (const made of $.tabs.children) made.setAttribute("aria-pressed", String(made.dataset.tab === S.tab));
    $.frame.dataset.tab = S.tab;
    for (const made of root.querySelectorAll(".kx-panel")) made.classList.toggle("kx-on", made.dataset.panel === S.tab);
  }
  function paint() {
    const one = kpi(S.kpi);
    if (!one) return;
    supposed = {};
    const count = S.compare.length;
    $.frame.classList.toggle("kx-many", several());
    for (const [id, made] of rows) made.querySelector("input").checked = S.compare.includes(id);
    $.head.replaceChildren(...(several()
      ? [title(1, `${count} ${D.words.kpis} side by side${S.view === "trend" ? ", on one scale of time" : `: ${viewTitle()}`}`), button(`Back to ${S.kpi} alone`, alone, { class: "kx-btn" })]
      : [title(1, one.name, " ", h("small", {}, one.id), " ", chip(one.doubt ? `${one.rating}?` : one.rating, one.look), " ",
        h("span", { class: "kx-chip kx-plain" }, arrow(one.way), capital(one.direction)), one.unusual && h("span", { class: `kx-chip kx-plain kx-${one.unusual}` }, `◆ Unusual: ${one.unusual}`))]));
    $.lead.textContent = several() ? `${S.view === "trend" ? `Dashed is the ${D.words.target.toLowerCase()}, dotted the line below it. ` : ""}Click a picture to choose it.` : one.lead;
    for (const made of $.views.children) made.setAttribute("aria-pressed", String(made.dataset.view === S.view));
    tabs();
    remember();
    draw();
    paintTab();
  }
  const seen = (name) => S.tab === name || getComputedStyle($.tabs).display === "none";
  function paintTab() {
    if (host.panels) { host.panels({ S, $, h, kpi }); return; }
    if (several()) { for (const name of ["what", "write"]) $[name].replaceChildren(); return; }
    if (seen("what")) whatIf();
    if (seen("write")) write();
  }

  // What if: asked of Python one question at a time, of those that wait only the newest

  let supposed = {}, asking = false, again = false;
  async function whatIf() {
    if (asking) { again = true; return; }
    asking = true;
    const id = S.kpi;
    try {
      const got = await host.ask({ ask: "what_if", kpi_id: id, supposed, size: size() });
      if (id === S.kpi) answer(got);
    } catch (error) { if (id === S.kpi) $.what.replaceChildren(h("p", {}, error.message)); }
    asking = false;
    if (again) { again = false; whatIf(); }
  }
  function answer(got) {
    if ($.what.dataset.kpi !== S.kpi || !$.what.querySelector(".kx-said")) sliders(got);
    for (const one of got.sliders) for (const field of $.what.querySelectorAll(`[data-name="${one.name}"]`)) if (field !== document.activeElement) field.value = one.value;
    $.what.querySelector(".kx-said").replaceChildren(...got.sentences.map((text) => h("p", {}, text)));
    const any = Object.keys(supposed).length > 0;
    $.what.querySelector(".kx-acts .kx-btn").disabled = !any;
    if (!any) return;
    say(got.sentences.join(" "));
    if (!got.svg) return;
    S.view = "trend"; S.compare = [];
    for (const made of $.views.children) made.setAttribute("aria-pressed", String(made.dataset.view === "trend"));
    turn++;
    now = got;
    show(`${S.kpi} what if`);
  }
  function sliders(got) {
    const set = (name, value) => {
      if (value === "" || !Number.isFinite(Number(value))) return;
      supposed[name] = Number(value);
      delete supposed[{ next: "alone", alone: "next" }[name]];
      whatIf();
    };
    const field = (one, type) => h("input", { type, min: one.min, max: one.max, step: one.step, value: one.value, "data-name": one.name,
      "aria-label": `${one.label}${type === "number" ? ", as a number" : ""}`, oninput: (event) => type === "range" && set(one.name, event.target.value), onchange: (event) => set(one.name, event.target.value) });
    $.what.dataset.kpi = S.kpi;
    $.what.replaceChildren(h("div", { class: "kx-acts" }, h("span", {}, "Nothing is written."), button("Back to what is so", () => { supposed = {}; $.what.dataset.kpi = ""; paint(); }, { class: "kx-btn" })),
      h("div", { class: "kx-rows" }, got.sliders.map((one) => h("div", { class: "kx-row" }, h("label", {}, `${one.label}${one.unit ? `, ${one.unit}` : ""}`), field(one, "range"), field(one, "number")))), h("div", { class: "kx-said" }));
  }

  // Writing: what is typed stays with its KPI until it is saved

  const typed = new Map();
  async function write() {
    const id = S.kpi;
    try {
      const got = await host.ask({ ask: "words", kpi_id: id });
      if (id === S.kpi) desk(got);
    } catch (error) { if (id === S.kpi) $.write.replaceChildren(h("p", {}, error.message)); }
  }
  function desk(got, said = "", found = []) {
    const id = S.kpi, field = (at) => h("textarea", { oninput: typing, onkeydown: keys, spellcheck: "true", disabled: Boolean(got.why_not) }, (typed.get(id) || got.texts)[at]);
    const keys = (event) => { if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") { event.preventDefault(); event.stopPropagation(); save(); } };
    const typing = () => { typed.set(id, texts()); reads(); status.textContent = "Not saved yet."; };
    const one = field(0), two = field(1), texts = () => [one.value, two.value];
    const count = h("small"), read = h("p", { class: "kx-reads" }), status = h("span", { role: "status" }, said || got.place);
    const reads = () => {
      const filled = one.value.replace(/\{(\w+)\}/g, (whole, name) => got.tokens[name] ?? whole), words = one.value.trim() ? one.value.trim().split(/\s+/).length : 0;
      count.textContent = ` ${words} ${words === 1 ? "word" : "words"}`;
      read.textContent = filled === one.value ? "" : `Reads: ${filled}`;
    };
    const tell = async (what) => {
      try {
        const back = await host.ask({ kpi_id: id, ...what });
        if (back.theirs) { conflict(back); return; }
        typed.delete(id); cache().clear();
        if (id === S.kpi) desk(back, back.message, back.found.length ? back.found : ["Passes the check."]);
        say(back.message);
      } catch (error) { status.textContent = error.message; say(error.message); }
    };
    const save = () => !got.why_not && tell({ ask: "save", texts: texts(), shown: got.now });
    const conflict = (back) => status.replaceChildren(`${back.message} Nothing was lost: `, button("see theirs", () => { read.textContent = `Theirs: ${back.theirs.join(" · ")}`; }, { class: "kx-link" }), " or ",
      button("save mine over it", () => tell({ ask: "save", texts: texts() }), { class: "kx-link" }), ".");
    const begin = () => { one.value = got.draft + (one.value.trim() && one.value.trim() !== got.draft ? `\n${one.value}` : ""); typing(); one.focus(); };
    $.write.replaceChildren(...[got.why_not && h("p", {}, got.why_not), h("div", { class: "kx-texts" }, h("label", {}, "Commentary", count, one), h("label", {}, got.action, h("small", {}, got.action_required ? ` needed: it is ${kpi(id).rating}` : " if any"), two)), read,
      found.length && h("ul", { class: "kx-found" }, found.map((text) => h("li", { class: text === "Passes the check." && "kx-ok" }, text))),
      h("div", { class: "kx-acts" }, button("Save", save, { class: "kx-btn kx-pri", disabled: Boolean(got.why_not) }), button("Begin with the draft", begin, { class: "kx-btn", disabled: Boolean(got.why_not) }),
        button("Undo last save", () => tell({ ask: "undo" }), { class: "kx-btn", disabled: !got.undo })), h("p", { class: "kx-state" }, status),
      (got.before.length || got.actions.length) && h("ul", {}, [...got.actions.map((text) => `Open action: ${text}`), ...got.before].map((text) => h("li", {}, text)))].filter(Boolean));
    reads();
  }

  /** Of several their courses on one scale of time, or the smaller picture of another view. */
  const beside = () => Promise.all(S.compare.map((id) => (S.view === "trend" ? viewOf(id, "several", "M") : viewOf(id, S.view, "S"))));
  let before = Promise.resolve();
  async function draw() {
    const mine = ++turn, ids = several() ? [...S.compare] : [S.kpi], began = performance.now();
    if (several() || !cache().has(keyOf(S.kpi, S.view))) await before; // of choices in a row only the last is asked for
    if (mine !== turn) return;
    let found;
    const asked = several() ? beside() : Promise.all([viewOf(S.kpi, S.view)]);
    before = asked.catch(() => {});
    try { found = await asked; }
    catch (error) { if (mine === turn) { now = null; $.plot.replaceChildren(h("p", { class: "kx-empty" }, error.message)); $.plot.dataset.view = ""; } return; }
    if (mine !== turn) return;
    now = several() ? null : found[0];
    show(several() && S.view === "trend" ? ids.join(" ") : `${ids.join(" ")} ${S.view}`, found);
    $.plot.dataset.took = String(Math.round(performance.now() - began));
    if (now) host.seen?.({ key: `${S.kpi} ${S.view} ${size()}`, ...now });
  }
  function show(name, found) {
    unhover();
    $.plot.setAttribute("aria-label", now ? "Chart. Left and Right choose the period." : "Several pictures");
    if (!now) $.plot.replaceChildren(h("div", { class: `kx-several kx-of-${S.view}` }, S.compare.map((id, n) => h("figure", { "data-kpi": id, onclick: () => { S.compare = []; choose(id, { focus: true }); } },
      h("figcaption", {}, h("b", {}, `${id} ${kpi(id).short}`), ` ${kpi(id).value}${kpi(id).target && ` against ${kpi(id).target}`}, ${kpi(id).rating}`), found[n].svg ? h("div", { html: found[n].svg }) : h("p", {}, found[n].notes[0])))));
    else if (now.svg) $.plot.innerHTML = now.svg;
    else $.plot.replaceChildren(h("p", { class: "kx-empty" }, now.notes[0], " ", button("Show the trend", () => setView("trend"), { class: "kx-link" })));
    $.key.replaceChildren(...(now ? now.legend.map((it) => h("span", {}, h("i", { class: `kx-k kx-k-${it.kind}`, "aria-hidden": "true" }, it.mark), it.text)) : []));
    if (now?.kinds?.length > 1) $.key.append(h("label", { class: "kx-pick" }, h("span", {}, "Control chart"),
      h("select", { "aria-label": "Control chart", onchange: (event) => { S.kind = event.target.value; paint(); say(`${event.target.selectedOptions[0].text} of ${S.kpi}`); } },
        now.kinds.map(([value, text]) => h("option", { value, selected: value === now.kind }, text)))));
    for (const made of [...$.take.children].slice(0, 4)) made.disabled = !$.plot.querySelector("svg");
    ring(); facts(); why();
    $.plot.dataset.view = name;
  }
  const at = () => (now && (S.point in now.places ? S.point : now.latest)) || "";
  function mark(id, name) {
    const svg = $.plot.querySelector("svg");
    svg?.querySelector(`.${name}`)?.remove();
    if (!svg || !now || !now.places[id]) return;
    const made = document.createElementNS("http://www.w3.org/2000/svg", "circle"), [x, y] = now.places[id];
    for (const [key, value] of Object.entries({ cx: x, cy: y, r: 10, class: name })) made.setAttribute(key, value);
    svg.append(made);
  }
  const ring = () => mark(at(), "kx-ring");
  const fact = (it) => [h("b", {}, it.title), ` ${it.figures} `, it.rating && h("span", { class: "kx-rated" }, shape(it.look || "not-rated"), ` ${it.rating}`)];
  function facts() {
    const it = now?.facts[at()];
    $.fact.parentElement.hidden = !it;
    $.fact.replaceChildren(...(it ? fact(it) : []));
  }
  function why() {
    const it = now?.facts[at()], list = (texts) => h("ul", {}, texts.map((text) => h("li", {}, text)));
    $.why.replaceChildren(...(now ? [list(now.notes), it && title(2, it.title), it && list([...it.more, ...it.remarks])].filter(Boolean) : []));
  }

  // Pointing

  function near(event) {
    const svg = event.target.closest("svg");
    if (!svg || !now || several()) return "";
    const spot = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    const far = ([x, y]) => Math.hypot(x - spot.x, 0.3 * (y - spot.y));
    const [id, place] = Object.entries(now.places).sort((a, b) => far(a[1]) - far(b[1]))[0] || [];
    return id && Math.abs(place[0] - spot.x) < 45 ? id : "";
  }
  function onMove(event) {
    const id = near(event), it = now?.facts[id];
    if (!it) { unhover(); return; }
    mark(id, "kx-hover");
    $.tip.replaceChildren(h("p", {}, ...fact(it).filter(Boolean)), h("p", {}, it.more[0] || ""));
    $.tip.hidden = false;
    const frame = root.getBoundingClientRect(), box = $.tip.getBoundingClientRect();
    const x = event.clientX - frame.left, y = event.clientY - frame.top;
    $.tip.style.left = `${Math.max(4, Math.min(x + 14, frame.width - box.width - 8))}px`;
    $.tip.style.top = `${y + 20 + box.height > frame.height ? y - box.height - 12 : y + 20}px`;
  }
  const unhover = () => { $.tip.hidden = true; $.plot.querySelector(".kx-hover")?.remove(); };
  const onPoint = (event) => { const id = near(event); if (id) setPoint(id); };

  // Taking away

  const stem = () => `${several() ? S.compare.join("-") : S.kpi}-${several() ? "side-by-side-" : ""}${S.view}-${D.quarter.replace(" ", "-")}`;
  const wrap = (text, most) => text.split(" ").reduce((lines, word) => {
    const end = lines.length - 1;
    if (`${lines[end]} ${word}`.length > most && lines[end]) lines.push(word); else lines[end] = `${lines[end]} ${word}`.trim();
    return lines;
  }, [""]);
  /** The whole picture: title, sentence, what is on screen, source and as-at. */
  function whole() {
    const one = kpi(S.kpi), drawn = [...$.plot.querySelectorAll("svg")], pictures = drawn.map((svg) => svg.cloneNode(true)), wide = several() ? 2 : 1;
    const text = [], line = (words, size, weight, colour, gap) => { for (const said of words) { at += size * gap; text.push([said, at, size, weight, colour]); } };
    let at = 12;
    line(wrap(several() ? S.compare.map((id) => `${id} ${kpi(id).short}`).join("; ") : `${one.name} (${one.id})`, 92), 21, "bold", "#0b0c0c", 1.25);
    line(wrap(several() ? `${viewTitle()}. ${D.directorate}, ${D.title}` : `${viewTitle()}. ${one.lead}${Object.keys(supposed).length ? " What if: not a fact." : ""}`, 135), 15, "normal", "#484f56", 1.35);
    const top = at + 14, boxes = pictures.map((svg) => svg.viewBox.baseVal), scale = (wide === 1 ? 1144 : 560) / boxes[0].width, tall = Math.max(...boxes.map((box) => box.height)) * scale;
    pictures.forEach((svg, n) => {
      svg.querySelectorAll(".kx-ring,.kx-hover").forEach((made) => made.remove());
      const y = top + Math.floor(n / wide) * (tall + 34) + (wide > 1 ? 26 : 0);
      const shown = wide > 1 && kpi(drawn[n].closest("figure").dataset.kpi);
      if (shown) text.push([`${shown.id}: ${shown.value}, ${shown.rating}`, y - 6, 15, "bold", "#0b0c0c", 28 + (n % wide) * 584]);
      for (const [key, value] of Object.entries({ x: 28 + (n % wide) * 584, y, width: boxes[n].width * scale, height: boxes[n].height * scale })) svg.setAttribute(key, value);
    });
    at = top + Math.ceil(pictures.length / wide) * (tall + (wide > 1 ? 34 : 0));
    const key = now ? now.legend.map((it) => `${it.mark} ${it.text}`).join("   ") : "";
    line([key, ...wrap(`Source: ${one.source || D.council}. ${D.as_at}`, 150)].filter(Boolean), 13, "normal", "#484f56", 1.5);
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg"), tall2 = Math.ceil(at + 18);
    for (const [name, value] of Object.entries({ viewBox: `0 0 1200 ${tall2}`, width: 1200, height: tall2, "font-family": 'Arial, "Liberation Sans", Helvetica, sans-serif' })) svg.setAttribute(name, value);
    const add = (tag, given, inside) => { const made = document.createElementNS(svg.namespaceURI, tag); for (const [k, v] of Object.entries(given)) made.setAttribute(k, v); if (inside) made.textContent = inside; svg.append(made); };
    add("rect", { width: 1200, height: tall2, fill: "#ffffff" });
    for (const [said, y, size, weight, fill, x] of text) add("text", { x: x || 28, y, "font-size": size, "font-weight": weight, fill }, said);
    svg.append(...pictures);
    return new XMLSerializer().serializeToString(svg);
  }
  function give(blob, name) {
    const link = h("a", { href: URL.createObjectURL(blob), download: name });
    root.append(link); link.click(); link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 5000);
    say(`${name} made`);
  }
  async function takePicture(kind) {
    const svg = whole();
    if (kind === "svg") { give(new Blob([svg], { type: "image/svg+xml" }), `${stem()}.svg`); return; }
    const image = new Image();
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
    await image.decode();
    const canvas = h("canvas", { width: image.width * 2, height: image.height * 2 });
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    canvas.toBlob((blob) => give(blob, `${stem()}.png`), "image/png");
  }
  async function tables() {
    const found = several() ? await beside() : [now];
    return [found[0].table.columns, ...found.flatMap((one) => one.table.rows)];
  }
  const safe = (cell) => (typeof cell === "string" && /^\s*[=+\-@\t\r＝＋]/.test(cell) ? `'${cell}` : cell);
  const takeCsv = async () => give(new Blob(["\ufeff", (await tables()).map((cells) => cells.map((cell) => `"${String(safe(cell)).replaceAll('"', '""')}"`).join(",")).join("\r\n"), "\r\n"], { type: "text/csv" }), `${stem()}.csv`);
  async function copy(text, what) {
    try { await navigator.clipboard.writeText(text); } catch { const box = h("textarea", {}, text); root.append(box); box.select(); document.execCommand("copy"); box.remove(); }
    say(`${what} copied`);
  }
  const copyFigures = async () => copy((await tables()).map((cells) => cells.map((cell) => String(safe(cell)).replace(/\s+/g, " ")).join("\t")).join("\n"), "The figures");
  const copyText = () => copy([...(several() ? S.compare : [S.kpi]).map((id) => `${kpi(id).name} (${id}). ${kpi(id).lead}`), ...(now ? now.notes : [])].join(" "), "The text");

  // Where it stands, for a link, a rerun, another view of the same

  function remember() {
    own = [`kpi=${encodeURIComponent(S.kpi)}`, `view=${S.view}`, S.point && `point=${encodeURIComponent(S.point)}`, several() && `compare=${S.compare.map(encodeURIComponent).join(",")}`].filter(Boolean).join("&");
    if (!following) host.remember(own);
  }
  function recall(text) {
    const given = Object.fromEntries(text.split("&").map((part) => part.split("=").map(decodeURIComponent)));
    S.view = D.views.some(([name]) => name === given.view) ? given.view : "trend";
    S.compare = (given.compare || "").split(",").filter(kpi);
    const there = D.kpis.find((one) => one.id.toLowerCase() === (given.kpi || "").toLowerCase());
    notice(given.kpi && !there ? `There is no ${D.words.kpi} ${given.kpi} here. Shown: ${D.kpis[0]?.id}, which matters most.` : D.note || "");
    if (D.kpis.length) choose(there ? there.id : D.kpis[0].id, { point: given.point, pane: Boolean(given.kpi) && host.link });
    filter(false);
  }
  function fit() {
    const room = host.room?.(root);
    root.style.height = room ? `${Math.max(480, room)}px` : "";
    const dark = document.body.dataset.jpThemeLight ? document.body.dataset.jpThemeLight === "false" : matchMedia("(prefers-color-scheme: dark)").matches;
    $.frame.classList.toggle("kx-dark", dark);
    $.frame.classList.toggle("kx-tall", root.clientHeight > 0 && root.clientWidth > 0);
  }
  root.classList.add("kx-root");
  build();
  let last = "";
  const watch = new ResizeObserver(() => { fit(); const one = size(); if (one !== last && last && S.kpi) draw(); last = one; });
  watch.observe(root);
  if (host.around) watch.observe(host.around(root));
  const theme = new MutationObserver(fit), system = matchMedia("(prefers-color-scheme: dark)");
  theme.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
  system.addEventListener("change", fit);
  if (host.first) cache().set(host.first.key, host.first);
  recall(host.chosen());
  host.hello?.().catch((error) => notice(`The last picture is shown. ${error.message}`));
  host.onBack?.(() => { notice(D.note || ""); draw(); paintTab(); }); // an answer came late: what was asked meanwhile is asked again
  host.onData?.(() => { // of another directorate the KPIs are others: the view stays, which KPI it was is no longer asked
    const before = D.directorate;
    D = host.data();
    build();
    recall(D.directorate === before ? own : own.replace(/^kpi=[^&]*&/, ""));
  });
  host.onChosen?.((text) => { // by another view of the same explorer, which is not told back; or by the address
    const [, id] = /kpi=([^&]*)/.exec(text) || [];
    if (text === own || (host.choose && !kpi(decodeURIComponent(id || "")))) return;
    following = true;
    try { recall(text); } finally { following = false; }
  });
  return () => { watch.disconnect(); theme.disconnect(); system.removeEventListener("change", fit); };
}

/** In a notebook: what is asked goes to Python and is answered by its number. */
function render({ model, el }) {
  const open = new Map(), me = Math.random().toString(36).slice(2); // two views of one explorer hear each other's answers
  let number = 0, gone = false, back = () => {};
  const ask = (what) => new Promise((answered, failed) => {
    const mine = `${me} ${++number}`;
    if (gone) { failed(new Error(GONE)); return; }
    const timer = setTimeout(() => { open.delete(mine); gone = true; failed(new Error(GONE)); }, { read: 120_000, hello: 8_000 }[what.ask] || 20_000);
    open.set(mine, (said) => { clearTimeout(timer); if (said.error) failed(new Error(said.error)); else answered(said); });
    try { model.send({ number: mine, ...what }); } catch { clearTimeout(timer); gone = true; failed(new Error(GONE)); }
  });
  const heard = (said) => {
    const late = gone && said.number.startsWith(me);
    gone = false;
    open.get(said.number)?.(said);
    open.delete(said.number);
    if (late) back();
  };
  model.on("msg:custom", heard);
  const panel = (root) => root.closest(".jp-LinkedOutputView, .jp-WindowedPanel-outer, .jp-Notebook");
  const end = start(el, {
    seen: (view) => { model.set("shown", view); model.save_changes(); }, ask, hello: () => ask({ ask: "hello" }), choose: true, tabs: ["why", "what", "write"], data: () => model.get("data"), chosen: () => model.get("chosen"), first: model.get("shown"),
    remember: (text) => { if (model.get("chosen") !== text) { model.set("chosen", text); model.save_changes(); } },
    onBack: (does) => { back = does; }, onData: (does) => model.on("change:data", does), onChosen: (does) => model.on("change:chosen", () => does(model.get("chosen"))),
    around: (root) => panel(root) || document.body, room: (root) => (panel(root)?.clientHeight || window.innerHeight) - (panel(root)?.matches(".jp-LinkedOutputView") ? 22 : 60),
  });
  return () => { end(); model.off("msg:custom", heard); };
}
export default { render };
