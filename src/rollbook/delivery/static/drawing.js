// Drawing: charts and tables from what a JSON twin holds; every page with charts uses it.

const themes = JSON.parse(document.getElementById("themes").textContent);
const dark = matchMedia("(prefers-color-scheme: dark)");
const drawn = new Map(); // element -> {spec, mode, result}

const whole = new Intl.NumberFormat("en");
const percent = new Intl.NumberFormat("en", {style: "percent", maximumFractionDigits: 1});

// the charts' code is large and comes last: figures and tables do not wait for it
const vega = new Promise((resolve, reject) => {
  const script = document.getElementById("vega");
  if (window.vegaEmbed) resolve(window.vegaEmbed);
  script.addEventListener("load", () => resolve(window.vegaEmbed));
  script.addEventListener("error", () => reject(new Error("The charts’ code did not load; the tables hold the same.")));
});

/** Calls back when the colours change, so that charts can be drawn anew. */
export function onColours(callback) {
  dark.addEventListener("change", callback);
}

/** Draws `rows` by `spec` into `element`; what is drawn already only gets its new rows. */
export async function draw(element, spec, rows) {
  const embed = await vega;
  const mode = dark.matches ? "dark" : "light";
  const text = JSON.stringify(spec);
  const before = drawn.get(element);
  if (before && before.text === text && before.mode === mode) {
    await before.result.view.data("rows", structuredClone(rows)).runAsync();
    return;
  }
  const place = document.createElement("div");
  place.className = "drawing";
  element.append(place);
  const data = {name: "rows", values: structuredClone(rows)};
  const result = await embed(place, {...spec, data}, {
    actions: false,
    ast: true,
    config: themes[mode],
    defaultStyle: false,
    renderer: "svg",
    tooltip: {theme: "own", disableDefaultStyle: true},
  });
  forget(element);
  drawn.set(element, {text, mode, result, place});
}

/** Takes a chart away. */
export function forget(element) {
  const before = drawn.get(element);
  if (!before) return;
  before.result.finalize();
  before.place.remove();
  drawn.delete(element);
}

/** Fills a table with rows; `columns` are {field, title, is_share}. */
export function fillTable(table, caption, columns, rows) {
  const head = row(columns.map((column) => cell("th", column.title, {scope: "col"})));
  const body = rows.map((values) => row(columns.map((column) => shown(column, values[column.field]))));
  const title = document.createElement("caption");
  title.className = "hidden";
  title.textContent = caption;
  table.replaceChildren(title, part("thead", [head]), part("tbody", body));
}

function shown(column, value) {
  if (value === null) return cell("td", "–", {class: "number"});
  if (column.is_share) return cell("td", percent.format(value), {class: "number"});
  if (typeof value === "number") return cell("td", whole.format(value), {class: "number"});
  return cell("td", String(value), {});
}

function cell(tag, text, attributes) {
  const made = document.createElement(tag);
  made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function row(cells) {
  return part("tr", cells);
}

function part(tag, children) {
  const made = document.createElement(tag);
  made.append(...children);
  return made;
}
