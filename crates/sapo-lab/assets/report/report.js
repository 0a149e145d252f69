// Begins: each experiment's tables, and the button for dark and light.

const SCORES = ["AP", "BWT", "FWT"];
const CONVENTIONS = ["released", "printed", "gem"];

function metricName(metric) {
  return metric === "rouge_l" ? "ROUGE-L" : metric.replaceAll("_", " ");
}

function showExperiment(section) {
  const data = JSON.parse(section.querySelector('script[type="application/json"]').textContent);
  const place = (name) => section.querySelector(`[data-place="${name}"]`);
  const state = { metric: data.metrics[0], convention: CONVENTIONS[0] };
  const refresh = [];
  const choice = (label, key, values, name) => {
    if (values.length < 2) return null;
    const choose = (event) => { state[key] = event.target.value; refresh.forEach((again) => again()); };
    return make("label", {}, label, make("select", { change: choose },
      values.map((value) => make("option", { value }, name(value)))));
  };
  place("choices").append(...[choice("score", "metric", data.metrics, metricName),
    choice("definition of BWT and FWT", "convention", CONVENTIONS, (name) => name)].filter(Boolean));
  const colours = new Map(data.groups.map((group) => [JSON.stringify(group.axes), group.colour]));
  refresh.push(means(place("means"), data, state), cells(place("cells"), data, state, colours));
}

/** The table of means: a row for all runs that differ in their seed alone. */
function means(host, data, state) {
  const of = (group, score) => group.scores[state.metric]?.[state.convention]?.[score] ?? null;
  const axes = data.group_axes.map((axis, at) => ({
    label: axis, filter: true, value: (group) => group.axes[at],
    show: (group) => (at === 0 ? [swatch(group.colour), group.axes[at]] : group.axes[at]),
  }));
  const all = { label: "runs of", value: () => "all" };
  const scores = SCORES.map((score) => ({
    label: score, number: true, about: "mean over runs with its 95 % interval; higher is better",
    value: (group) => of(group, score)?.mean ?? null,
    show: (group) => estimate(of(group, score), group, data.groups.map((other) => of(other, score)).filter(Boolean)),
  }));
  const columns = [...(axes.length > 0 ? axes : [all]),
    { label: "runs", number: true, value: (group) => group.runs,
      show: (group) => (group.limited > 0 ? `${group.runs} (${group.limited} limited)` : String(group.runs)) },
    ...scores,
    { label: "time a run", number: true, value: (group) => group.seconds.mean, show: (group) => duration(group.seconds.mean) },
    { label: "tokens a run", number: true, value: (group) => group.tokens, show: (group) => whole(group.tokens) }];
  return dataTable(host, { caption: "Means over runs", columns, rows: data.groups });
}

/** A mean with its interval, in words and to scale beside all others of its column. */
function estimate(found, group, others) {
  if (found === null) return MISSING;
  const runs = found.n === group.runs ? "" : `, n = ${found.n}`;
  const interval = found.n === 1 ? " (n = 1)" : ` [${decimal(found.low)}, ${decimal(found.high)}${runs}]`;
  const low = Math.min(...others.map((other) => other.low));
  const high = Math.max(...others.map((other) => other.high));
  const [width, height] = [110, 12];
  const x = (value) => 5 + (width - 10) * (high > low ? (value - low) / (high - low) : 0.5);
  const range = makeSvg("svg", { class: "range", width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" },
    makeSvg("line", { class: "axis", x1: 0, x2: width, y1: 6, y2: 6 }),
    makeSvg("line", { class: "group", x1: x(found.low), x2: x(found.high), y1: 6, y2: 6 }),
    makeSvg("circle", { class: "group", cx: x(found.mean), cy: 6, r: 4.5 }));
  return [decimal(found.mean), make("span", { class: "interval" }, interval), coloured(range, group.colour)];
}

/** The table of cells. */
function cells(host, data, state, colours) {
  const of = (cell, score) => cell.scores[state.metric]?.transfer[state.convention]?.[score] ?? null;
  const grouped = data.axes.map((axis, at) => [axis, at]).filter(([axis]) => data.group_axes.includes(axis)).map(([, at]) => at);
  const colour = (cell) => colours.get(JSON.stringify(grouped.map((at) => cell.axes[at])));
  const axes = data.axes.map((axis, at) => ({
    label: axis, filter: true, value: (cell) => cell.axes[at],
    show: (cell) => (at === grouped[0] ? [swatch(colour(cell)), cell.axes[at]] : cell.axes[at]),
  }));
  const scores = SCORES.map((score) => ({
    label: score, number: true, value: (cell) => of(cell, score), show: (cell) => decimal(of(cell, score)),
  }));
  const columns = [...(axes.length > 0 ? axes : [{ label: "cell", value: (cell) => cell.id }]), ...scores,
    { label: "time", number: true, value: (cell) => cell.seconds, show: (cell) => duration(cell.seconds) },
    { label: "tokens", number: true, value: (cell) => cell.tokens, show: (cell) => whole(cell.tokens) }];
  if (data.cells.some((cell) => cell.limited) && !data.axes.includes("limited")) {
    columns.push({ label: "examples", value: (cell) => (cell.limited ? "limited" : "all"), filter: true });
  }
  const title = (cell) => data.axes.map((axis, at) => `${axis} ${cell.axes[at]}`).join(", ") || cell.id;
  return dataTable(host, { caption: "Cells", columns, rows: data.cells, title,
    detail: (cell) => cellDetail(data, cell, state.metric) });
}

function themeButton() {
  const button = document.getElementById("theme");
  const root = document.documentElement;
  const set = (dark) => {
    root.style.colorScheme = dark ? "dark" : "light";
    button.setAttribute("aria-pressed", String(dark));
  };
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.style.colorScheme || (system.matches ? "dark" : "light")) === "dark";
  button.setAttribute("aria-pressed", String(isDark()));
  system.addEventListener("change", () => button.setAttribute("aria-pressed", String(isDark())));
  button.addEventListener("click", () => set(!isDark()));
  button.hidden = false;
}

themeButton();
document.querySelectorAll("[data-experiment]").forEach(showExperiment);
