"use strict";
// Cumulative curves of one data set: all methods, one metric, the chosen convention.
(() => {
  const { make, svg } = Report;
  const LIGHT = ["#0072b2", "#d55e00", "#009e73", "#c4609a", "#b87a00", "#3f9fd6", "#17191c"];
  const GREY = "#8a9098";
  const MARKS = ["circle", "square", "up", "diamond", "down", "plus", "cross"]; // as in figures.py
  const SHAPES = { square: "M-3-3H3V3H-3Z", up: "M0-4L3.5 3H-3.5Z", down: "M0 4L3.5-3H-3.5Z", diamond: "M0-4L4 0L0 4L-4 0Z",
    plus: "M-1.2-4H1.2V-1.2H4V1.2H1.2V4H-1.2V1.2H-4V-1.2H-1.2Z", cross: "M-3.5-2L-2-3.5L0-1.5L2-3.5L3.5-2L1.5 0L3.5 2L2 3.5L0 1.5L-2 3.5L-3.5 2L-1.5 0Z",
    circle: "M-3 0A3 3 0 1 1 3 0A3 3 0 1 1-3 0Z" };
  const DASHES = ["", "7 4", "2 3", "10 3 2 3", "4 2"];

  /** The curve of one method: values in rising order, x the part of all its pairs that lie not above. */
  function curveOf(values) {
    const points = values.map((value, index) => ({ value, index })).filter(({ value }) => value !== null);
    points.sort((one, two) => one.value - two.value || one.index - two.index);
    points.forEach((point, place) => { point.x = (place + 1) / points.length; });
    return points;
  }

  function ticks(low, high, count) {
    const raw = (high - low || Math.abs(high) || 1) / count;
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((size) => size >= raw * 0.999);
    const places = Math.max(0, -Math.floor(Math.log10(step) + 1e-9) + (/^25/.test(String(step / power * 10)) ? 1 : 0));
    const found = [];
    for (let value = Math.ceil(low / step - 1e-9) * step; value <= high + step * 1e-9; value += step) found.push(value);
    return found.map((value) => ({ value, text: value.toFixed(Math.min(places, 10)).replace("-", "−") }));
  }

  function markOf(method, ink, transform) {
    return svg("path", { d: SHAPES[MARKS[(method.colour + 3 * method.dash) % MARKS.length]], fill: ink.series[method.colour], transform });
  }
  function dashOf(method) { return method.reference ? DASHES[(method.dash + 1) % 3 + 1] : DASHES[method.dash % DASHES.length]; }

  function colours() {
    const style = getComputedStyle(document.documentElement);
    const read = (name) => style.getPropertyValue(name).trim();
    return {
      series: LIGHT.map((_, index) => read(`--series-${index}`)), grey: read("--series-ref"),
      ink: read("--ink"), soft: read("--soft"), rule: read("--rule"), paper: read("--paper"),
    };
  }
  const PRINT = { series: LIGHT, grey: GREY, ink: "#17191c", soft: "#444", rule: "#ddd", paper: "#fff" };

  class Curves {
    constructor(section, site) {
      this.section = section;
      this.dataset = site.datasets.find((one) => one.name === section.dataset.curves);
      this.methods = new Map(site.methods.map((method) => [method.label, method]));
      this.hidden = new Set(site.methods.filter((method) => method.reference).map((method) => method.label));
      this.metric = null;
      this.build();
    }

    build() {
      this.select = make("select", { "aria-label": "Metric", onchange: () => { this.metric = this.select.value; this.draw(); } });
      this.legend = make("ul", { class: "curve-legend" });
      this.tip = make("div", { class: "tip", hidden: true });
      this.frame = make("div", {
        class: "curve-frame", tabindex: "0", role: "application",
        "aria-label": "Cumulative curves. Left and right walk along a curve, up and down change it, Enter opens the pair.",
        onkeydown: (event) => this.key(event), onblur: () => this.leave(),
      }, this.tip);
      const links = make("span", { class: "links" },
        make("button", { type: "button", onclick: () => this.saveSvg() }, "Save SVG"),
        make("button", { type: "button", onclick: () => this.savePng() }, "Save PNG"));
      Report.onOwn(() => this.data && this.draw());
      this.section.querySelector("[data-mount]").append(
        make("div", { class: "controls" }, make("label", {}, "Metric ", this.select), links),
        make("div", { class: "curves" }, this.frame, this.legend));
      new ResizeObserver(() => this.data && this.draw()).observe(this.frame);
      new MutationObserver(() => this.data && this.draw()).observe(document.documentElement, { attributeFilter: ["data-theme"] });
      matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.data && this.draw());
    }

    async show(name) {
      const convention = this.dataset.conventions.find((one) => one.name === name) ?? this.dataset.conventions[0];
      this.convention = convention;
      this.data = await Report.scores(this.dataset, convention);
      if (this.convention !== convention) return; // another one was chosen meanwhile
      const names = this.data.metrics.map((metric) => metric.name);
      if (!names.includes(this.metric)) this.metric = names[0];
      this.select.replaceChildren(...names.map((one) => make("option", { value: one, selected: one === this.metric }, one)));
      this.draw();
    }

    series() {
      return this.data.methods.map((label, row) => {
        const values = this.data.values[this.metric][row];
        const points = curveOf(values);
        const mean = points.length ? points.reduce((sum, point) => sum + point.value, 0) / points.length : null;
        return { method: this.methods.get(label), points, mean };
      }).filter(({ points }) => points.length);
    }

    draw() {
      const facts = this.data.metrics.find((metric) => metric.name === this.metric);
      this.digits = facts.digits;
      this.all = this.series();
      this.shown = this.all.filter(({ method }) => !this.hidden.has(method.label));
      const width = Math.max(280, this.frame.clientWidth);
      this.drawn = this.render(width, Math.min(440, Math.max(280, width * 0.55)), colours());
      this.frame.querySelector("svg")?.remove();
      this.frame.prepend(this.drawn.root);
      this.drawn.root.addEventListener("pointermove", (event) => this.hover(event));
      this.drawn.root.addEventListener("pointerleave", () => this.leave());
      this.drawn.root.addEventListener("click", () => this.open());
      this.drawLegend(facts);
      this.leave();
    }

    /** The plot as an SVG element, and the functions from value and part to pixels. */
    render(width, height, ink) {
      const shown = this.shown.length ? this.shown : this.all;
      const values = shown.flatMap(({ points }) => points.map((point) => point.value));
      let low = Math.min(...values);
      let high = Math.max(...values);
      const pad = (high - low || Math.abs(high) || 1) * 0.04;
      low -= pad; high += pad;
      const marks = ticks(low, high, 6);
      const left = 18 + 7.5 * Math.max(...marks.map(({ text }) => text.length));
      const box = { left: left + 14, right: width - 12, top: 10, bottom: height - 40 };
      const x = (part) => box.left + part * (box.right - box.left);
      const y = (value) => box.bottom - (value - low) / (high - low) * (box.bottom - box.top);
      const root = svg("svg", { xmlns: "http://www.w3.org/2000/svg", viewBox: `0 0 ${width} ${height}`, width, height,
        "font-family": "system-ui, Helvetica, Arial, sans-serif", "font-size": 12, role: "img",
        "aria-label": `Cumulative curves of ${this.metric}` });
      const text = (content, attributes) => { const node = svg("text", { fill: ink.soft, ...attributes }); node.textContent = content; return node; };
      for (const { value, text: label } of marks) {
        root.append(svg("line", { x1: box.left, x2: box.right, y1: y(value), y2: y(value), stroke: ink.rule }),
          text(label, { x: box.left - 8, y: y(value) + 4, "text-anchor": "end" }));
      }
      for (const part of [0, 0.2, 0.4, 0.6, 0.8, 1]) {
        root.append(svg("line", { x1: x(part), x2: x(part), y1: box.bottom, y2: box.bottom + 4, stroke: ink.soft }),
          text(String(part), { x: x(part), y: box.bottom + 18, "text-anchor": "middle" }));
      }
      root.append(svg("line", { x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom, stroke: ink.soft }),
        text("Part of the pairs", { x: (box.left + box.right) / 2, y: height - 6, "text-anchor": "middle", fill: ink.ink }),
        text(this.metric, { transform: `translate(12 ${(box.top + box.bottom) / 2}) rotate(-90)`, "text-anchor": "middle", fill: ink.ink }));
      const lines = new Map();
      const own = Report.own();
      const order = [...this.shown].sort((one, two) => (one.method.label === own) - (two.method.label === own)); // one's own on top
      for (const [at, { method, points }] of order.entries()) {
        const line = svg("polyline", {
          points: points.map((point) => `${x(point.x).toFixed(2)},${y(point.value).toFixed(2)}`).join(" "),
          fill: "none", stroke: method.reference ? ink.grey : ink.series[method.colour], "stroke-width": method.label === own ? 3.4 : 1.8,
          "stroke-linejoin": "round", "stroke-dasharray": dashOf(method), "data-method": method.label,
        });
        const every = Math.max(1, Math.floor(points.length / 5));
        const marks = method.reference ? [] : points.filter((_, index) => index % every === at % every).map((point) =>
          markOf(method, ink, `translate(${x(point.x).toFixed(2)} ${y(point.value).toFixed(2)})${method.label === own ? " scale(1.4)" : ""}`));
        const group = svg("g", {}, line, ...marks);
        lines.set(method.label, { group, line, width: method.label === own ? 3.4 : 1.8 });
        root.append(group);
      }
      const dot = svg("circle", { r: 4.5, fill: ink.paper, "stroke-width": 2, visibility: "hidden" });
      root.append(dot);
      return { root, x, y, lines, dot, ink, width, height, box };
    }

    drawLegend(facts) {
      const sign = facts.better === "lower" ? 1 : -1;
      const order = [...this.all].sort((one, two) => sign * (one.mean - two.mean));
      this.legend.replaceChildren(...order.map(({ method, mean }) => {
        const on = !this.hidden.has(method.label);
        const ink = this.drawn.ink;
        const sample = svg("svg", { width: 28, height: 10, "aria-hidden": "true" }, svg("line", {
          x1: 0, x2: 28, y1: 5, y2: 5, stroke: method.reference ? ink.grey : ink.series[method.colour], "stroke-width": 2,
          "stroke-dasharray": dashOf(method) }), method.reference ? "" : markOf(method, ink, "translate(14 5)"));
        return make("li", { class: method.label === Report.own() ? "own-mark" : null }, make("button", {
          type: "button", "aria-pressed": String(on), "data-toggle": method.label,
          onclick: () => { this.toggle(method.label); },
          onpointerenter: () => this.emphasise(method.label), onpointerleave: () => this.emphasise(null),
        }, sample, make("span", { class: "name" }, method.title), make("span", { class: "mean" }, Report.format(mean, this.digits))));
      }));
    }

    toggle(label) {
      if (this.hidden.has(label)) this.hidden.delete(label); else this.hidden.add(label);
      this.draw();
      [...this.legend.querySelectorAll("button")].find((button) => button.dataset.toggle === label)?.focus();
    }

    emphasise(label) {
      for (const [name, line] of this.drawn.lines) {
        line.group.setAttribute("opacity", label === null || name === label ? "1" : "0.25");
        line.line.setAttribute("stroke-width", name === label ? Math.max(2.6, line.width) : line.width);
      }
    }

    hover(event) {
      const area = this.drawn.root.getBoundingClientRect();
      const scale = this.drawn.width / area.width;
      const px = (event.clientX - area.left) * scale;
      const py = (event.clientY - area.top) * scale;
      let best = null;
      let nearest = 40 ** 2;
      for (const entry of this.shown) {
        for (const point of entry.points) {
          const distance = (this.drawn.x(point.x) - px) ** 2 + (this.drawn.y(point.value) - py) ** 2;
          if (distance < nearest) { nearest = distance; best = { entry, point }; }
        }
      }
      if (best) this.point(best.entry, best.point); else this.leave();
    }

    point(entry, point, say = false) {
      this.current = { entry, point };
      const pair = this.dataset.pairs[point.index];
      const { x, y, dot, ink, width } = this.drawn;
      const colour = entry.method.reference ? ink.grey : ink.series[entry.method.colour];
      dot.setAttribute("cx", x(point.x)); dot.setAttribute("cy", y(point.value));
      dot.setAttribute("stroke", colour); dot.setAttribute("visibility", "visible");
      this.emphasise(entry.method.label);
      this.drawn.root.style.cursor = "pointer";
      this.tip.replaceChildren(make("b", {}, entry.method.title), make("span", {}, `pair ${pair}`),
        make("span", {}, `${this.metric} ${Report.format(point.value, this.digits)} · ${(100 * point.x).toFixed(0)} % of pairs`),
        make("small", {}, "click or Enter opens the pair"));
      this.tip.hidden = false;
      const right = x(point.x) > width * 0.6;
      this.tip.style.left = right ? "auto" : `${x(point.x) + 12}px`;
      this.tip.style.right = right ? `${width - x(point.x) + 12}px` : "auto";
      this.tip.style.top = `${Math.max(0, y(point.value) - 30)}px`;
      if (say) Report.announce(`${entry.method.title}, pair ${pair}, ${this.metric} ${Report.format(point.value, this.digits)}`);
    }

    leave() {
      this.current = null;
      this.tip.hidden = true;
      if (!this.drawn) return;
      this.drawn.dot.setAttribute("visibility", "hidden");
      this.drawn.root.style.cursor = "";
      this.emphasise(null);
    }

    open() {
      if (!this.current) return;
      const { entry, point } = this.current;
      location.href = Report.viewerLink(this.dataset.name, this.dataset.pairs[point.index], [entry.method.label]);
    }

    key(event) {
      if (!this.shown.length || event.ctrlKey || event.metaKey || event.altKey) return;
      const at = this.current ? this.shown.indexOf(this.current.entry) : 0;
      const place = this.current ? this.current.entry.points.indexOf(this.current.point) : -1;
      let [line, step] = [at, place];
      if (event.key === "ArrowRight") step += event.shiftKey ? 10 : 1;
      else if (event.key === "ArrowLeft") step -= event.shiftKey ? 10 : 1;
      else if (event.key === "ArrowDown") line = (at + 1) % this.shown.length;
      else if (event.key === "ArrowUp") line = (at + this.shown.length - 1) % this.shown.length;
      else if (event.key === "Enter") { this.open(); return; }
      else return;
      event.preventDefault();
      const entry = this.shown[line];
      this.point(entry, entry.points[Math.min(entry.points.length - 1, Math.max(0, step))], true);
    }

    /** The curves shown as one figure, the legend below. */
    figure() {
      const [width, height] = [560, 340];
      const plot = this.render(width, height, PRINT);
      plot.dot.remove();
      const rows = Math.ceil(this.shown.length / 3);
      const total = height + 10 + rows * 18;
      plot.root.setAttribute("viewBox", `0 0 ${width} ${total}`);
      plot.root.setAttribute("height", total);
      plot.root.prepend(svg("rect", { width, height: total, fill: "#fff" }));
      this.shown.forEach(({ method, mean }, index) => {
        const [cx, cy] = [plot.box.left + (index % 3) * ((width - plot.box.left) / 3), height + 14 + Math.floor(index / 3) * 18];
        const label = svg("text", { x: cx + 30, y: cy + 4, "font-size": 11, fill: PRINT.ink });
        label.textContent = `${method.title} ${mean.toFixed(this.digits)}`;
        const own = method.label === Report.own();
        if (own) label.setAttribute("font-weight", "bold");
        plot.root.append(svg("line", { x1: cx, x2: cx + 24, y1: cy, y2: cy, "stroke-width": own ? 3.4 : 1.8, "stroke-dasharray": dashOf(method),
          stroke: method.reference ? PRINT.grey : PRINT.series[method.colour] }),
        method.reference ? "" : markOf(method, PRINT, `translate(${cx + 12} ${cy})`), label);
      });
      plot.root.setAttribute("xmlns", "http://www.w3.org/2000/svg");
      return { name: `${this.dataset.slug}-${this.metric}-${this.convention.slug}`, width, height: total,
        text: new XMLSerializer().serializeToString(plot.root) };
    }

    saveSvg() {
      const figure = this.figure();
      Report.save(`${figure.name}.svg`, figure.text, "image/svg+xml");
    }

    /** One column of 3.5 inches at 300 dots an inch. */
    async savePng() {
      const figure = this.figure();
      const image = new Image();
      image.src = URL.createObjectURL(new Blob([figure.text], { type: "image/svg+xml" }));
      await image.decode();
      const canvas = document.createElement("canvas");
      canvas.width = 1050;
      canvas.height = Math.round(1050 * figure.height / figure.width);
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      URL.revokeObjectURL(image.src);
      canvas.toBlob((blob) => Report.save(`${figure.name}.png`, blob, "image/png"), "image/png");
    }
  }

  document.addEventListener("DOMContentLoaded", async () => {
    const site = await Report.site();
    for (const section of document.querySelectorAll("[data-curves]")) {
      const curves = new Curves(section, site);
      section.curves = curves;
      Report.onConvention((name) => curves.show(name));
      if (!curves.convention) curves.show(curves.dataset.conventions[0]?.name);
    }
  });
})();
