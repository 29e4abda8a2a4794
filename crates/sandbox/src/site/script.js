// Comforts for those who run scripts: everything works without them.
for (const id of document.querySelectorAll("[data-copy]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.setAttribute("aria-label", "Copy " + id.dataset.copy);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(id.dataset.copy);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(id);
      button.textContent = "Marked";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  id.after(button);
}

// The list of calls renews itself while nobody reads one of them.
const live = document.querySelector("[data-live]");
if (live) {
  setInterval(async () => {
    if (document.hidden || live.querySelector("details[open]") || live.contains(document.activeElement)) return;
    try {
      const text = await (await fetch(location.href)).text();
      const fresh = new DOMParser().parseFromString(text, "text/html").querySelector("[data-live]");
      if (fresh) live.replaceChildren(...fresh.childNodes);
    } catch {
      // The sandbox is gone, or comes back: the next turn tells.
    }
  }, 2000);
}
