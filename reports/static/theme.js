"use strict";
// Runs before the page is painted, so that a chosen theme does not flash.
(() => {
  document.documentElement.classList.add("js");
  try {
    const theme = localStorage.getItem("ivif-bench-theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch { /* storage may be off for pages opened from disk */ }
})();
