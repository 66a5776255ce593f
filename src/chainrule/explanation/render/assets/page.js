"use strict";
(() => {
  const page = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);
  const views = new Map(page.views.map((view) => [view.key, view]));
  const root = page.views[0].key;
  // Where in the steps each value is computed, and where its gradient is.
  const at = { forward: new Map(), backward: new Map() };
  page.steps.forEach(([phase, key], k) => at[phase].set(key, k));
  const state = { step: 0, view: "", zoom: 0, timer: 0, chosen: "" };

  const element = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name === "html") made.innerHTML = value;
      else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else made.setAttribute(name, value);
    }
    made.append(...children);
    return made;
  };

  // --- The graph -------------------------------------------------------------------------------
  // The smallest part that shows a value itself, found by descending from the whole.
  const viewOf = (key) => {
    let view = views.get(root);
    for (;;) {
      const member = view.inside[key];
      if (member === undefined || member === key || !views.has(member)) return view.key;
      view = views.get(member);
    }
  };

  const open = (key) => {
    if (state.view === key) return;
    state.view = key;
    const view = views.get(key);
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" class="cr-graph" role="group"
      aria-label="${key === root ? "Computation graph" : "Part of the computation graph"}"
      viewBox="0 0 ${view.width} ${view.height}">${view.body}</svg>`;
    $("canvas").innerHTML = svg;
    for (const node of $("canvas").querySelectorAll(".node")) {
      node.setAttribute("tabindex", "0");
      node.setAttribute("role", "button");
      node.querySelector("title").remove();
    }
    const crumbs = [];
    for (let here = view; here; here = views.get(here.parent)) crumbs.unshift(here);
    $("crumbs").replaceChildren(...(crumbs.length < 2 ? [] : crumbs).flatMap((part, k) => {
      const button = element("button", { type: "button", onclick: () => { open(part.key); mark(); } }, part.label);
      if (part.key === key) button.setAttribute("aria-current", "true");
      return k ? ["›", button] : [button];
    }));
    fit();
  };

  const resize = () => {
    const svg = $("canvas").firstElementChild;
    const view = views.get(state.view);
    svg.setAttribute("width", view.width * state.zoom);
    svg.setAttribute("height", view.height * state.zoom);
  };
  const fit = () => {
    const view = views.get(state.view);
    const room = $("canvas").clientWidth - 20;
    // As wide as there is room, but never so small that nothing can be read.
    state.zoom = Math.min(1.15, Math.max(room / view.width, 0.62));
    resize();
  };
  const zoom = (factor) => { state.zoom = Math.min(3, Math.max(0.15, state.zoom * factor)); resize(); };

  // Mark on the graph what has been computed, what returned, and where we are.
  const mark = () => {
    const svg = $("canvas").firstElementChild;
    const view = views.get(state.view);
    const [phase, current] = page.steps[state.step];
    svg.classList.toggle("going-back", phase === "backward");
    const done = new Map();
    for (const [key, member] of Object.entries(view.inside)) {
      const seen = page.values[key].operation ? at.forward.get(key) <= state.step : true;
      const returned = at.backward.has(key) && at.backward.get(key) <= state.step;
      const both = done.get(member) || [false, false];
      done.set(member, [both[0] || seen, both[1] || returned]);
    }
    const now = view.inside[current] ?? current;
    for (const node of svg.querySelectorAll(".node")) {
      const [seen, returned] = done.get(node.dataset.key) || [true, false];
      node.classList.toggle("ahead", !seen);
      node.classList.toggle("returned", returned);
      node.classList.toggle("now", node.dataset.key === now);
    }
    for (const line of svg.querySelectorAll(".edge, .arrow")) {
      const end = phase === "forward" ? line.dataset.to : line.dataset.from;
      line.classList.toggle("live", end === now);
    }
    const node = svg.querySelector(".node.now");
    if (node) reveal(node);
  };

  // Scroll the canvas only, and only as far as needed.
  const reveal = (node) => {
    const canvas = $("canvas");
    const box = node.getBoundingClientRect(), frame = canvas.getBoundingClientRect();
    if (box.top < frame.top + 20 || box.bottom > frame.bottom - 20)
      canvas.scrollTop += (box.top + box.bottom) / 2 - (frame.top + frame.bottom) / 2;
    if (box.left < frame.left + 10 || box.right > frame.right - 10)
      canvas.scrollLeft += (box.left + box.right) / 2 - (frame.left + frame.right) / 2;
  };

  // --- One value -------------------------------------------------------------------------------
  const equation = (left, right, note = "", kind = "", classes = "") => {
    const row = element("div", { class: `equation ${classes}` });
    row.append(element("span", { html: `${left}<math><mo>=</mo></math>${right}` }));
    if (kind) row.append(element("span", { class: "kind" }, kind));
    if (note) row.append(element("span", { class: "note", html: note }));
    return row;
  };

  const heat = (numbers, label) => {
    const { cells, strength, every } = numbers;
    const columns = cells.length ? cells[0].length : 0;
    const tiny = columns > 8;
    const caption = element("p", { class: "caption" });
    const parts = [];
    if (numbers.norm !== undefined) parts.push(`norm ${numbers.norm}`, `from ${numbers.range[0]} to ${numbers.range[1]}`);
    if (every.length) parts.push(`shown: every ${every[0]} × ${every[1]} entries`);
    const rest = parts.join(" · ");
    caption.textContent = rest;
    const table = element("table", { class: tiny ? "heat tiny" : "heat", "aria-label": label });
    cells.forEach((row, i) => {
      const line = element("tr");
      row.forEach((text, j) => {
        const s = strength[i][j];
        const cell = element("td", {}, text);
        if (s) cell.style.background = `rgba(var(--${s > 0 ? "warm" : "cold"}), ${0.08 + 0.6 * Math.abs(s)})`;
        cell.dataset.place = `row ${i * (every[0] || 1)}, column ${j * (every[1] || 1)}: ${text}`;
        line.append(cell);
      });
      table.append(line);
    });
    table.addEventListener("mouseover", (event) => { caption.textContent = event.target.dataset.place || rest; });
    table.addEventListener("mouseleave", () => { caption.textContent = rest; });
    return element("div", {}, element("div", { class: "scroll" }, table), caption);
  };

  const forwardPart = (value) => {
    const part = element("div");
    if (value.formula) part.append(equation(value.symbol, value.formula, "", "", "first"));
    else if (!value.operation) part.append(element("p", { class: "about" }, value.role === "constant" ? "a constant" : "a leaf: its gradient is wanted"));
    else part.append(element("p", { class: "about" }, `${value.operation}: no readable formula`));
    part.append(heat(value.heat, `Values of ${value.name}`));
    return part;
  };

  const backwardPart = (value) => {
    const g = value.gradient, part = element("div");
    let left = g.symbol;
    const add = (...rest) => { part.append(equation(left, ...rest)); left = ""; };
    if (g.meaning) add(g.meaning, "", "", "first");
    g.forms.forEach((form, k) => add(form.formula, form.note, form.kind, left ? "first" : "indent"));
    if (g.terms.length) {
      part.append(element("div", { class: "equation", html: `<span>${left}</span><span class="note">${left ? "is the sum" : "and the sum"} over ${g.terms.length} paths:</span>` }));
      for (const term of g.terms) {
        const row = element("div", { class: "equation indent" });
        row.append(element("span", { html: term.formula || "" }), element("span", { class: "note" }, `${term.note ? term.note + ", " : ""}through ${term.through}`));
        part.append(row);
      }
    }
    if (g.note) part.append(element("p", { class: "about" }, g.note));
    part.append(heat(g.heat, `Gradient ${g.name}`));
    return part;
  };

  const links = (title, keys) => {
    const known = keys.filter((key) => page.values[key]);
    if (!known.length) return [];
    const row = element("div", { class: "links" });
    for (const key of known) row.append(element("button", { type: "button", onclick: () => choose(key) }, page.values[key].name));
    return [element("h3", {}, title), row];
  };

  const show = () => {
    const [phase, key] = page.steps[state.step];
    const shown = state.chosen || key;
    const value = page.values[shown];
    const detail = $("detail");
    const head = [
      element("p", { class: `phase ${phase}` }, state.chosen ? "chosen" : `${phase} pass`),
      element("h2", { html: `${value.symbol} <span class="about">${value.size}</span>` }),
    ];
    if (value.part) head.push(element("p", { class: "about" }, value.part));
    if (value.place) {
      const line = element("p", { class: "about" }, `${value.place} `);
      if (value.line) line.append(element("code", {}, value.line));
      head.push(line);
    }
    const forward = forwardPart(value);
    const blocks = [];
    if (value.gradient && (phase === "backward" || state.chosen)) {
      const backward = backwardPart(value);
      if (!state.chosen) backward.className = "now-backward";
      blocks.push(element("h3", {}, "Gradient"), backward);
      for (const { operation, formulas } of value.gradient.rules) {
        const rule = element("div");
        for (const text of formulas) rule.append(element("div", { class: "equation", html: `<span>${text}</span>` }));
        blocks.push(element("details", { class: "about" }, element("summary", {}, `the rule of ${operation}, in general`), rule));
      }
      blocks.push(element("h3", {}, "Value"), forward);
    } else {
      if (!state.chosen) forward.className = "now-forward";
      blocks.push(element("h3", {}, "Value"), forward);
    }
    blocks.push(...links("Made from", value.inputs));
    blocks.push(...links("Used in", users.get(shown) || []));
    detail.replaceChildren(...head, ...blocks);
    detail.parentElement.scrollTop = 0;
  };

  const users = new Map();
  for (const [key, value] of Object.entries(page.values))
    for (const input of value.inputs) users.set(input, [...(users.get(input) || []), key]);

  // --- Steps -----------------------------------------------------------------------------------
  const go = (step, announce = true) => {
    state.step = Math.min(Math.max(step, 0), page.steps.length - 1);
    state.chosen = "";
    const [phase, key] = page.steps[state.step];
    open(viewOf(key));
    mark();
    show();
    const count = page.steps.filter((s) => s[0] === phase).length;
    const number = phase === "forward" ? state.step + 1 : state.step + 1 - at.forward.size;
    $("where").textContent = `${phase} ${number} of ${count}`;
    $("slider").value = state.step;
    $("slider").setAttribute("aria-valuetext", `${phase} pass, ${page.values[key].name}`);
    document.querySelector(".player").classList.toggle("back", phase === "backward");
    $("back").disabled = $("first").disabled = state.step === 0;
    $("next").disabled = $("last").disabled = state.step === page.steps.length - 1;
    const name = phase === "forward" ? page.values[key].name : page.values[key].gradient.name;
    if (announce) $("said").textContent = `${phase} pass: ${name}`;
  };

  // A click on a value: its step in the pass that is being played; constants have no step.
  const choose = (key) => {
    pause();
    if (views.has(key)) { open(key); mark(); return; }
    const [phase] = page.steps[state.step];
    const step = at[phase].get(key) ?? at.backward.get(key) ?? at.forward.get(key);
    if (step !== undefined) { go(step); return; }
    state.chosen = key;
    open(viewOf(key));
    mark();
    show();
    $("said").textContent = page.values[key].name;
  };

  const pause = () => {
    clearInterval(state.timer);
    state.timer = 0;
    $("play").setAttribute("aria-pressed", "false");
    $("play").textContent = "play";
  };
  const play = () => {
    if (state.timer) { pause(); return; }
    if (state.step === page.steps.length - 1) go(0);
    $("play").setAttribute("aria-pressed", "true");
    $("play").textContent = "stop";
    state.timer = setInterval(() => {
      if (state.step === page.steps.length - 1) pause(); else go(state.step + 1, false);
    }, 1400);
  };
  const jump = (step) => { pause(); go(step); };
  const up = () => {
    const parent = views.get(state.view).parent;
    if (parent) { open(parent); mark(); }
  };

  // --- Overview and print ----------------------------------------------------------------------
  const overview = () => {
    const parts = [];
    if (page.deltas.length > 1) {
      const top = Math.max(...page.deltas.map((d) => d.rms)) || 1;
      const bars = element("div", { class: "bars" });
      for (const delta of page.deltas) {
        const bar = element(delta.rms > 0 ? "i" : "span");
        if (delta.rms > 0) bar.style.width = `${(100 * delta.rms) / top}%`;
        bars.append(element("span", { html: delta.name }), element("span", {}, `norm ${delta.norm}`), bar);
      }
      parts.push(element("h3", {}, "Deltas, layer by layer (root mean square)"), bars);
    }
    if (page.observations.length) {
      const list = element("ul", { class: "seen" });
      for (const o of page.observations) {
        const item = element("li", { class: o.level }, element("span", {}, `${o.text} ${o.advice}`));
        list.append(item);
      }
      parts.push(element("h3", {}, "Worth noticing"), list);
    }
    parts.push(element("p", { class: "about" }, "Keys: ← and → step, Home and End jump, Space plays, Escape leaves a part of the network, + and − zoom."));
    $("overview").replaceChildren(...parts);
    if (page.observations.some((o) => o.level !== "note")) $("more").open = true;
  };

  const print = () => {
    const paper = $("paper");
    if (paper.childElementCount) return;
    paper.append(element("h2", {}, "Forward pass"));
    let phase = "forward";
    for (const [now, key] of page.steps) {
      if (now !== phase) { paper.append(element("h2", {}, "Backward pass")); phase = now; }
      const value = page.values[key];
      paper.append(element("div", { class: "entry" }, now === "forward" ? forwardPart(value) : backwardPart(value)));
    }
  };

  // --- Hover -----------------------------------------------------------------------------------
  const hover = (event) => {
    const node = event.target.closest?.(".node");
    const value = node && page.values[node.dataset.key];
    if (!value) { $("card").hidden = true; return; }
    const card = $("card");
    const lines = [element("p", { html: value.formula ? `${value.symbol}<math><mo>=</mo></math>${value.formula}` : `${value.symbol} <span class="about">${value.role}</span>` })];
    const summary = (h) => (h.norm === undefined ? h.cells[0]?.[0] ?? "empty" : `norm ${h.norm}, from ${h.range[0]} to ${h.range[1]}`);
    lines.push(element("p", { class: "forward" }, `${value.size} · ${summary(value.heat)}`));
    if (value.gradient) {
      const best = value.gradient.forms[0];
      lines.push(element("p", { html: best ? `${value.gradient.symbol}<math><mo>=</mo></math>${best.formula}` : value.gradient.symbol }));
      lines.push(element("p", { class: "backward" }, summary(value.gradient.heat)));
    }
    card.replaceChildren(...lines);
    card.hidden = false;
    const box = node.getBoundingClientRect(), own = card.getBoundingClientRect();
    const left = box.right + 10 + own.width > innerWidth ? box.left - own.width - 10 : box.right + 10;
    card.style.left = `${Math.min(Math.max(left, 6), innerWidth - own.width - 6)}px`;
    card.style.top = `${Math.min(Math.max(box.top, 6), innerHeight - own.height - 6)}px`;
  };

  // --- Wiring ----------------------------------------------------------------------------------
  const root_ = document.documentElement;
  root_.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  $("theme").addEventListener("click", () => { root_.dataset.theme = root_.dataset.theme === "dark" ? "light" : "dark"; });
  $("slider").max = page.steps.length - 1;
  $("slider").addEventListener("input", () => jump(Number($("slider").value)));
  $("first").addEventListener("click", () => jump(0));
  $("last").addEventListener("click", () => jump(page.steps.length - 1));
  $("next").addEventListener("click", () => jump(state.step + 1));
  $("back").addEventListener("click", () => jump(state.step - 1));
  $("play").addEventListener("click", play);
  $("in").addEventListener("click", () => zoom(1.25));
  $("out").addEventListener("click", () => zoom(0.8));
  $("fit").addEventListener("click", fit);
  $("canvas").addEventListener("click", (event) => {
    const node = event.target.closest(".node");
    if (node) choose(node.dataset.key);
  });
  $("canvas").addEventListener("mouseover", hover);
  $("canvas").addEventListener("mouseleave", () => { $("card").hidden = true; });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const node = event.target.closest?.(".node");
    if (node && (event.key === "Enter" || event.key === " ")) { event.preventDefault(); choose(node.dataset.key); return; }
    if (event.target.closest?.("button, input, summary") && (event.key === " " || event.key === "Enter" || event.target.type === "range")) return;
    const keys = {
      ArrowRight: () => jump(state.step + 1), ArrowLeft: () => jump(state.step - 1),
      Home: () => jump(0), End: () => jump(page.steps.length - 1),
      " ": play, Escape: up, "+": () => zoom(1.25), "-": () => zoom(0.8),
    };
    if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
  });
  addEventListener("beforeprint", print);
  addEventListener("resize", () => { fit(); mark(); });
  overview();
  const start = page.focus ? at.backward.get(page.focus) : 0;
  go(start ?? 0, false);
  // A large net is first seen as a whole; the first step opens its part.
  if (!page.focus && page.views.length > 1) { open(root); mark(); }
})();
