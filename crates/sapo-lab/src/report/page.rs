//! The page itself: the template filled in, with style, script and data inside.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Value, context};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::cell::Cell;
use super::error::ReportError;
use super::experiment::{Experiment, Figures};
use super::figures::Shown;
use super::groups::Group;
use super::origin::{Fact, Times};
use super::settings::{Differing, Settings};
use crate::plots::palette::{Rgb, ink_on, sequential};

/// Its name ends in `.html`, so that everything put in is escaped.
const TEMPLATE: &str = "report.html";

const STYLE: &str = include_str!("../../assets/report/report.css");

/// One idea a file; together one script.
const SCRIPTS: [&str; 4] = [
    include_str!("../../assets/report/elements.js"),
    include_str!("../../assets/report/table.js"),
    include_str!("../../assets/report/cell.js"),
    include_str!("../../assets/report/report.js"),
];

/// Shades of the heat tables, from 0 to 100.
const SHADES: u32 = 50;

/// What the script needs of an experiment.
#[derive(Serialize)]
struct Data<'a> {
    axes: &'a [String],
    group_axes: Vec<&'a String>,
    metrics: &'a [String],
    groups: &'a [Group],
    cells: &'a [Cell],
    texts: &'a [String],
    /// Background and ink.
    heat: Vec<[String; 2]>,
}

/// All experiments on one page.
pub(super) fn render(experiments: &[Experiment]) -> Result<String, ReportError> {
    let script = format!("\"use strict\";\n(() => {{\n{}}})();\n", SCRIPTS.concat());
    let sections = experiments.iter().map(section).collect::<Result<Vec<Value>, ReportError>>()?;
    let names: Vec<&str> = experiments.iter().map(|experiment| experiment.name.as_str()).collect();
    let mut environment = Environment::new();
    environment.set_syntax(SyntaxConfig::builder().keep_trailing_newline(true).build()?);
    environment.add_template(TEMPLATE, include_str!("../../assets/report/report.html"))?;
    Ok(environment.get_template(TEMPLATE)?.render(context! {
        title => format!("Report: {}", names.join(", ")),
        version => env!("CARGO_PKG_VERSION"),
        // The browser runs the script with this hash and no other.
        script_hash => STANDARD.encode(Sha256::digest(script.as_bytes())),
        style => Value::from_safe_string(STYLE.to_owned()),
        script => Value::from_safe_string(script),
        experiments => sections,
    })?)
}

fn section(experiment: &Experiment) -> Result<Value, ReportError> {
    let shade = |i: u32| sequential(f64::from(i) / f64::from(SHADES));
    let data = Data {
        axes: &experiment.axes,
        group_axes: experiment.group_axes(),
        metrics: &experiment.metrics,
        groups: &experiment.groups,
        cells: &experiment.cells,
        texts: &experiment.texts,
        heat: (0..=SHADES).map(|i| [hex(shade(i)), hex(ink_on(shade(i)))]).collect(),
    };
    let data = serde_json::to_string(&data)
        .map_err(|source| ReportError::Data { experiment: experiment.name.clone(), source })?;
    Ok(context! {
        name => experiment.name.clone(),
        question => experiment.question.clone(),
        notices => experiment.notices.clone(),
        damaged => experiment.damaged.clone(),
        cells => experiment.cells.len(),
        settings => settings(&experiment.settings),
        facts => experiment.facts.iter().map(fact).collect::<Vec<_>>(),
        times => experiment.times.as_ref().map(times),
        figures => figures(&experiment.figures),
        data => Value::from_safe_string(inside_script(&data)),
    })
}

fn settings(settings: &Settings) -> Value {
    let differing =
        |Differing { name, axis, values, more }: &Differing| context! { name, axis, values, more };
    context! {
        same => settings.same.clone(),
        differing => settings.differing.iter().map(differing).collect::<Vec<_>>(),
    }
}

fn fact(Fact { name, values, more }: &Fact) -> Value {
    context! { name, values, more }
}

fn times(Times { first, last, hours }: &Times) -> Value {
    context! { first, last, hours }
}

fn figures(Figures { drawn, shown, missing }: &Figures) -> Value {
    let figure = |Shown { name, source }: &Shown| context! { name, source };
    context! { drawn, missing, shown => shown.iter().map(figure).collect::<Vec<_>>() }
}

/// JSON that cannot end the element that holds it: no `</script>`, no `<!--`.
fn inside_script(json: &str) -> String {
    json.replace('<', "\\u003c")
}

/// As in CSS: `#0072b2`.
pub(super) fn hex([red, green, blue]: Rgb) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_sets_hostile_text_as_text_alone() {
        let script = SCRIPTS.concat();
        for forbidden in
            ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "</script"]
        {
            assert!(!script.contains(forbidden), "{forbidden}");
        }
    }

    #[test]
    fn json_cannot_end_its_element() {
        let text = "</script><script>alert(1)</script><!--";
        let inside = inside_script(&serde_json::to_string(text).unwrap());
        assert!(!inside.contains('<'), "{inside}");
        assert_eq!(serde_json::from_str::<String>(&inside).unwrap(), text);
    }
}
