"use strict";
// The pair viewer: all methods side by side with one zoom, a wipe, difference and overlay, and two zoom boxes.
// Everything that it shows is in the address after #, so that a view can be sent to someone.
(() => {
  const { make, svg } = Report;
  const MODES = { grid: "Side by side", wipe: "Wipe", difference: "Difference", overlay: "IR + visible" };
  const BOXES = { r: "red", g: "green" };
  const MAX_ZOOM = 40;
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
  const short = (value) => String(Math.round(value * 10000) / 10000);

  class Viewer {
    constructor(root, site) {
      this.root = root;
      this.site = site;
      this.methods = new Map(site.methods.map((method) => [method.label, method]));
      this.titles = new Map([["@ir", "Infrared"], ["@vis", "Visible"], ...site.methods.map((one) => [one.label, one.title])]);
      this.state = { dataset: null, pair: 0, mode: "grid", shown: null, a: "@vis", b: null, zoom: { s: 1, x: 0.5, y: 0.5 },
        r: null, g: null, split: 0.5, gain: 4, metric: null, convention: null };
      this.tool = "pan";
      this.build();
    }

    // ---- address ----
    readAddress() {
      const query = new URLSearchParams(location.hash.slice(1));
      const state = this.state;
      const numbers = (key) => (query.get(key) ?? "").split(",").map(Number);
      const dataset = this.site.datasets.find((one) => one.name === query.get("d")) ?? this.site.datasets[0];
      state.dataset = dataset;
      state.pair = Math.max(0, dataset.pairs.indexOf(query.get("p")));
      state.mode = query.get("v") in MODES ? query.get("v") : "grid";
      const wanted = query.getAll("m").filter((label) => this.titles.has(label));
      state.shown = wanted.length ? new Set(["@ir", "@vis", ...wanted]) : null;
      if (query.has("only") && wanted.length) state.shown = new Set(wanted);
      state.a = this.titles.has(query.get("a")) ? query.get("a") : "@vis";
      state.b = this.titles.has(query.get("b")) ? query.get("b") : null;
      const [s, x, y] = numbers("z");
      state.zoom = s >= 1 && s <= MAX_ZOOM && [x, y].every((n) => n >= 0 && n <= 1) ? { s, x, y } : { s: 1, x: 0.5, y: 0.5 };
      for (const key of Object.keys(BOXES)) {
        const [bx, by, w, h] = numbers(key);
        const fits = [bx, by, w, h].every((n) => n >= 0 && n <= 1) && w > 0 && h > 0 && bx + w <= 1.0001 && by + h <= 1.0001;
        state[key] = fits ? { x: bx, y: by, w, h } : null;
      }
      const split = Number(query.get("w"));
      state.split = query.has("w") && split >= 0 && split <= 1 ? split : 0.5;
      state.convention = dataset.conventions.find((one) => one.name === query.get("c")) ?? dataset.conventions[0] ?? null;
      state.metric = query.get("k");
    }

    address() {
      const state = this.state;
      const query = new URLSearchParams();
      if (Report.state.get("page")) query.set("page", "viewer.html");
      query.set("d", state.dataset.name);
      query.set("p", state.dataset.pairs[state.pair]);
      if (state.mode !== "grid") query.set("v", state.mode);
      if (state.shown) {
        const sources = ["@ir", "@vis"].every((key) => state.shown.has(key));
        if (!sources) query.set("only", "1");
        for (const label of state.shown) if (!sources || !label.startsWith("@")) query.append("m", label);
      }
      if (state.mode === "wipe" || state.mode === "difference") {
        query.set("a", state.a);
        if (state.b) query.set("b", state.b);
        if (state.mode === "wipe" && state.split !== 0.5) query.set("w", short(state.split));
      }
      const { s, x, y } = state.zoom;
      if (s > 1) query.set("z", [s, x, y].map(short).join(","));
      for (const key of Object.keys(BOXES)) {
        const box = state[key];
        if (box) query.set(key, [box.x, box.y, box.w, box.h].map(short).join(","));
      }
      if (state.convention && state.convention !== state.dataset.conventions[0]) query.set("c", state.convention.name);
      if (Report.own()) query.set("own", Report.own());
      return `#${query}`;
    }

    keepAddress() {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => (Report.state.get("page") ?? "viewer.html") === "viewer.html" && history.replaceState(null, "", this.address()), 150);
    }

    // ---- page ----
    build() {
      const button = (text, onclick, extra = {}) => make("button", { type: "button", onclick, ...extra }, text);
      this.datasetSelect = make("select", { "aria-label": "Data set", onchange: () => this.go(this.datasetSelect.value, 0) },
        ...this.site.datasets.map((one) => make("option", { value: one.name }, one.title)));
      this.pairSelect = make("select", { "aria-label": "Pair", class: "pair", onchange: () => this.move(this.pairSelect.selectedIndex - this.state.pair) });
      this.modes = make("span", { class: "group", role: "group", "aria-label": "How images are shown" },
        ...Object.entries(MODES).map(([mode, text]) => button(text, () => this.setMode(mode), { "data-mode": mode })));
      this.tools = make("span", { class: "group", role: "group", "aria-label": "Zoom boxes" },
        ...Object.entries(BOXES).map(([key, name]) => button(make("span", {}, make("i", { class: `swatch ${name}` }), ` ${name} box`),
          () => this.setTool(this.tool === key ? "pan" : key), { "data-tool": key, "aria-pressed": "false", title: `Drag on an image to place the ${name} box (${key})` })),
        this.clear = button("Clear", () => { this.state.r = this.state.g = null; this.setTool("pan"); this.refresh(); }, { title: "Remove both boxes" }));
      this.a = make("select", { "aria-label": "First image", onchange: () => { this.state.a = this.a.value; this.draw(); } });
      this.b = make("select", { "aria-label": "Second image", onchange: () => { this.state.b = this.b.value; this.draw(); } });
      this.split = make("input", { type: "range", min: "0", max: "1", step: "0.005", "aria-label": "Position of the wipe",
        oninput: () => { this.state.split = Number(this.split.value); this.place(); } });
      this.gain = make("input", { type: "range", min: "1", max: "16", step: "1", "aria-label": "Amplification of the difference",
        oninput: () => { this.state.gain = Number(this.gain.value); this.draw(); } });
      this.duoControls = make("span", { class: "links duo-controls" }, this.a, button("⇄", () => this.swap(), { "aria-label": "Exchange the two images (x)" }), this.b, this.split,
        this.gainLabel = make("label", { class: "links" }, "×", this.gain));
      this.chips = make("div", { class: "chips", role: "group", "aria-label": "Images shown" });
      this.zoomText = make("output", { class: "muted zoom-text" });
      this.menu = make("details", { class: "menu" }, make("summary", {}, "Figure"),
        make("div", {},
          button("Save PNG", () => this.exportFigure("png"), { "data-export": "png" }),
          button("Save SVG", () => this.exportFigure("svg"), { "data-export": "svg" }),
          button("Print or PDF", () => this.exportFigure("print"), { "data-export": "print" }),
          button("Copy address", () => this.copyAddress(), { "data-export": "address" }),
          make("p", { class: "muted" }, "The images shown, whole, with the boxes and their enlargements.")));
      this.stage = make("div", { class: "stage" });
      this.message = make("p", { class: "warning", hidden: true, role: "alert" });
      this.scores = make("div", { class: "pair-scores" });
      this.root.append(
        make("div", { class: "toolbar" },
          make("span", { class: "group" }, this.datasetSelect),
          make("span", { class: "group" }, button("‹", () => this.move(-1), { "aria-label": "Previous pair (left arrow)", "data-step": "-1" }), this.pairSelect,
            button("›", () => this.move(1), { "aria-label": "Next pair (right arrow)", "data-step": "1" })),
          this.modes, this.tools,
          make("span", { class: "group" }, button("Fit", () => this.fit(), { title: "Show whole images (f)", "data-fit": "" }), this.zoomText),
          make("span", { class: "group" }, this.menu, button("?", () => this.help.showModal(), { "aria-label": "Keyboard help" }))),
        this.duoControls, this.chips, this.message, this.stage, this.scores, this.help = this.helpDialog());
      addEventListener("keydown", (event) => this.key(event));
      addEventListener("hashchange", () => { this.readAddress(); this.open(); });
      addEventListener("resize", () => this.layout());
      Report.onOwn(() => this.pictures && this.draw());
      document.addEventListener("click", (event) => { if (!this.menu.contains(event.target)) this.menu.open = false; });
    }

    helpDialog() {
      const keys = [["← →", "previous, next pair"], ["1 2 3 4", "side by side, wipe, difference, overlay"], ["+ −", "zoom"],
        ["Shift + arrows", "move the zoomed image"], ["f", "fit"], ["r g", "red, green box: then drag, or move it with the arrows (Alt: resize)"],
        ["Esc", "leave the box tool"], ["x", "exchange the two images"], ["mouse wheel, pinch", "zoom at the pointer"], ["drag", "move"]];
      const dialog = make("dialog", {}, make("h2", {}, "Keys"),
        make("dl", { class: "facts" }, ...keys.map(([key, text]) => make("div", {}, make("dt", {}, key), make("dd", {}, text)))),
        make("button", { type: "button", onclick: () => dialog.close() }, "Close"));
      return dialog;
    }

    async start() {
      this.readAddress();
      await this.open();
    }

    go(dataset, pair) {
      this.state.dataset = this.site.datasets.find((one) => one.name === dataset);
      this.state.pair = pair;
      this.state.convention = this.state.dataset.conventions[0] ?? null;
      return this.open();
    }

    move(step) {
      const count = this.state.dataset.pairs.length;
      this.state.pair = (this.state.pair + step + count) % count;
      return this.open();
    }

    async open() {
      const { dataset } = this.state;
      const { pair } = this.state;
      this.pictures = await Report.pictures(dataset);
      const carried = this.site.pixels ? await this.loadCarried(dataset, dataset.pairs[pair]) : null;
      if (dataset !== this.state.dataset || pair !== this.state.pair) return; // the reader has gone on
      this.carried = carried;
      if (this.filled !== dataset) {
        this.datasetSelect.value = dataset.name;
        this.pairSelect.replaceChildren(...dataset.pairs.map((pair) => make("option", {}, pair)));
        this.filled = dataset;
      }
      this.pairSelect.selectedIndex = this.state.pair;
      document.title = `${dataset.pairs[this.state.pair] ?? "no pair"} · ${dataset.title} · ivif-bench`;
      this.draw();
      await this.drawScores();
    }

    /** The images of a pair where the report carries them; the last few pairs are kept. */
    async loadCarried(dataset, pair) {
      const place = [`pixels/${dataset.slug}/${dataset.slugs[pair] ?? pair}.js`, `pixels/${dataset.name}/${pair}`];
      let images;
      try { images = await Report.load(...place, () => {}); } catch { return { absent: place[0] }; }
      this.kept = [...(this.kept ?? []).filter(([file]) => file !== place[0]), place];
      while (this.kept.length > 6) Report.forget(...this.kept.shift());
      return images;
    }

    available() {
      const order = ["@ir", "@vis", ...this.methods.keys()];
      return order.map((key) => ({ key, title: this.titles.get(key), url: this.urlOf(key) })).filter(({ url }) => url);
    }

    /** Null if there is no such image; the address of nothing if there should be one, so that it is named as missing. */
    urlOf(key) {
      const { dataset, pair } = this.state;
      const { carried } = this;
      if (!carried) return Report.address(this.pictures.images[key], dataset, pair);
      if (carried.absent) return Report.address(this.pictures.thumbs[key], dataset, pair) && carried.absent;
      return carried[key] ?? (carried.keys.includes(key) ? "data:," : null);
    }

    shownCells() {
      return this.available().filter(({ key }) => !this.state.shown || this.state.shown.has(key));
    }

    setMode(mode) {
      this.state.mode = mode;
      this.draw();
    }

    setTool(tool) {
      this.tool = tool;
      for (const button of this.tools.querySelectorAll("[data-tool]")) button.setAttribute("aria-pressed", String(button.dataset.tool === tool));
      this.stage.classList.toggle("drawing", tool !== "pan");
      if (tool !== "pan") Report.announce(`${BOXES[tool]} box: drag on an image, or move it with the arrow keys`);
    }

    toggle(key) {
      const shown = this.state.shown ?? new Set(this.available().map((one) => one.key));
      if (shown.has(key)) shown.delete(key); else shown.add(key);
      this.state.shown = shown.size === 0 || this.available().every((one) => shown.has(one.key)) ? null : shown;
      this.draw();
      [...this.chips.querySelectorAll("button")].find((button) => button.dataset.key === key)?.focus();
    }

    swap() {
      [this.state.a, this.state.b] = [this.b.value, this.a.value];
      this.draw();
    }

    draw() {
      const { state } = this;
      const all = this.available();
      for (const button of this.modes.children) button.setAttribute("aria-pressed", String(button.dataset.mode === state.mode));
      const duo = state.mode === "wipe" || state.mode === "difference";
      this.duoControls.hidden = !duo;
      this.split.hidden = state.mode !== "wipe";
      this.gainLabel.hidden = state.mode !== "difference";
      this.chips.hidden = state.mode !== "grid";
      this.say(all.length ? "" : "No image of this pair is on disk.");
      this.chips.replaceChildren(...all.map(({ key, title }) => make("button", { type: "button", "data-key": key,
        "aria-pressed": String(!state.shown || state.shown.has(key)), onclick: () => this.toggle(key) }, title)));
      this.tiles = [];
      if (state.mode === "grid") this.drawGrid(this.shownCells());
      else this.drawPairwise(all);
      this.layout();
      this.keepAddress();
    }

    say(text) {
      this.message.textContent = text;
      this.message.hidden = !text;
    }

    frame(key, images, title) {
      const layer = make("div", { class: "layer" }, ...images);
      const marks = svg("svg", { class: "marks", "aria-hidden": "true", viewBox: "0 0 1 1", preserveAspectRatio: "none" });
      layer.append(marks);
      const view = make("div", { class: "view" }, layer);
      const insets = make("div", { class: "insets" });
      const tile = make("figure", { class: key === Report.own() ? "tile own" : "tile", "data-key": key }, view, insets, make("figcaption", {}, title));
      const entry = { key, tile, view, layer, marks, insets, images };
      this.listen(entry);
      this.tiles.push(entry);
      return tile;
    }

    image(cell, extra = {}) {
      const image = make("img", { src: cell.url, alt: `${cell.title}, pair ${this.state.dataset.pairs[this.state.pair]}`, draggable: "false", ...extra });
      image.addEventListener("load", () => {
        if (image.naturalWidth) { this.size = { width: image.naturalWidth, height: image.naturalHeight }; this.layout(); }
      }, { once: true });
      return image;
    }

    drawGrid(cells) {
      this.stage.className = "stage grid";
      this.stage.replaceChildren(...cells.map((cell) => {
        const method = this.methods.get(cell.key);
        const caption = method ? make("a", { href: method.page }, cell.title) : make("span", {}, cell.title);
        return this.frame(cell.key, [this.image(cell)], caption);
      }));
      if (this.tool !== "pan") this.stage.classList.add("drawing");
    }

    drawPairwise(all) {
      const { state } = this;
      const keys = all.map(({ key }) => key);
      if (state.mode === "overlay") [this.first, this.second] = ["@vis", "@ir"].map((key) => all.find((one) => one.key === key));
      else {
        if (!keys.includes(state.a)) state.a = keys[0];
        if (!keys.includes(state.b) || state.b === null) {
          state.b = [...(state.shown ?? [])].find((key) => !key.startsWith("@") && keys.includes(key))
            ?? keys.find((key) => !key.startsWith("@") && !this.methods.get(key).reference) ?? keys[1] ?? keys[0];
        }
        const options = (chosen) => all.map(({ key, title }) => make("option", { value: key, selected: key === chosen }, title));
        this.a.replaceChildren(...options(state.a));
        this.b.replaceChildren(...options(state.b));
        [this.first, this.second] = [state.a, state.b].map((key) => all.find((one) => one.key === key));
      }
      this.stage.className = `stage duo ${state.mode}`;
      if (!this.first || !this.second) {
        this.stage.replaceChildren();
        this.say("This view needs two images; one of them is not on disk.");
        return;
      }
      const images = [this.image(this.first, { class: "under" }), this.image(this.second, { class: "over" })];
      const caption = { wipe: `${this.first.title} | ${this.second.title}`,
        difference: `|${this.first.title} − ${this.second.title}|, ×${state.gain}`,
        overlay: "Infrared in red, visible in cyan; grey where both agree" }[state.mode];
      this.stage.replaceChildren(this.frame("duo", images, caption));
      const entry = this.tiles[0];
      if (state.mode === "wipe") {
        entry.handle = make("div", { class: "handle", "aria-hidden": "true" });
        entry.view.append(entry.handle);
        this.split.value = state.split;
      }
      if (state.mode === "difference") { this.gain.value = state.gain; entry.view.style.filter = `brightness(${state.gain})`; }
      if (this.tool !== "pan") this.stage.classList.add("drawing");
    }

    // ---- geometry ----
    layout() {
      if (!this.tiles?.length) return;
      const size = this.size ?? { width: 4, height: 3 };
      const ratio = size.height / size.width;
      const room = this.stage.clientWidth;
      const height = Math.max(260, innerHeight - this.stage.getBoundingClientRect().top - scrollY - 16);
      const count = this.tiles.length;
      const caption = 26; // pixels
      if (this.state.mode !== "grid") {
        const width = Math.min(room, (height - caption) / ratio);
        this.stage.style.setProperty("--tile", `${Math.floor(width)}px`);
      } else {
        const least = room < 500 ? (room - 8) / 2 : 190;
        let best = 0;
        for (let columns = 1; columns <= count; columns += 1) {
          const rows = Math.ceil(count / columns);
          const extra = this.insetHeight(100, ratio) / 100;
          const width = Math.min((room - 8 * (columns - 1)) / columns, (height / rows - caption - 12) / (ratio + extra));
          best = Math.max(best, width);
        }
        const most = Math.max(1, Math.min(count, Math.floor((room + 8) / (Math.max(best, Math.min(least, room)) + 8))));
        const columns = Math.ceil(count / Math.ceil(count / most)); // rows of equal length, as far as it goes
        const fill = Math.min((room - 8 * (columns - 1)) / columns, Math.max(best, least));
        this.stage.style.setProperty("--columns", columns);
        this.stage.style.setProperty("--tile", `${Math.floor(Math.max(120, Math.min(fill, room)))}px`);
      }
      this.stage.style.setProperty("--ratio", `${size.width} / ${size.height}`);
      this.place();
    }

    /** Height of the enlargements: all alike, together as wide as the image, never taller than it. */
    insetHeight(width, ratio) {
      const boxes = this.state.mode !== "grid" ? [] : Object.keys(BOXES).map((key) => this.state[key]).filter(Boolean);
      const widths = boxes.reduce((sum, box) => sum + box.w / (ratio * box.h), 0);
      return widths ? Math.min((width - 4 * (boxes.length - 1)) / widths, width * ratio) : 0;
    }

    refresh() {
      this.place();
      this.keepAddress();
    }

    /** Puts zoom, boxes, enlargements and the wipe where the state says. */
    place() {
      const { zoom, mode, split } = this.state;
      this.zoomText.textContent = zoom.s > 1 ? `${Math.round(zoom.s * 100)} %` : "";
      for (const entry of this.tiles) {
        const width = entry.view.clientWidth;
        const height = entry.view.clientHeight;
        entry.layer.style.transform = `translate(${width / 2 - zoom.x * width * zoom.s}px, ${height / 2 - zoom.y * height * zoom.s}px) scale(${zoom.s})`;
        entry.view.classList.toggle("zoomed", zoom.s > 1);
        entry.layer.classList.toggle("pixels", width * zoom.s > 2.5 * (this.size?.width ?? Infinity));
        if (mode === "wipe" && entry.handle) {
          entry.handle.style.left = `${split * 100}%`;
          const inImage = clamp((split - 0.5) / zoom.s + zoom.x, 0, 1);
          entry.images[1].style.clipPath = `inset(0 0 0 ${inImage * 100}%)`;
        }
        this.placeBoxes(entry, width);
      }
      if (mode === "wipe") this.split.value = split;
    }

    placeBoxes(entry, width) {
      const { zoom } = this.state;
      entry.marks.replaceChildren(...Object.keys(BOXES).filter((key) => this.state[key]).map((key) => {
        const box = this.state[key];
        return svg("rect", { x: box.x, y: box.y, width: box.w, height: box.h, class: `box ${BOXES[key]}`, "vector-effect": "non-scaling-stroke" });
      }));
      entry.marks.style.setProperty("--line", `${2 / zoom.s}px`);
      const keys = this.state.mode === "grid" ? Object.keys(BOXES).filter((key) => this.state[key]) : [];
      const ratio = (this.size?.height ?? 3) / (this.size?.width ?? 4);
      const shapes = keys.map((key) => ratio * this.state[key].h / this.state[key].w);
      const tall = this.insetHeight(width, ratio);
      entry.insets.replaceChildren(...keys.map((key, index) => {
        const box = this.state[key];
        const shownWidth = tall / shapes[index];
        const shownHeight = tall;
        const scale = shownWidth / box.w;
        const copy = make("img", { src: entry.images[0].src, alt: "", class: "pixels" });
        Object.assign(copy.style, { width: `${scale}px`, height: `${scale * ratio}px`,
          transform: `translate(${-box.x * scale}px, ${-box.y * scale * ratio}px)` });
        const inset = make("div", { class: `inset ${BOXES[key]}` }, copy);
        Object.assign(inset.style, { width: `${shownWidth}px`, height: `${shownHeight}px` });
        return inset;
      }));
    }

    fit() {
      this.state.zoom = { s: 1, x: 0.5, y: 0.5 };
      this.refresh();
    }

    zoomBy(factor, at = { x: 0.5, y: 0.5 }) {
      const { zoom } = this.state;
      const s = clamp(zoom.s * factor, 1, MAX_ZOOM);
      // the image point under `at` (in parts of the frame) stays where it is
      const x = zoom.x + (at.x - 0.5) * (1 / zoom.s - 1 / s);
      const y = zoom.y + (at.y - 0.5) * (1 / zoom.s - 1 / s);
      this.state.zoom = this.within({ s, x, y });
      this.refresh();
    }

    within({ s, x, y }) {
      const half = 0.5 / s;
      return { s, x: clamp(x, half, 1 - half), y: clamp(y, half, 1 - half) };
    }

    panBy(dx, dy) {
      const { s, x, y } = this.state.zoom;
      this.state.zoom = this.within({ s, x: x - dx / s, y: y - dy / s });
      this.refresh();
    }

    // ---- pointer ----
    part(entry, event) {
      const area = entry.view.getBoundingClientRect();
      return { x: (event.clientX - area.left) / area.width, y: (event.clientY - area.top) / area.height };
    }

    inImage(at) {
      const { s, x, y } = this.state.zoom;
      return { x: clamp(x + (at.x - 0.5) / s, 0, 1), y: clamp(y + (at.y - 0.5) / s, 0, 1) };
    }

    listen(entry) {
      const { view } = entry;
      view.addEventListener("dragstart", (event) => event.preventDefault());
      const fingers = new Map();
      view.addEventListener("wheel", (event) => {
        event.preventDefault();
        this.zoomBy(Math.exp(-clamp(event.deltaY * (event.deltaMode ? 20 : 1), -240, 240) * 0.004), this.part(entry, event));
      }, { passive: false });
      view.addEventListener("dblclick", (event) => this.zoomBy(this.state.zoom.s > 1 ? 1 / MAX_ZOOM : 4, this.part(entry, event)));
      view.addEventListener("pointerdown", (event) => {
        if (event.button !== 0) return;
        const at = this.part(entry, event);
        fingers.set(event.pointerId, at);
        const onHandle = entry.handle && Math.abs(at.x - this.state.split) * view.clientWidth < 24;
        entry.drag = this.tool !== "pan" ? { kind: "box", from: this.inImage(at) } : onHandle ? { kind: "wipe" } : { kind: "pan" };
        if (event.pointerType !== "touch" || entry.drag.kind !== "pan" || this.state.zoom.s > 1) view.setPointerCapture(event.pointerId);
      });
      view.addEventListener("pointermove", (event) => {
        const before = fingers.get(event.pointerId);
        if (!before || !entry.drag) return;
        const at = this.part(entry, event);
        if (fingers.size === 2) this.pinch(fingers, event.pointerId, at);
        else if (entry.drag.kind === "box") this.dragBox(entry.drag.from, this.inImage(at));
        else if (entry.drag.kind === "wipe") { this.state.split = clamp(at.x, 0, 1); this.refresh(); }
        else this.panBy(at.x - before.x, at.y - before.y);
        fingers.set(event.pointerId, at);
      });
      const end = (event) => {
        fingers.delete(event.pointerId);
        if (entry.drag?.kind === "box" && event.type === "pointerup") {
          this.setTool("pan");
          this.layout(); // the enlargements take room
        }
        if (!fingers.size) entry.drag = null;
      };
      view.addEventListener("pointerup", end);
      view.addEventListener("pointercancel", end);
    }

    pinch(fingers, moved, at) {
      const other = [...fingers].find(([id]) => id !== moved)[1];
      const before = fingers.get(moved);
      const spread = (one) => Math.hypot(one.x - other.x, one.y - other.y) || 1e-6;
      this.zoomBy(spread(at) / spread(before), { x: (at.x + other.x) / 2, y: (at.y + other.y) / 2 });
    }

    dragBox(from, to) {
      const box = { x: Math.min(from.x, to.x), y: Math.min(from.y, to.y), w: Math.abs(from.x - to.x), h: Math.abs(from.y - to.y) };
      if (box.w < 0.005 || box.h < 0.005) return;
      this.state[this.tool] = box;
      this.refresh();
    }

    nudgeBox(dx, dy, resize) {
      const box = this.state[this.tool] ?? { x: 0.4, y: 0.4, w: 0.2, h: 0.2 };
      if (resize) {
        box.w = clamp(box.w + dx, 0.02, 1 - box.x);
        box.h = clamp(box.h + dy, 0.02, 1 - box.y);
      } else {
        box.x = clamp(box.x + dx, 0, 1 - box.w);
        box.y = clamp(box.y + dy, 0, 1 - box.h);
      }
      this.state[this.tool] = box;
      this.refresh();
    }

    // ---- keys ----
    key(event) {
      if (event.ctrlKey || event.metaKey || this.help.open || event.target.closest("input, select, textarea, summary")) return;
      const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
      const arrow = arrows[event.key];
      if (arrow && this.tool !== "pan") this.nudgeBox(arrow[0] * 0.01, arrow[1] * 0.01, event.altKey);
      else if (arrow && event.shiftKey) this.panBy(-arrow[0] * 0.1, -arrow[1] * 0.1);
      else if (arrow && arrow[1] === 0 && !event.altKey) this.move(arrow[0]);
      else if (!this.shortcut(event.key)) return;
      event.preventDefault();
    }

    shortcut(key) {
      const actions = {
        "+": () => this.zoomBy(1.5), "=": () => this.zoomBy(1.5), "-": () => this.zoomBy(1 / 1.5), f: () => this.fit(), 0: () => this.fit(),
        r: () => this.setTool(this.tool === "r" ? "pan" : "r"), g: () => this.setTool(this.tool === "g" ? "pan" : "g"),
        Escape: () => { this.setTool("pan"); this.menu.open = false; }, x: () => this.duoControls.hidden || this.swap(), "?": () => this.help.showModal(),
      };
      Object.keys(MODES).forEach((mode, index) => { actions[index + 1] = () => this.setMode(mode); });
      if (!Object.hasOwn(actions, key)) return false;
      actions[key]();
      return true;
    }

    // ---- numbers ----
    async drawScores() {
      const { dataset, pair, convention } = this.state;
      this.scores.replaceChildren();
      if (!convention) return;
      const data = await Report.scores(dataset, convention);
      if (dataset !== this.state.dataset || pair !== this.state.pair || convention !== this.state.convention) return;
      const ranks = data.metrics.map((metric) => this.ranks(data, metric, pair));
      const choose = make("select", { "aria-label": "Convention", onchange: () => {
        this.state.convention = dataset.conventions.find((one) => one.name === choose.value);
        this.keepAddress();
        this.drawScores();
      } }, ...dataset.conventions.map((one) => make("option", { value: one.name, selected: one === convention }, one.title)));
      const head = make("tr", {}, make("th", { scope: "col" }, "Method"), ...data.metrics.map((metric) =>
        make("th", { scope: "col", class: "num", "data-column": metric.name, title: data.warnings[metric.name] ?? null }, metric.name,
          metric.better ? make("span", { class: "dir" }, metric.better === "higher" ? "↑" : "↓") : null, data.warnings[metric.name] ? "*" : null)));
      const rows = data.methods.map((label, row) => make("tr", { class: label === Report.own() ? "own" : this.methods.get(label)?.reference ? "reference" : null },
        make("th", { scope: "row" }, this.titles.get(label) ?? label),
        ...data.metrics.map((metric, column) => make("td", { class: `num ${["", "best", "second"][ranks[column][row]] ?? ""}` },
          make("span", { class: "v" }, Report.format(data.values[metric.name][row][pair], metric.digits))))));
      let table;
      this.scores.append(make("h2", {}, `Scores of pair ${dataset.pairs[pair]}`),
        make("label", { class: "muted" }, "Convention ", choose),
        make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Scores of this pair" },
          table = make("table", { class: "scores" }, make("thead", {}, head), make("tbody", {}, ...rows))),
        Object.keys(data.warnings).some((name) => data.values[name]) ? make("p", { class: "note" }, "* not what the name says in this convention: ",
          Object.entries(data.warnings).filter(([name]) => data.values[name]).map(([name, text]) => `${name}: ${text}`).join("; "), ".") : "");
      Report.adopt(table);
    }

    /** 1 for the best and 2 for the second of one metric on this pair; sources are not ranked. */
    ranks(data, metric, pair) {
      const values = data.methods.map((label, row) => this.methods.get(label)?.reference ? null : data.values[metric.name][row][pair]);
      const sign = metric.better === "lower" ? 1 : -1;
      return values.map((value) => value === null || !metric.better ? 0
        : 1 + values.filter((other) => other !== null && sign * other < sign * value).length);
    }

    // ---- figures ----
    figureCells() {
      return this.state.mode === "grid" ? this.shownCells() : [this.first, this.second].filter(Boolean);
    }

    /** What the two images together show: the difference, the overlay or the wipe; null side by side. */
    composite() {
      const { mode, gain, split, zoom } = this.state;
      if (mode === "grid" || !this.first || !this.second) return null;
      return { mode, gain, split: clamp((split - 0.5) / zoom.s + zoom.x, 0, 1), keys: [this.first.key, this.second.key],
        title: this.tiles[0].tile.querySelector("figcaption").textContent };
    }

    async exportFigure(kind) {
      this.menu.open = false;
      const { dataset, pair } = this.state;
      const cells = this.figureCells();
      if (!cells.length || !this.size) return;
      const columns = this.state.mode === "grid" ? Number(this.stage.style.getPropertyValue("--columns")) || 1 : cells.length;
      const boxes = { r: this.state.r, g: this.state.g };
      const name = `${dataset.slug}-${dataset.slugs[dataset.pairs[pair]] ?? dataset.pairs[pair]}`;
      const composite = this.composite();
      const make = (hrefOf) => Figure.draw(cells, boxes, Math.min(columns, cells.length), this.size, hrefOf, composite);
      if (kind === "print") { await Figure.print(make(({ url }) => url)); return; }
      try {
        const data = await Figure.bytes(cells, () => this.ask());
        if (data) {
          const figure = make(({ key }) => data.get(key));
          if (kind === "svg") Report.save(`${name}.svg`, Figure.text(figure.root), "image/svg+xml");
          else Report.save(`${name}.png`, await Figure.png(figure), "image/png");
          return;
        }
      } catch (error) {
        this.say(`The figure could not be made: ${error.message}`);
        return;
      }
      if (kind === "svg") {
        const figure = make(({ url }) => new URL(url, location.href).href);
        Report.save(`${name}.svg`, Figure.text(figure.root), "image/svg+xml");
        this.say("The SVG points to the images on this disk and does not hold them; choose the run folder to have them inside.");
      } else this.say("The browser lets this page show the images but not read them. Choose the run folder, or use Print or PDF.");
    }

    /** One question before the folder chooser, so that a reader knows why it opens. */
    ask() {
      return new Promise((resolve) => {
        const close = async (yes) => { dialog.close(); dialog.remove(); resolve(yes ? await Figure.askFolder() : false); };
        const dialog = make("dialog", { "data-ask": "" }, make("h2", {}, "Choose the run folder"),
          make("p", {}, "A page opened from disk may show images but not read them. Choose the folder of this run once, and they can be put into the figure. Nothing is sent anywhere."),
          make("p", {}, make("code", {}, this.site.root)),
          make("p", { class: "links" }, make("button", { type: "button", onclick: () => close(true) }, "Choose folder"),
            make("button", { type: "button", onclick: () => close(false) }, "Go on without")));
        dialog.addEventListener("cancel", () => { dialog.remove(); resolve(false); });
        document.body.append(dialog);
        dialog.showModal();
      });
    }

    async copyAddress() {
      history.replaceState(null, "", this.address());
      let done = true;
      try { await navigator.clipboard.writeText(location.href); } catch { done = false; }
      this.menu.open = false;
      Report.announce(done ? "Address copied" : "The address is in the address bar");
      this.say(done ? "" : "The browser did not allow copying; the address bar holds the address of this view.");
    }
  }

  document.addEventListener("DOMContentLoaded", async () => {
    const root = document.getElementById("viewer");
    const site = await Report.site();
    if (!site.datasets.some((one) => one.pairs.length)) {
      root.append(make("p", {}, "This run holds no pairs."));
      return;
    }
    const viewer = new Viewer(root, site);
    root.viewer = viewer;
    await viewer.start();
  });
})();
