"use strict";
for (const button of document.querySelectorAll("[data-copies]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copies).textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
}

const zoom = document.getElementById("zoom");
if (zoom && zoom.showModal) {
  for (const card of document.querySelectorAll("button.card")) {
    card.addEventListener("click", () => {
      zoom.querySelector("img")?.remove();
      zoom.append(card.querySelector("img").cloneNode());
      zoom.showModal();
    });
  }
  zoom.addEventListener("click", () => zoom.close());
}

const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
if (links.size && "IntersectionObserver" in window) {
  const seen = new Set();
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) entry.isIntersecting ? seen.add(entry.target.id) : seen.delete(entry.target.id);
    const first = [...links.keys()].find((id) => seen.has(id));
    for (const [id, link] of links) id === first ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current");
  }, { rootMargin: "-10% 0px -55% 0px" });
  for (const id of links.keys()) watch.observe(document.getElementById(id));
}
