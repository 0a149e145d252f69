// A table that sorts by its headers and filters by text and by the values of its axes. Rows are made when they are shown.

/** Rows that are made at once; a button makes as many again. */
const ROWS = 200;

const COLLATOR = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

function compare(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return COLLATOR.compare(String(a), String(b));
}

/**
 * Puts a table into `host`.
 *
 * `columns`: { label, value(row): what is sorted by (null comes last), show(row): text or element, number, filter,
 * about }. `detail(row)` makes what opens below a row and `title(row)` names it. Returns a function that shows the rows
 * again, for columns that depend on a choice made elsewhere.
 */
function dataTable(host, { caption, columns, rows, detail, title }) {
  const state = { sort: null, descending: false, text: "", chosen: new Map(), shown: ROWS };
  const opened = new Map();
  const body = make("tbody");
  const count = make("output", { "aria-live": "polite" });
  const searched = rows.map((row) => columns.map((column) => String(column.value(row) ?? "")).join("\n").toLowerCase());

  const headers = columns.map((column, place) => {
    const sort = () => {
      state.descending = state.sort === place ? !state.descending : false;
      state.sort = place;
      headers.forEach((header, other) => {
        if (other !== place) header.removeAttribute("aria-sort");
        else header.setAttribute("aria-sort", state.descending ? "descending" : "ascending");
      });
      show();
    };
    const button = make("button", { type: "button", class: "sort", title: column.about, click: sort }, column.label);
    return make("th", { scope: "col", class: column.number ? "number" : null }, button);
  });
  const width = columns.length + (detail ? 1 : 0);
  const head = make("tr", {}, detail ? make("td", {}, "") : null, headers);
  const table = make("table", {}, make("caption", {}, caption), make("thead", {}, head), body);

  function matching() {
    const wanted = state.text.toLowerCase().split(/\s+/).filter((word) => word !== "");
    const fits = (row, place) =>
      wanted.every((word) => searched[place].includes(word)) &&
      [...state.chosen].every(([column, value]) => String(column.value(row)) === value);
    const found = rows.filter(fits);
    if (state.sort === null) return found;
    const { value } = columns[state.sort];
    const sign = state.descending ? -1 : 1;
    const missing = (key) => key === null || key === undefined;
    return found.sort((a, b) => {
      const [left, right] = [value(a), value(b)];
      if (missing(left) || missing(right)) return missing(left) - missing(right);
      return sign * compare(left, right);
    });
  }

  function show() {
    const found = matching();
    body.replaceChildren(...found.slice(0, state.shown).flatMap(rowElements));
    if (found.length > state.shown) {
      const more = () => { state.shown += ROWS; show(); };
      const button = make("button", { type: "button", class: "more", click: more }, `Show ${ROWS} more`);
      body.append(make("tr", {}, make("td", { colspan: width }, button)));
    }
    const all = rows.length === 1 ? "1 row" : `${rows.length} rows`;
    count.textContent = found.length === rows.length ? all : `${found.length} of ${all}`;
  }

  function rowElements(row) {
    const cells = columns.map((column, place) => {
      const shown = column.show ? column.show(row) : String(column.value(row) ?? MISSING);
      return make(place === 0 ? "th" : "td",
        { scope: place === 0 ? "row" : null, class: column.number ? "number" : "name" }, shown);
    });
    if (!detail) return [make("tr", {}, cells)];
    const below = make("tr", { hidden: true }, make("td", { class: "detail", colspan: width }));
    const open = (wanted) => {
      button.setAttribute("aria-expanded", String(wanted));
      button.textContent = wanted ? "Close" : "Open";
      below.hidden = !wanted;
      if (!wanted) {
        opened.delete(row);
        return;
      }
      if (!opened.has(row)) opened.set(row, make("div", {}, detail(row)));
      below.firstChild.replaceChildren(opened.get(row));
    };
    const toggle = () => open(below.hidden);
    const button = make("button", { type: "button", class: "open", "aria-label": `Details of ${title(row)}`, click: toggle });
    open(opened.has(row));
    return [make("tr", {}, make("td", {}, button), cells), below];
  }

  const filters = columns.filter((column) => column.filter).map((column) => {
    const values = [...new Set(rows.map((row) => String(column.value(row))))].sort(COLLATOR.compare);
    if (values.length < 2) return null;
    const choose = (event) => {
      if (event.target.value === "") state.chosen.delete(column);
      else state.chosen.set(column, values[Number(event.target.value)]);
      show();
    };
    const options = values.map((value, place) => make("option", { value: place }, value));
    return make("label", {}, column.label, make("select", { change: choose }, make("option", { value: "" }, "all"), options));
  });
  const type = (event) => { state.text = event.target.value; show(); };
  const search = make("label", {}, "text", make("input", { type: "search", input: type, "aria-label": `Filter: ${caption}` }));
  host.append(make("div", { class: "filters" }, search, filters, count), scrolling(caption, table));
  show();
  return () => { opened.clear(); show(); };
}
