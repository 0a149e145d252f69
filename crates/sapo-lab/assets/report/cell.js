// What opens below a cell of the grid.

/** All that is known of a cell; `metric` is the one whose matrix is shown. */
function cellDetail(data, cell, metric) {
  const identity = [`cell ${cell.id}`, `begun ${cell.started}`, duration(cell.seconds), `commit ${cell.commit ?? "unknown"}`];
  if (cell.limited) identity.push("limited: fewer examples than the experiment says");
  return [
    make("p", { class: "identity" }, identity.join(" · ")),
    onDemand("Transfer matrix", () => matrix(data, cell, metric), true),
    onDemand("Wordings and their losses", () => cell.steps.map((step) => wordings(data, cell, step))),
    onDemand("Training loss", () => curve(cell)),
    onDemand("Seconds and tokens", () => usage(cell)),
    onDemand("What the model answered", () => answers(data, cell)),
    onDemand("Settings of this cell alone", () => settings(cell)),
  ];
}

function matrix(data, cell, metric) {
  const scores = cell.scores[metric];
  if (!scores || scores.matrix.length === 0) return missing(scores?.missing ?? `no ${metric} was stored`);
  const shade = (value) => data.heat[Math.round(Math.min(1, Math.max(0, value / 100)) * (data.heat.length - 1))];
  const place = (value, step, task) => {
    const cellElement = make("td", { class: step === task + 1 ? "own" : null }, decimal(value));
    if (value !== null) [cellElement.style.backgroundColor, cellElement.style.color] = shade(value);
    return cellElement;
  };
  const rows = scores.matrix.map((row, step) => make("tr", {},
    make("th", { scope: "row" }, step === 0 ? "untouched model" : `after ${step}. ${cell.tasks[step - 1]}`),
    row.map((value, task) => place(value, step, task))));
  const head = make("tr", {}, make("td"), cell.tasks.map((task, at) => make("th", { scope: "col" }, `${at + 1}. ${task}`)));
  const caption = `${metricName(metric)} of every task (columns) after each training (rows)`;
  const table = make("table", { class: "heat" }, make("caption", {}, caption), make("thead", {}, head), make("tbody", {}, rows));
  const note = "Framed: just after the task's own training. Right of the frame the task is still to come, below it later tasks were trained.";
  return [make("p", { class: "remark" }, `${caption}. ${note}`), scrolling(caption, table),
    scores.missing ? missing(`no AP, BWT and FWT: ${scores.missing}`) : null].filter(Boolean);
}

function wordings(data, cell, step) {
  const text = (place) => data.texts[place];
  const asked = step.variants.filter((variant) => variant.loss !== null);
  const order = [...step.variants].sort((a, b) => (a.loss ?? Infinity) - (b.loss ?? Infinity));
  const chosen = step.variants.find((variant) => variant.chosen);
  const title = make("h3", {}, `${step.task}. ${cell.tasks[step.task - 1]}: `,
    chosen ? make("code", {}, text(chosen.id)) : "no wording was stored",
    chosen && chosen.loss !== null ? ` (${asked.filter((other) => other.loss < chosen.loss).length + 1}. of ${asked.length} by loss)` : "");
  const trained = step.wordings.length > 1
    ? make("p", { class: "remark" }, "Trained with ", step.wordings.map(([id, times]) => `${text(id)} (${times} steps)`).join(", "))
    : null;
  if (order.length === 0) return make("div", {}, title, trained);
  const highest = Math.max(...asked.map((variant) => variant.loss), 1e-9);
  const bar = (loss) => {
    const length = make("span", { class: "bar", "aria-hidden": "true" });
    length.style.width = `${100 * loss / highest}%`;
    return length;
  };
  const rows = order.map((variant) => make("tr", { class: variant.chosen ? "chosen" : null },
    make("th", { scope: "row" }, make("code", {}, text(variant.id)), variant.chosen ? " (chosen)" : "",
      make("div", { class: "wording" }, text(variant.text))),
    make("td", { class: "number" }, variant.loss === null ? "not asked" : [decimal(variant.loss, 4), bar(variant.loss)]),
    make("td", { class: "number" }, variant.loss === null ? "" : whole(variant.examples))));
  const caption = `Wordings of ${cell.tasks[step.task - 1]}`;
  const head = make("tr", {}, make("th", { scope: "col" }, "wording"), make("th", { scope: "col", class: "number" }, "loss (nats)"),
    make("th", { scope: "col", class: "number" }, "examples"));
  return make("div", {}, title, trained, scrolling(`${caption}, loss before training in nats a token`,
    make("table", {}, make("caption", {}, caption), make("thead", {}, head), make("tbody", {}, rows))));
}

