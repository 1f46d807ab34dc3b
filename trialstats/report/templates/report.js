"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const panel = byId("panel"), body = byId("panel-body");
  const FOLLOWED = "[data-row],[data-given]";
  const SHOWN = 12;

  const element = (tag, text, attributes) => {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    Object.entries(attributes || {}).forEach(([k, v]) => made.setAttribute(k, v));
    return made;
  };

  // The rows are read when the first number is followed.
  let data = null, places = null;
  const rowsOf = (ids) => {
    if (!data) {
      data = JSON.parse(byId("rows").textContent);
      places = new Map();
      Object.entries(data.sets).forEach(([kind, set]) => {
        const key = set.columns.row_id;
        key.i.forEach((value, at) => {
          const id = key.v[value - 1];
          if (!places.has(id)) places.set(id, [kind, at]);
        });
      });
    }
    return ids.map((id) => [id, places.get(id)]);
  };

  const definition = (list, term, text, code) => {
    list.append(element("dt", term));
    const told = element("dd");
    told.append(element(code ? "code" : "span", text));
    list.append(told);
  };

  const origin = (at) => {
    const from = data.origins[at], list = element("dl", undefined, { class: "from" });
    if (from.rule) definition(list, "Rule", from.rule, true);
    if (from.script) definition(list, "Script", from.script, true);
    if (from.parquet) definition(list, "File", from.parquet, true);
    const box = element("div");
    box.append(list);
    if (from.files.length) {
      const files = element("details"), listed = element("dl", undefined, { class: "mono" });
      files.append(element("summary", `Files as received, with SHA-256 (${from.files.length})`));
      from.files.forEach((n) => definition(listed, data.files[n][0], data.files[n][1]));
      files.append(listed);
      if (from.files.length <= 6) files.open = true;
      box.append(files);
    }
    return box;
  };

  const row = (id, place, columns) => {
    const box = element("section");
    box.append(element("h3", id, { class: "mono" }));
    if (!place) {
      box.append(element("p", "This row is not on the page."));
      return box;
    }
    const [kind, at] = place, set = data.sets[kind];
    const value = (name) => {
      const column = set.columns[name];
      return column && column.i[at] ? column.v[column.i[at] - 1] : null;
    };
    columns.forEach((name) => {
      if (value(name) === null) return;
      const line = element("p", `${set.labels[name] || name}, as stored: `);
      line.append(element("code", String(value(name))));
      box.append(line);
    });
    const method = value("method");
    if (method) box.append(element("p", method, { class: "method-words" }));
    if (value("scale") === "log") {
      box.append(element("p", "The estimate and its limits are stored as natural logarithms and printed as ratios."));
    }
    const table = element("table"), rows = element("tbody");
    table.append(element("caption", "The row, every column"));
    Object.keys(set.columns).forEach((name) => {
      const line = element("tr", undefined, columns.has(name) ? { class: "printed" } : {});
      const head = element("th", set.labels[name] || name, { scope: "row" });
      head.append(element("br"), element("code", name));
      const told = value(name);
      line.append(head, element("td", told === null ? "none" : String(told), told === null ? { class: "none" } : {}));
      rows.append(line);
    });
    table.append(rows);
    box.append(origin(set.origin[at]), table);
    return box;
  };

  let returnTo = null;
  const close = () => {
    if (panel.hidden) return;
    panel.hidden = true;
    document.documentElement.classList.remove("followed");
    if (returnTo && returnTo.isConnected) returnTo.focus({ preventScroll: true });
    returnTo = null;
  };

  // A number says its column, what is around it says the rows, or the other way round.
  const follow = (target) => {
    const holder = target.closest(FOLLOWED);
    if (!holder) return;
    const inner = target.closest("[data-column]");
    const exact = inner && holder.contains(inner) ? inner : null;
    const columns = new Set(
      (exact ? [exact] : [...holder.querySelectorAll("[data-column]")]).map((e) => e.dataset.column)
    );
    const printed = (exact || holder).textContent.trim().replace(/\s+/g, " ");
    body.replaceChildren();
    if (printed) body.append(element("p", printed.length > 300 ? `${printed.slice(0, 300)}…` : printed, { class: "quoted" }));
    if (holder.dataset.row) {
      const found = rowsOf(holder.dataset.row.split(" "));
      found.slice(0, SHOWN).forEach(([id, place]) => body.append(row(id, place, columns)));
      if (found.length > SHOWN) {
        const more = element("button", `Show the other ${found.length - SHOWN} rows`, { type: "button" });
        more.addEventListener("click", () => {
          more.replaceWith(...found.slice(SHOWN).map(([id, place]) => row(id, place, columns)));
        });
        body.append(more);
      }
    } else {
      body.append(element("p", holder.dataset.given));
    }
    returnTo = focusable(holder);
    panel.hidden = false;
    panel.scrollTop = 0;
    document.documentElement.classList.add("followed");
    panel.focus({ preventScroll: true });
  };

  // One stop of the keyboard for each cell, sentence or mark; inner ones add none.
  const outermost = (e) => !e.parentElement.closest(FOLLOWED);
  const focusable = (e) => {
    let found = e;
    while (!outermost(found)) found = found.parentElement.closest(FOLLOWED);
    return found;
  };
  const reach = (root) => {
    root.querySelectorAll(FOLLOWED).forEach((e) => {
      if (outermost(e) && !e.closest("a[href]")) e.setAttribute("tabindex", "0");
    });
  };

  const acts = (e) => e.target.closest("a[href],button,input,label")
    || (e.target.closest("summary") && !e.target.closest(FOLLOWED));
  document.addEventListener("click", (event) => {
    if (!(event.target instanceof Element) || panel.contains(event.target) || acts(event)) return;
    // Who selects text to copy it does not follow a number.
    if (event.detail && !window.getSelection().isCollapsed) return;
    follow(event.target);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      close();
    } else if (event.key === "Enter" && event.target instanceof Element && !panel.contains(event.target)
      && !acts(event) && event.target.matches(FOLLOWED)) {
      event.preventDefault();
      follow(event.target);
    }
  });
  byId("close").addEventListener("click", close);

  // Light or dark: what the screen prefers, until a reader chooses.
  const root = document.documentElement, theme = byId("theme"), KEY = "trialstats-theme";
  const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : prefersDark.matches);
  const tell = () => theme.setAttribute("aria-pressed", String(isDark()));
  try {
    const kept = window.localStorage.getItem(KEY);
    if (kept === "dark" || kept === "light") root.dataset.theme = kept;
  } catch { /* a page from a file may have no storage */ }
  theme.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try { window.localStorage.setItem(KEY, root.dataset.theme); } catch { /* not kept */ }
    tell();
  });
  prefersDark.addEventListener("change", tell);
  tell();

  // Contents: beside the page where it is wide, behind a button where it is narrow.
  const menu = document.querySelector(".menu"), wide = window.matchMedia("(min-width: 72rem)");
  const fit = () => { menu.open = wide.matches; };
  wide.addEventListener("change", fit);
  fit();
  menu.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest("a[href]") && !wide.matches) menu.open = false;
  });

  // Search: every heading, caption, sentence and row of a table, under its heading.
  const search = byId("search"), results = byId("results"), found = byId("found"), MOST = 40;
  let index = null;
  const build = () => {
    index = [];
    let heading = "";
    byId("content").querySelectorAll("h2,h3,h4,caption,figcaption,p,li,dd,tr,summary,svg text").forEach((e) => {
      const text = (e.tagName === "TR" ? [...e.cells].map((c) => c.textContent).join(" ") : e.textContent).replace(/\s+/g, " ").trim();
      const head = /^H\d$/.test(e.tagName);
      if (head) heading = text;
      if (text) index.push({ e, text, low: text.toLowerCase(), heading: head ? "" : heading, head });
    });
  };
  const look = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    results.replaceChildren();
    found.textContent = "";
    if (!words.length || words.join("").length < 2) return;
    if (!index) build();
    const hits = index.filter((one) => words.every((word) => one.low.includes(word)));
    hits.sort((a, b) => b.head - a.head);
    found.textContent = hits.length > MOST ? `${hits.length} places, the first ${MOST}` : `${hits.length} ${hits.length === 1 ? "place" : "places"}`;
    hits.slice(0, MOST).forEach((one) => {
      const at = Math.max(0, one.low.indexOf(words[0]) - 30);
      const piece = `${at ? "…" : ""}${one.text.slice(at, at + 110)}${one.text.length > at + 110 ? "…" : ""}`;
      const item = element("li"), go = element("button", one.heading ? `${one.heading}: ${piece}` : piece, { type: "button" });
      go.addEventListener("click", () => {
        for (let e = one.e.closest("details"); e; e = e.parentElement.closest("details")) e.open = true;
        if (!wide.matches) menu.open = false;
        one.e.scrollIntoView({ block: "center" });
        document.querySelectorAll(".hit").forEach((e) => e.classList.remove("hit"));
        one.e.classList.add("hit");
        if (!one.e.hasAttribute("tabindex")) one.e.setAttribute("tabindex", "-1");
        one.e.focus({ preventScroll: true });
      });
      item.append(go);
      results.append(item);
    });
  };
  let waiting = 0;
  search.addEventListener("input", () => {
    window.clearTimeout(waiting);
    waiting = window.setTimeout(look, 120);
  });

  // A link or an address into a folded part opens it.
  const open = () => {
    const at = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let e = at && at.closest("details"); e; e = e.parentElement.closest("details")) e.open = true;
  };
  window.addEventListener("hashchange", open);
  open();

  // What is folded is printed too.
  let folded = [];
  window.addEventListener("beforeprint", () => {
    close();
    folded = [...document.querySelectorAll("details:not([open])")];
    folded.forEach((e) => { e.open = true; });
  });
  window.addEventListener("afterprint", () => folded.forEach((e) => { e.open = false; }));

  // Blocks out of sight are laid out once the page stands, so that it opens at once; on
  // very long pages they wait until a reader comes near.
  const blocks = document.querySelectorAll(".block"), LONG = 600;
  window.addEventListener("load", () => {
    if (blocks.length <= LONG) blocks.forEach((e) => e.classList.add("laid"));
  });

  reach(document);
  document.querySelectorAll(".tools,.hint").forEach((e) => { e.hidden = false; });
  root.classList.add("scripted");
})();
