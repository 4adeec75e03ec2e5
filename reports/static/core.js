"use strict";
// Shared by all pages: data files, theme, sortable tables, the convention switch, copying and saving.
const Report = (() => {
  const values = new Map();
  const pending = new Map();

  /** Called by data files. */
  function put(key, value) { values.set(key, value); }

  /** Loads a data file once (as a script: pages opened from disk may not fetch) and gives its value.
   *  One that is not there is named on the page, unless the caller does that. */
  function load(file, key, lost = sayLost) {
    if (values.has(key)) return Promise.resolve(values.get(key));
    if (!pending.has(file)) {
      pending.set(file, new Promise((resolve, reject) => {
        const script = document.createElement("script");
        script.src = file;
        script.onload = () => resolve(values.get(key));
        script.onerror = () => { lost(file); reject(new Error(`not found: ${file}`)); };
        document.head.append(script);
      }));
    }
    return pending.get(file);
  }

  /** Lets go of a large value; it is loaded again when needed. */
  function forget(file, key) { if (pending.delete(file)) values.delete(key); }

  function sayLost(file) {
    document.getElementById("main").prepend(make("p", { class: "warning", role: "alert" }, "not found: ", make("code", {}, file),
      "; it belongs beside this page: copy it too, or build the report again"));
  }

  const site = () => load("data/site.js", "site");
  const scores = (dataset, convention) =>
    load(`data/scores-${dataset.slug}-${convention.slug}.js`, `scores/${dataset.name}/${convention.name}`);
  const pictures = (dataset) => load(`data/pictures-${dataset.slug}.js`, `pictures/${dataset.name}`);

  /** The address of a picture of the pair with this index, null if there is none. */
  function address(entry, dataset, index) {
    if (!entry) return null;
    if (Object.hasOwn(entry.odd, index)) return entry.odd[index];
    return entry.before + encodeURIComponent(dataset.pairs[index]) + entry.after;
  }

  /** Makes an element; text is always text. */
  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value === null || value === undefined || value === false) continue;
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (name === "class") element.className = value;
      else element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children.filter((child) => child !== null && child !== undefined));
    return element;
  }

  const SVG = "http://www.w3.org/2000/svg";
  function svg(tag, attributes = {}, ...children) {
    const element = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (value !== null && value !== undefined) element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  }

  function format(value, digits) {
    return value === null || value === undefined ? "–" : value.toFixed(digits).replace("-", "−");
  }

  function viewerLink(dataset, pair, methods = []) {
    const parts = [`d=${encodeURIComponent(dataset)}`, `p=${encodeURIComponent(pair)}`];
    for (const method of methods) parts.push(`m=${encodeURIComponent(method)}`);
    return `viewer.html#${parts.join("&")}`;
  }

  function save(name, content, type) {
    const blob = content instanceof Blob ? content : new Blob([content], { type });
    const link = make("a", { href: URL.createObjectURL(blob), download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  }

  /** Says something to people who do not see the change. */
  function announce(text) {
    let area = document.getElementById("announcer");
    if (!area) {
      area = make("div", { id: "announcer", class: "sr", role: "status", "aria-live": "polite" });
      document.body.append(area);
    }
    area.textContent = text;
  }

  // ---- what a reader chose, kept in the address ----
  const state = {
    query() { return new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : ""); },
    get(key) { return this.query().get(key); },
    list(key) { return this.query().getAll(key); },
    set(values) {
      const query = this.query();
      for (const [key, value] of Object.entries(values)) {
        query.delete(key);
        for (const one of [value].flat()) if (one) query.append(key, one);
      }
      const text = query.toString();
      history.replaceState(null, "", text ? `#${text}` : location.href.split("#")[0]);
    },
  };

  // ---- one's own method ----
  const owners = [];
  let chosenOwn = state.get("own") ?? document.documentElement.dataset.own ?? "";
  const own = () => chosenOwn;
  function setOwn(label) {
    chosenOwn = label;
    state.set({ own: label });
    for (const listener of owners) listener(label);
  }
  /** Calls back now and whenever another method is marked. */
  function onOwn(listener) { owners.push(listener); listener(chosenOwn); }
  /** The mark goes along to the other pages of the report. */
  function carryOwn(event) {
    const link = event.target.closest?.("a[href]");
    const [page, hash = ""] = (link?.getAttribute("href") ?? "").split("#");
    if (!/^[^/:]+\.html$/.test(page) || (hash && !hash.includes("="))) return;
    const query = new URLSearchParams(hash);
    if (chosenOwn) query.set("own", chosenOwn); else query.delete("own");
    const text = query.toString();
    link.setAttribute("href", text ? `${page}#${text}` : page);
  }
  document.addEventListener("click", carryOwn, true);
  document.addEventListener("auxclick", carryOwn, true);

  // ---- pictures that are not there ----
  /** An image that cannot be loaded is named instead of shown as a hole. */
  function missing(event) {
    const image = event.target;
    if (!(image instanceof HTMLImageElement) || image.dataset.missing !== undefined) return;
    image.dataset.missing = "";
    const address = image.getAttribute("src") ?? "";
    const name = address.startsWith("data:") ? image.alt || "image" : decodeURIComponent(address).replace(/^(\.\.\/)+/, "");
    const text = make("span", { class: "not-found", role: "img", "aria-label": `not found: ${name}` }, "not found: ", make("code", {}, name));
    image.after(text);
    image.hidden = true;
  }
  document.addEventListener("error", missing, true);

  // ---- long lists, a page at a time ----
  function paged(list) {
    const items = [...list.children];
    const size = Number(list.dataset.paged);
    if (items.length <= size) return;
    const last = Math.ceil(items.length / size) - 1;
    let at = 0;
    const text = make("span", { class: "muted", role: "status" });
    const go = (to) => {
      at = Math.min(last, Math.max(0, to));
      items.forEach((item, index) => { item.hidden = Math.floor(index / size) !== at; });
      const end = Math.min(items.length, (at + 1) * size);
      text.textContent = `${at * size + 1}${end > at * size + 1 ? ` to ${end}` : ""} of ${items.length}`;
      before.disabled = at === 0;
      after.disabled = at === last;
    };
    const before = make("button", { type: "button", onclick: () => go(at - 1) }, "‹ Before");
    const after = make("button", { type: "button", onclick: () => go(at + 1) }, "Next ›");
    const bar = make("div", { class: "pager" }, before, text, after);
    if (items.every((item) => item.dataset.title)) {
      const select = make("select", { "aria-label": list.dataset.label ?? "Go to", onchange: () => go(Math.floor(select.selectedIndex / size)) },
        ...items.map((item) => make("option", {}, item.dataset.title)));
      bar.append(select);
      const shown = go;
      before.addEventListener("click", () => { select.selectedIndex = at * size; });
      after.addEventListener("click", () => { select.selectedIndex = at * size; });
      const wanted = items.findIndex((item) => item.dataset.key === state.get(list.dataset.state ?? ""));
      if (wanted >= 0) { select.selectedIndex = wanted; shown(Math.floor(wanted / size)); }
      select.addEventListener("change", () => { if (list.dataset.state) state.set({ [list.dataset.state]: items[select.selectedIndex].dataset.key }); });
    }
    list.before(bar);
    go(at);
  }

  // ---- sections of which one is shown at a time ----
  function choices(list) {
    const sections = [...list.children].filter((one) => one.dataset.choice);
    if (sections.length < 2) return;
    const groups = [...new Set(sections.map((one) => one.dataset.group))];
    const select = make("select", { "aria-label": list.dataset.label, onchange: () => show(sections.find((one) => one.dataset.group === select.value)) },
      ...groups.map((group) => make("option", { value: group }, group)));
    const buttons = make("span", { class: "switch", role: "group", "aria-label": "Which number" });
    function show(chosen, keep = true) {
      for (const one of sections) one.hidden = one !== chosen;
      select.value = chosen.dataset.group;
      buttons.replaceChildren(...sections.filter((one) => one.dataset.group === chosen.dataset.group).map((one) =>
        make("button", { type: "button", "aria-pressed": String(one === chosen), onclick: (event) => {
          const at = [...buttons.children].indexOf(event.target);
          show(one);
          buttons.children[at]?.focus();
        } }, one.dataset.choice)));
      if (keep) state.set({ g: chosen.dataset.group, i: chosen.dataset.choice });
    }
    list.before(make("div", { class: "controls" }, make("label", {}, "Show ", select), buttons));
    const [group, item] = [state.get("g"), state.get("i")];
    show(sections.find((one) => one.dataset.group === group && one.dataset.choice === item)
      ?? sections.find((one) => one.dataset.group === group) ?? sections[0], false);
  }

  // ---- convention ----
  let convention = null;
  const listeners = [];
  // task pages have ways of scoring of their own, which must not be mixed up with metric conventions
  // a scope is a page, or one of the pages of a single file
  const scopes = () => { const pages = [...document.querySelectorAll("[data-page]")]; return pages.length ? pages : [document.body]; };
  const conventionKey = (scope) => `ivif-bench-convention ${[...scope.classList].find((name) => name.startsWith("task-")) ?? ""}`;
  function remembered(scope) {
    if (state.get("c")) return state.get("c");
    try { return localStorage.getItem(conventionKey(scope)); } catch { return null; }
  }
  function chooseConvention(name, scope) {
    convention = name;
    try { localStorage.setItem(conventionKey(scope), name); } catch { /* not kept */ }
    for (const block of scope.querySelectorAll("[data-convention]")) {
      block.hidden = block.dataset.convention !== name;
    }
    for (const button of scope.querySelectorAll("[data-choose-convention]")) {
      button.setAttribute("aria-pressed", String(button.dataset.chooseConvention === name));
    }
    for (const listener of listeners) listener(name);
  }
  function onConvention(listener) {
    listeners.push(listener);
    if (convention) listener(convention);
  }

  // ---- tables ----
  function cellValue(row, column) {
    const cell = row.cells[column];
    return cell.dataset.value ?? cell.textContent.trim();
  }
  function sortTable(table, column, button) {
    const head = button.closest("th");
    const kind = button.dataset.sort;
    const first = kind === "higher" ? "descending" : "ascending";
    const other = first === "ascending" ? "descending" : "ascending";
    const order = head.getAttribute("aria-sort") === first ? other : first;
    for (const one of table.tHead.querySelectorAll("th")) one.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", order);
    const sign = order === "ascending" ? 1 : -1;
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => [row, cellValue(row, column)]);
    rows.sort(([, one], [, two]) => {
      if (kind === "text") return sign * one.localeCompare(two, undefined, { numeric: true });
      if (one === "" || two === "") return (one === "") - (two === ""); // empty ones stay last
      return sign * (Number(one) - Number(two));
    });
    body.append(...rows.map(([row]) => row));
    announce(`Sorted by ${head.textContent.trim()}, ${order}`);
  }

  function start() {
    for (const table of document.querySelectorAll("table[data-sortable]")) {
      for (const button of table.tHead.querySelectorAll("button[data-sort]")) {
        button.addEventListener("click", () => sortTable(table, button.closest("th").cellIndex, button));
      }
    }
    const buttons = [...document.querySelectorAll("[data-choose-convention]")];
    for (const button of buttons) {
      button.addEventListener("click", () => {
        chooseConvention(button.dataset.chooseConvention, button.closest("[data-page]") ?? document.body);
        state.set({ c: button.dataset.chooseConvention });
      });
    }
    for (const scope of scopes()) {
      const names = [...new Set([...scope.querySelectorAll("[data-convention]")].map((block) => block.dataset.convention))];
      if (names.length) chooseConvention(names.includes(remembered(scope)) ? remembered(scope) : names[0], scope);
    }
    for (const button of document.querySelectorAll("[data-copy]")) {
      button.addEventListener("click", async () => {
        const area = button.closest(".form").querySelector("textarea");
        area.select();
        let done = false;
        try { await navigator.clipboard.writeText(area.value); done = true; } catch { done = document.execCommand("copy"); }
        button.textContent = done ? "Copied" : "Press Ctrl+C";
        setTimeout(() => { button.textContent = "Copy"; }, 2000);
      });
    }
    for (const button of document.querySelectorAll("[data-save]")) {
      button.addEventListener("click", () =>
        save(button.dataset.save, button.closest(".form").querySelector("textarea").value, "text/plain;charset=utf-8"));
    }
    for (const button of document.querySelectorAll("[data-view]")) {
      button.addEventListener("click", () => {
        const section = button.closest("section");
        for (const one of section.querySelectorAll("[data-view]")) one.setAttribute("aria-pressed", String(one === button));
        for (const image of section.querySelectorAll("[data-shows]")) image.hidden = image.dataset.shows !== button.dataset.view;
      });
    }
    for (const list of document.querySelectorAll("[data-choices]")) choices(list);
    for (const list of document.querySelectorAll("[data-paged]")) paged(list);
    document.querySelector("[data-theme-button]")?.addEventListener("click", () => {
      const root = document.documentElement;
      const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
      root.dataset.theme = dark ? "light" : "dark";
      try { localStorage.setItem("ivif-bench-theme", root.dataset.theme); } catch { /* not kept */ }
    });
    document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();

  return { put, load, forget, site, scores, pictures, address, make, svg, format, viewerLink, save, announce, onConvention, state, own,
    setOwn, onOwn };
})();