function curve(cell) {
  const lengths = cell.steps.map((step) => step.curve.at(-1)?.[0] ?? 0);
  const total = lengths.reduce((sum, length) => sum + length, 0);
  if (total === 0) return missing("no training was stored");
  const [width, height, left, bottom, top] = [Math.min(720, document.documentElement.clientWidth - 48), 230, 44, 34, 18];
  const highest = Math.max(...cell.steps.flatMap((step) => step.curve.map(([, loss]) => loss)), 1e-9);
  const x = (step) => left + (width - left - 8) * step / total;
  const y = (loss) => top + (height - top - bottom) * (1 - loss / highest);
  const parts = [];
  let before = 0;
  cell.steps.forEach((step, place) => {
    const points = step.curve.map(([at, loss]) => `${x(before + at).toFixed(1)},${y(loss).toFixed(1)}`);
    if (place > 0) parts.push(makeSvg("line", { class: "task", x1: x(before), x2: x(before), y1: top, y2: height - bottom }));
    parts.push(makeSvg("polyline", { class: "loss", points: points.join(" ") }));
    parts.push(makeSvg("text", { x: (x(before) + x(before + lengths[place])) / 2, y: top - 5, "text-anchor": "middle" }, String(place + 1)));
    before += lengths[place];
  });
  const mark = (loss) => [
    makeSvg("line", { class: "axis", x1: left, x2: width - 8, y1: y(loss), y2: y(loss) }),
    makeSvg("text", { x: left - 6, y: y(loss) + 4, "text-anchor": "end" }, loss.toPrecision(2)),
  ];
  const axis = [0, highest / 2, highest].flatMap(mark);
  const words = `Training loss over ${whole(total)} optimiser steps in ${cell.tasks.length} tasks, highest ${decimal(highest, 2)} nats a token`;
  const below = makeSvg("text", { x: left, y: height - 8 }, `${whole(total)} optimiser steps, tasks numbered above`);
  return [make("p", { class: "remark" }, "Mean nats per target token; long trainings are shown as means of parts."),
    makeSvg("svg", { class: "curve", viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": words }, axis, parts, below)];
}

function usage(cell) {
  if (cell.usage.length === 0) return missing("no usage was stored");
  const phases = [...new Set(cell.usage.map((row) => row.phase))];
  const steps = [...new Set(cell.usage.map((row) => row.step))].sort((a, b) => a - b);
  const sum = (rows, key) => rows.reduce((total, row) => total + row[key], 0);
  const rows = phases.map((phase) => {
    const ofPhase = cell.usage.filter((row) => row.phase === phase);
    const [seconds, tokens] = [sum(ofPhase, "seconds"), sum(ofPhase, "forward_tokens")];
    return make("tr", {}, make("th", { scope: "row" }, phase),
      make("td", { class: "number" }, decimal(seconds), make("span", { class: "interval" }, ` ${percent(seconds / cell.seconds)}`)),
      make("td", { class: "number" }, whole(tokens), make("span", { class: "interval" }, ` ${percent(tokens / Math.max(1, cell.tokens))}`)),
      steps.map((step) => make("td", { class: "number" }, decimal(sum(ofPhase.filter((row) => row.step === step), "seconds")))));
  });
  const all = make("tr", {}, make("th", { scope: "row" }, "whole cell"), make("td", { class: "number" }, decimal(cell.seconds)),
    make("td", { class: "number" }, whole(cell.tokens)), make("td", { colspan: steps.length }));
  const column = (label) => make("th", { scope: "col", class: "number" }, label);
  const head = make("tr", {}, make("th", { scope: "col" }, "phase"), column("seconds"), column("tokens forward"),
    steps.map((step) => column(step === 0 ? "s, untouched" : `s, task ${step}`)));
  const caption = "Seconds and tokens by phase";
  const remark = "Shares are of the whole cell by the clock, loading included. The seconds of interference are part of those of select.";
  return [make("p", { class: "remark" }, remark), scrolling(caption,
    make("table", {}, make("caption", {}, caption), make("thead", {}, head), make("tbody", {}, rows, all)))];
}

function answers(data, cell) {
  if (cell.samples.length === 0) return missing("no answers were asked for or stored");
  const text = (place) => data.texts[place];
  const shown = (answer) => {
    if (answer === null) return make("td", {}, MISSING);
    const [kind, verdict] = answer.right ? ["right", "\u2713 right"] : ["wrong", "\u2717 wrong"];
    const rouge = answer.right || answer.rouge_l === null ? "" : `, ROUGE-L ${decimal(answer.rouge_l, 0)}`;
    return make("td", { class: "answer" }, text(answer.text) === "" ? make("i", {}, "nothing") : text(answer.text),
      make("span", { class: `verdict ${kind}` }, verdict + rouge));
  };
  const when = (step, task) =>
    [step === 0 ? "untouched model" : null, step === task ? "after its own training" : null,
      step === cell.tasks.length ? "at the end" : null].filter(Boolean).join(", ") || `after task ${step}`;
  return cell.samples.map((sampled) => {
    const name = cell.tasks[sampled.task - 1] ?? `task ${sampled.task}`;
    const rows = sampled.examples.map((example) => make("tr", {}, make("th", { scope: "row" }, whole(example.index)),
      make("td", { class: "answer" }, example.references.map(text).join("\nor: ")), example.answers.map(shown)));
    const head = make("tr", {}, make("th", { scope: "col" }, "example"), make("th", { scope: "col" }, "accepted answer"),
      sampled.steps.map((step) => make("th", { scope: "col" }, when(step, sampled.task))));
    const caption = `Answers on ${name}`;
    return make("div", {}, make("h3", {}, `${sampled.task}. ${name}`), scrolling(caption,
      make("table", {}, make("caption", {}, caption), make("thead", {}, head), make("tbody", {}, rows))));
  });
}

function settings(cell) {
  const pairs = Object.entries(cell.differing);
  if (pairs.length === 0) return missing("none but the axes");
  const rows = pairs.map(([name, value]) =>
    make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, make("code", {}, value))));
  return make("table", { class: "facts" }, make("tbody", {}, rows));
}

function missing(why) {
  return make("p", { class: "missing" }, `Nothing to show: ${why}.`);
}
