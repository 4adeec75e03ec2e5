"use strict";
// Shared by all pages: data files, theme, sortable tables, the convention switch, copying and saving.
const Report = (() => {
  const values = new Map();
  const pending = new Map();

  /** Called by data files. */
  function put(key, value) { values.set(key, value); }

  /** Loads a data file once (as a script: pages opened from disk may not fetch) and gives its value. */
  function load(file, key) {
    if (values.has(key)) return Promise.resolve(values.get(key));
    if (!pending.has(file)) {
      pending.set(file, new Promise((resolve, reject) => {
        const script = document.createElement("script");
        script.src = file;
        script.onload = () => resolve(values.get(key));
        script.onerror = () => reject(new Error(`${file} is missing; build the report again`));
        document.head.append(script);
      }));
    }
    return pending.get(file);
  }

  /** Lets go of a large value; it is loaded again when needed. */
  function forget(file, key) { values.delete(key); pending.delete(file); }

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

  // ---- convention ----
  let convention = null;
  const listeners = [];
  // task pages have ways of scoring of their own, which must not be mixed up with metric conventions
  const conventionKey = () => `ivif-bench-convention ${[...document.body.classList].find((name) => name.startsWith("task-")) ?? ""}`;
  function remembered() {
    try { return localStorage.getItem(conventionKey()); } catch { return null; }
  }
  function chooseConvention(name) {
    convention = name;
    try { localStorage.setItem(conventionKey(), name); } catch { /* not kept */ }
    for (const block of document.querySelectorAll("[data-convention]")) {
      block.hidden = block.dataset.convention !== name;
    }
    for (const button of document.querySelectorAll("[data-choose-convention]")) {
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
      button.addEventListener("click", () => chooseConvention(button.dataset.chooseConvention));
    }
    const names = [...new Set([...document.querySelectorAll("[data-convention]")].map((block) => block.dataset.convention))];
    if (names.length) chooseConvention(names.includes(remembered()) ? remembered() : names[0]);
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

  return { put, load, forget, site, scores, pictures, address, make, svg, format, viewerLink, save, announce, onConvention };
})();
