"use strict";
// All pages of a report in one file: shows the one that the address names.
(() => {
  const pages = [...document.querySelectorAll("[data-page]")];
  const plain = document.body.className;
  function show() {
    const wanted = Report.state.get("page") ?? "index.html";
    const shown = pages.find((page) => page.dataset.page === wanted) ?? pages[0];
    for (const page of pages) page.hidden = page !== shown;
    document.body.className = `${plain} ${shown.dataset.page === "viewer.html" ? "viewer-page" : ""}`;
    dispatchEvent(new Event("resize")); // what was drawn while hidden has no size yet
    document.title = shown.dataset.title;
    for (const link of document.querySelectorAll("nav a")) {
      if (link.getAttribute("href") === `#page=${shown.dataset.page}`) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  }
  let before = Report.state.get("page");
  addEventListener("hashchange", () => {
    const now = Report.state.get("page");
    if (!location.hash.includes("=")) return; // a place on the page that is shown
    show();
    if (now !== before) scrollTo(0, 0);
    before = now;
  });
  // scripts write addresses of other pages, such as viewer.html#d=..., which are parts of this one
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    const [page, hash = ""] = (link?.getAttribute("href") ?? "").split("#");
    if (!pages.some((one) => one.dataset.page === page)) return;
    event.preventDefault();
    location.hash = `#page=${page}${hash.includes("=") ? `&${hash}` : ""}`;
  });
  show();
})();
