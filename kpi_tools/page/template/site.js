const entries = JSON.parse(document.getElementById("search-index").textContent)
  .map(([address, title, place, text]) => ({ address, title, place, text, all: `${title} ${place} ${text}`.toLowerCase() }));
const field = document.getElementById("search"), said = document.getElementById("search-said"), list = document.getElementById("search-found");
field.closest("div").hidden = false;
field.addEventListener("input", () => {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  const found = words.length ? entries.filter((one) => words.every((word) => one.all.includes(word.replace(/(?<=..)s$/, "")))) : [];
  said.textContent = words.length ? `${found.length} found${found.length > 50 ? ", the first 50 are shown" : ""}` : "";
  list.replaceChildren(...found.slice(0, 50).map((one) => {
    const item = document.createElement("li"), link = document.createElement("a");
    link.href = one.address;
    link.textContent = `${one.title} (${one.place})`;
    item.append(link, one.text ? ` ${one.text.slice(0, 160)}` : "");
    return item;
  }));
});
