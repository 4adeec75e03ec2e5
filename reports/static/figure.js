"use strict";
// Turns what the viewer shows into a figure: SVG with the images inside, PNG at full resolution, or a page to print.
const Figure = (() => {
  const { svg } = Report;
  const COLOURS = { r: "#ff1f1f", g: "#14d914" };

  const GREY = "0.299 0.587 0.114 0 0";
  const NONE = "0 0 0 0 0";

  function matrixFilter(id, red, green, blue) {
    return svg("filter", { id, "color-interpolation-filters": "sRGB" },
      svg("feColorMatrix", { values: `${red} ${green} ${blue} 0 0 0 1 0` }));
  }

  /** Two images as one: their amplified difference, infrared over visible, or one cut where the wipe stands. */
  function blend({ mode, gain, split }, [first, second], size) {
    const under = svg("use", { href: `#${first}` });
    const over = svg("use", { href: `#${second}` });
    const defs = svg("defs", {}, svg("clipPath", { id: "cut" },
      svg("rect", { x: split * size.width, y: 0, width: (1 - split) * size.width, height: size.height })));
    const group = svg("g", { style: "isolation: isolate" }, under, over);
    if (mode === "wipe") {
      over.setAttribute("clip-path", "url(#cut)");
      group.append(svg("line", { x1: split * size.width, x2: split * size.width, y1: 0, y2: size.height, stroke: "#fff",
        "stroke-width": Math.max(1, size.width / 320) }));
    } else if (mode === "difference") {
      over.setAttribute("style", "mix-blend-mode: difference");
      defs.append(matrixFilter("gain", `${gain} 0 0 0 0`, `0 ${gain} 0 0 0`, `0 0 ${gain} 0 0`));
      group.setAttribute("filter", "url(#gain)");
    } else {
      defs.append(matrixFilter("cyan", NONE, GREY, GREY), matrixFilter("red", GREY, NONE, NONE));
      under.setAttribute("filter", "url(#cyan)");
      over.setAttribute("filter", "url(#red)");
      over.setAttribute("style", "mix-blend-mode: screen");
    }
    return [defs, group];
  }

  /** Lays out cells of equal size; `hrefOf` gives the address (or the data) of each image, `composite` what two make. */
  function draw(cells, boxes, columns, size, hrefOf, composite = null) {
    if (composite) columns += 1;
    const gap = Math.round(size.width / 40);
    const font = Math.max(10, Math.round(size.width / 20));
    const line = Math.max(1.5, size.width / 160);
    const zooms = ["r", "g"].filter((key) => boxes[key]);
    const aspect = (key) => boxes[key].w * size.width / (boxes[key].h * size.height);
    const zoomHeight = zooms.length ? Math.min(size.height,
      (size.width - gap * (zooms.length - 1)) / zooms.reduce((sum, key) => sum + aspect(key), 0)) : 0;
    const cell = { width: size.width, height: size.height + (zooms.length ? gap + zoomHeight : 0) + font * 1.7 };
    const rows = Math.ceil((cells.length + (composite ? 1 : 0)) / columns);
    const width = columns * cell.width + (columns - 1) * gap;
    const height = rows * cell.height + (rows - 1) * gap;
    const root = svg("svg", { xmlns: "http://www.w3.org/2000/svg", viewBox: `0 0 ${width} ${height}`, width, height,
      "font-family": "Helvetica, Arial, sans-serif", "font-size": font });
    root.append(svg("rect", { width, height, fill: "#fff" }));
    cells.forEach((entry, index) => {
      const x = (index % columns) * (cell.width + gap);
      const y = Math.floor(index / columns) * (cell.height + gap);
      const id = `image${index}`;
      root.append(svg("defs", {}, svg("image", { id, href: hrefOf(entry), width: size.width, height: size.height,
        preserveAspectRatio: "none" })));
      const group = svg("g", { transform: `translate(${x} ${y})` });
      group.append(svg("use", { href: `#${id}` }));
      for (const key of zooms) {
        const box = boxes[key];
        group.append(svg("rect", { x: box.x * size.width, y: box.y * size.height, width: box.w * size.width,
          height: box.h * size.height, fill: "none", stroke: COLOURS[key], "stroke-width": line }));
      }
      const row = zooms.reduce((sum, key) => sum + zoomHeight * aspect(key), gap * (zooms.length - 1));
      let left = (size.width - row) / 2;
      for (const key of zooms) {
        const box = boxes[key];
        const [wide, top] = [zoomHeight * aspect(key), size.height + gap];
        group.append(svg("svg", { x: left, y: top, width: wide, height: zoomHeight, preserveAspectRatio: "none",
          viewBox: `${box.x * size.width} ${box.y * size.height} ${box.w * size.width} ${box.h * size.height}` },
        svg("use", { href: `#${id}` })), svg("rect", { x: left + line / 2, y: top + line / 2, width: wide - line,
          height: zoomHeight - line, fill: "none", stroke: COLOURS[key], "stroke-width": line }));
        left += wide + gap;
      }
      const label = svg("text", { x: size.width / 2, y: cell.height - font * 0.45, "text-anchor": "middle", fill: "#000" });
      label.textContent = entry.title;
      if (entry.key === Report.own()) label.setAttribute("font-weight", "bold");
      group.append(label);
      root.append(group);
    });
    if (composite) {
      const ids = composite.keys.map((key) => `image${cells.findIndex((entry) => entry.key === key)}`);
      const label = svg("text", { x: size.width / 2, y: cell.height - font * 0.45, "text-anchor": "middle", fill: "#000" });
      label.textContent = composite.title;
      root.append(svg("g", { transform: `translate(${cells.length * (cell.width + gap)} 0)` },
        ...blend(composite, ids, size), label));
    }
    return { root, width, height };
  }

  const text = (root) => `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(root)}`;

  /** A PNG of the figure; images must be in it as data, else the browser refuses to give the pixels. */
  async function png(figure) {
    const scale = Math.min(1, 16000 / Math.max(figure.width, figure.height));
    const image = new Image();
    image.src = URL.createObjectURL(new Blob([text(figure.root)], { type: "image/svg+xml" }));
    try {
      await image.decode();
      const canvas = document.createElement("canvas");
      canvas.width = Math.round(figure.width * scale);
      canvas.height = Math.round(figure.height * scale);
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      return await new Promise((resolve, reject) =>
        canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the browser gave no image"))), "image/png"));
    } finally {
      URL.revokeObjectURL(image.src);
    }
  }

  function dataUrl(blob) {
    return new Promise((resolve, reject) => {
      const reader = new FileReader();
      reader.onload = () => resolve(reader.result);
      reader.onerror = () => reject(reader.error);
      reader.readAsDataURL(blob);
    });
  }

  let folder = null; // address below the run folder -> File, once the reader has chosen it

  /** Asks for the run folder: the one way a page opened from disk may read images that it can show. */
  function askFolder() {
    return new Promise((resolve) => {
      const input = Report.make("input", { type: "file", multiple: true, webkitdirectory: true, hidden: true, id: "run-folder" });
      input.addEventListener("change", () => {
        folder = new Map();
        for (const file of input.files) {
          const parts = (file.webkitRelativePath || file.name).split("/");
          for (let from = 0; from < parts.length; from += 1) folder.set(parts.slice(from).join("/"), file);
        }
        input.remove();
        resolve(true);
      });
      input.addEventListener("cancel", () => { input.remove(); resolve(false); });
      document.body.append(input);
      input.click();
    });
  }

  /** Key of each cell -> its bytes as a data URL; null if they cannot be had. */
  async function bytes(cells, ask) {
    const found = new Map(cells.filter(({ url }) => url.startsWith("data:")).map(({ key, url }) => [key, url]));
    if (found.size === cells.length) return found;
    if (location.protocol.startsWith("http")) {
      for (const { key, url } of cells) found.set(key, await dataUrl(await (await fetch(url)).blob()));
      return found;
    }
    if (!folder && !(await ask())) return null;
    for (const { key, url } of cells) {
      const path = decodeURIComponent(url).replace(/^(\.\.\/)+/, "");
      const file = folder.get(path) ?? folder.get(`report/${path}`);
      if (!file) { folder = null; return null; }
      found.set(key, await dataUrl(file));
    }
    return found;
  }

  /** Prints the figure on a page of its own size, which the browser can save as PDF. */
  async function print(figure) {
    const style = Report.make("style");
    const [width, height] = [180, 180 * figure.height / figure.width];
    style.textContent = `@page { size: ${width}mm ${height.toFixed(2)}mm; margin: 0 }
      @media print { body > *:not(.figure-print) { display: none !important; } body { margin: 0; background: #fff; } }`;
    const sheet = Report.make("div", { class: "figure-print" }, figure.root);
    figure.root.setAttribute("width", "100%");
    figure.root.setAttribute("height", "100%");
    document.head.append(style);
    document.body.append(sheet);
    await Promise.all([...figure.root.querySelectorAll("image")].map((node) => {
      const image = new Image();
      image.src = node.href.baseVal;
      return image.decode().catch(() => null);
    }));
    addEventListener("afterprint", () => { style.remove(); sheet.remove(); }, { once: true });
    window.print();
  }

  return { draw, text, png, bytes, askFolder, print };
})();
