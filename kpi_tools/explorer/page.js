/* The offline page's host: what the screen asks is in the page itself. */
const pageData = JSON.parse(document.getElementById("data").textContent);
const pagePictures = new Map();
for (const made of [...document.querySelectorAll("[data-key]"), ...document.getElementById("small").content.querySelectorAll("[data-key]")])
  pagePictures.set(made.dataset.key, made.innerHTML.trim().replace(/\bkx-([\w-]+-[td])\b/g, "now-$1"));
document.documentElement.classList.add("kx-alive");
start(document.getElementById("screen"), {
  tabs: ["why", "write"], data: () => pageData, chosen: () => location.hash.slice(1), link: () => location.href,
  remember: (text) => { if (location.hash.slice(1) !== text) history.replaceState(null, "", `#${text}`); },
  onChosen: (does) => addEventListener("hashchange", () => does(location.hash.slice(1))),
  room: () => (innerWidth > 660 ? innerHeight : 0),
  ask: async ({ kpi_id: id, name, size }) => {
    const at = pageData.drawn[`${id} ${name} ${size}`] ? size : "M", key = `${id} ${name} ${at}`;
    return { ...pageData.drawn[`${id} ${name} M`], ...pageData.drawn[key], svg: pagePictures.get(key) || "", facts: pageData.facts[id] };
  },
  panels: ({ $, h, S, kpi }) => {
    const texts = pageData.texts[S.kpi] || {};
    $.write.replaceChildren(h("h3", {}, "Commentary"), h("p", {}, texts.commentary || "None."), h("h3", {}, pageData.words.action), h("p", {}, texts.management_action || "None."),
      h("p", {}, h("small", {}, `${kpi(S.kpi).owner ? `${kpi(S.kpi).owner}. ` : ""}This page is for reading; writing is done with kpi explore.`)));
  },
});
