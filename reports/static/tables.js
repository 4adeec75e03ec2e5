"use strict";
// Tables of methods: as many columns as fit, a chooser for the others, a filter of methods, and one's own method marked.
// What a reader chose is in the address after #, so that a view can be sent to someone.
(() => {
  const { make } = Report;
  const LEVELS = ["", "tight", "tighter", "tightest"];
  const NARROW = 700; // below this many pixels a table is scrolled, its first and leading columns staying in sight

  const tables = () => [...document.querySelectorAll(".scroll:not(.tall) > table")];
  const heads = (table) => [...table.tHead.rows[0].cells];
  const nameOf = (head) => head.dataset.column;
  const chosen = { off: new Set(Report.state.list("off")), on: new Set(Report.state.list("on")) };

  function showColumn(table, index, shown) {
    for (const row of table.rows) if (row.cells[index]) row.cells[index].hidden = !shown;
  }

  /** Shrinks a table step by step until nothing of it is cut, then lets go of columns from the end. */
  function fit(table) {
    const box = table.closest(".scroll");
    if (!box.clientWidth) return;
    table.classList.remove(...LEVELS.filter(Boolean), "scrolled");
    const all = heads(table);
    all.forEach((head, index) => showColumn(table, index, !chosen.off.has(nameOf(head))));
    const cut = () => box.scrollWidth > box.clientWidth;
    const shrink = (levels) => levels.some((level) => { if (level) table.classList.add(level); return !cut(); });
    if (!shrink(LEVELS.slice(0, 2))) {
      document.documentElement.classList.add("wide"); // stays: a page that grew and shrank would jump
      table.classList.remove("tight");
      shrink(LEVELS);
    }
    if (box.clientWidth >= NARROW) {
      const rest = all.filter((head) => nameOf(head) && !head.hidden && !("headline" in head.dataset) && !chosen.on.has(nameOf(head)));
      while (cut() && rest.length) showColumn(table, rest.pop().cellIndex, false);
    } else table.classList.remove(...LEVELS.filter(Boolean));
    stick(table, box, cut());
    const shown = all.filter((head) => nameOf(head) && !head.hidden).length;
    const total = all.filter(nameOf).length;
    const menu = table.columnMenu;
    if (menu) {
      menu.firstChild.textContent = `Columns ${shown} of ${total}`;
      for (const input of menu.querySelectorAll("input")) input.checked = !all.find((head) => nameOf(head) === input.value).hidden;
    }
  }

  /** Where a table is still wider than its frame, its first column and the leading ones stay in sight. */
  function stick(table, box, wide) {
    for (const cell of table.querySelectorAll(".stuck")) { cell.classList.remove("stuck"); cell.style.left = cell.style.right = ""; }
    table.classList.toggle("scrolled", wide);
    if (!wide) return;
    let left = table.tHead.rows[0].cells[0].offsetWidth;
    for (const head of heads(table).filter((one) => "headline" in one.dataset && !one.hidden)) {
      if (left + head.offsetWidth > box.clientWidth * 0.6) break;
      for (const row of table.rows) {
        const cell = row.cells[head.cellIndex];
        cell.classList.add("stuck");
        cell.style.left = `${left}px`;
        cell.style.right = "0";
      }
      left += head.offsetWidth;
    }
  }

  function columnMenu(table) {
    const named = heads(table).filter(nameOf);
    if (named.length < 2) return;
    const toggle = (name, on) => {
      chosen.off.delete(name);
      chosen.on.delete(name);
      chosen[on ? "on" : "off"].add(name);
      Report.state.set({ off: [...chosen.off], on: [...chosen.on] });
      tables().forEach(fit);
    };
    const menu = make("details", { class: "columns-menu" }, make("summary", {}, "Columns"),
      make("div", {}, ...named.map((head) => make("label", {}, make("input", { type: "checkbox", value: nameOf(head), checked: true,
        onchange: (event) => toggle(nameOf(head), event.target.checked) }), ` ${nameOf(head)}`)),
      make("button", { type: "button", onclick: () => {
        chosen.off.clear(); chosen.on.clear();
        Report.state.set({ off: [], on: [] });
        tables().forEach(fit);
      } }, "As many as fit")));
    table.columnMenu = menu;
    table.closest(".scroll").before(menu);
    document.addEventListener("click", (event) => { if (!menu.contains(event.target)) menu.open = false; });
    menu.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { menu.open = false; menu.firstChild.focus(); }
    });
  }

  const rows = () => [...document.querySelectorAll("tr[data-method]")];
  const titleOf = (row) => row.cells[0].dataset.value || row.cells[0].textContent.trim();

  function filter(text) {
    const words = text.toLowerCase().split(/[\s,]+/).filter(Boolean);
    for (const row of rows()) {
      const name = `${titleOf(row)} ${row.dataset.method}`.toLowerCase();
      row.hidden = words.length > 0 && !words.some((word) => name.includes(word)) && row.dataset.method !== Report.own();
    }
    tables().forEach(fit);
  }

  /** The rows of exported text of the marked method, and of the one that was marked before. */
  function markExports(before, now) {
    for (const panel of document.querySelectorAll("details.export[data-names]")) {
      const names = JSON.parse(panel.dataset.names);
      for (const area of panel.querySelectorAll("textarea[data-form]")) {
        const swap = (label, from, to) => {
          const pair = names[label]?.[area.dataset.form];
          if (!pair) return;
          area.value = area.value.split("\n").map((line) =>
            (line.startsWith(pair[from]) ? pair[to] + line.slice(pair[from].length) : line)).join("\n");
          area.defaultValue = area.value;
        };
        if (before) swap(before, 1, 0);
        if (now) swap(now, 0, 1);
      }
    }
  }

  function tools() {
    const places = [...document.querySelectorAll("[data-table-tools]")];
    const search = make("input", { type: "search", placeholder: "Filter methods", "aria-label": "Filter methods by name", value: Report.state.get("q") ?? "",
      oninput: () => { Report.state.set({ q: search.value }); filter(search.value); } });
    const found = new Map(rows().map((row) => [row.dataset.method, titleOf(row)]));
    const select = make("select", { "aria-label": "Mark a method", onchange: () => Report.setOwn(select.value) },
      make("option", { value: "" }, "Mark a method"), ...[...found].map(([label, title]) => make("option", { value: label }, title)));
    places[0]?.append(search, select, make("span", { class: "muted" }, "A click on a row marks it too."));
    Report.onOwn((now) => { select.value = found.has(now) ? now : ""; });
    if (search.value) filter(search.value);
  }

  function start() {
    for (const table of tables()) {
      columnMenu(table);
      table.addEventListener("click", (event) => {
        const row = event.target.closest("tr[data-method]");
        if (row && !event.target.closest("a, button, input")) Report.setOwn(Report.own() === row.dataset.method ? "" : row.dataset.method);
      });
    }
    let before = document.documentElement.dataset.own ?? "";
    tools();
    Report.onOwn((now) => {
      for (const row of rows()) row.classList.toggle("own", row.dataset.method === now);
      markExports(before, now);
      before = now;
    });
    const observer = new ResizeObserver((entries) => {
      for (const { target } of entries) for (const table of target.querySelectorAll("table")) fit(table);
    });
    for (const table of tables()) { fit(table); observer.observe(table.closest(".scroll")); }
    /** A table that a script has made. */
    Report.adopt = (table) => { columnMenu(table); fit(table); observer.observe(table.closest(".scroll")); };
    document.fonts?.ready.then(() => tables().forEach(fit));
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
