"use strict";
// All pairs of one data set as strips of thumbnails, sortable by what a reader looks for.
(() => {
  const { make } = Report;
  const STEP = 12;

  class Gallery {
    constructor(section, site) {
      this.section = section;
      this.dataset = site.datasets.find((one) => one.name === section.dataset.gallery);
      this.methods = site.methods;
      this.limit = STEP;
      this.convention = this.dataset.conventions[0];
    }

    async start() {
      this.pictures = await Report.pictures(this.dataset);
      const option = (value, text) => make("option", { value }, text);
      const change = () => { this.limit = STEP; this.draw(); };
      this.order = make("select", { onchange: change },
        this.pictures.disagreement.length ? option("disagreement", "methods disagree most") : null,
        option("name", "name"),
        this.convention ? option("low", "lowest value") : null, this.convention ? option("high", "highest value") : null);
      this.metric = make("select", { "aria-label": "Metric", onchange: change });
      this.method = make("select", { "aria-label": "Method", onchange: change },
        ...this.methods.filter((one) => !one.reference).map((one) => option(one.label, one.title)));
      const tags = Object.keys(this.pictures.tags);
      this.tag = make("select", { onchange: change }, option("", "all pairs"), ...tags.map((tag) => option(tag, tag)));
      this.search = make("input", { type: "search", placeholder: "Find a pair", "aria-label": "Find a pair by name", oninput: change });
      this.value = make("span", { class: "links" }, "of", this.metric, "by", this.method);
      this.list = make("div", { class: "strips" });
      this.count = make("p", { class: "muted" });
      this.more = make("button", { type: "button", onclick: () => { this.limit += 3 * STEP; this.draw(); } }, "Show more");
      this.section.querySelector("[data-mount]").append(
        make("div", { class: "controls" }, make("label", {}, "Sort by ", this.order), this.value,
          tags.length ? make("label", {}, "Part ", this.tag) : null, this.search), this.count, this.list, this.more);
      Report.onConvention((name) => this.choose(name));
      if (!this.convention) this.draw();
    }

    async choose(name) {
      this.convention = this.dataset.conventions.find((one) => one.name === name) ?? this.dataset.conventions[0];
      this.scores = await Report.scores(this.dataset, this.convention);
      const former = this.metric.value;
      const names = this.scores.metrics.map((one) => one.name);
      this.metric.replaceChildren(...names.map((one) => make("option", { selected: one === former }, one)));
      this.draw();
    }

    valueOf(label, index) {
      const row = this.scores?.methods.indexOf(label) ?? -1;
      return row < 0 ? null : this.scores.values[this.metric.value]?.[row][index] ?? null;
    }

    chosen() {
      const part = this.pictures.tags[this.tag.value];
      const text = this.search.value.trim().toLowerCase();
      const indices = this.dataset.pairs.map((_, index) => index).filter((index) =>
        (!part || part.includes(index)) && this.dataset.pairs[index].toLowerCase().includes(text));
      const order = this.order.value;
      if (order === "disagreement") {
        const by = this.pictures.disagreement;
        return indices.sort((one, two) => (by[two] ?? -1) - (by[one] ?? -1));
      }
      if (order === "name") return indices;
      const sign = order === "low" ? 1 : -1;
      const key = (index) => this.valueOf(this.method.value, index) ?? Infinity * sign;
      return indices.sort((one, two) => sign * (key(one) - key(two)));
    }

    draw() {
      const byValue = this.order.value === "low" || this.order.value === "high";
      this.value.hidden = !byValue;
      const indices = this.chosen();
      const shown = indices.slice(0, this.limit);
      this.count.textContent = `${shown.length} of ${indices.length} pairs`;
      this.list.replaceChildren(...shown.map((index) => this.strip(index, byValue)));
      this.more.hidden = shown.length === indices.length;
    }

    strip(index, byValue) {
      const pair = this.dataset.pairs[index];
      const entries = [["@ir", "Infrared"], ["@vis", "Visible"], ...this.methods.map((one) => [one.label, one.title])];
      const items = entries.map(([key, title]) => {
        const thumb = Report.address(this.pictures.thumbs[key], this.dataset, index);
        if (!thumb) return null;
        const chosen = byValue && key === this.method.value;
        const value = byValue ? this.valueOf(key, index) : null;
        return make("a", { href: Report.viewerLink(this.dataset.name, pair, key.startsWith("@") ? [] : [key]), class: chosen ? "chosen" : key === Report.own() ? "own-mark" : null },
          make("img", { src: thumb, loading: "lazy", width: 192, height: 144, alt: `Pair ${pair}, ${title}` }),
          make("span", {}, title, value === null ? null : make("small", {}, Report.format(value, this.scores.metrics.find((one) => one.name === this.metric.value)?.digits ?? 4))));
      });
      return make("article", { class: "strip", "data-pair": pair },
        make("h3", {}, make("a", { href: Report.viewerLink(this.dataset.name, pair) }, pair)),
        make("div", { class: "row" }, ...items.filter(Boolean)));
    }
  }

  document.addEventListener("DOMContentLoaded", async () => {
    const site = await Report.site();
    for (const section of document.querySelectorAll("[data-gallery]")) await new Gallery(section, site).start();
  });
})();
