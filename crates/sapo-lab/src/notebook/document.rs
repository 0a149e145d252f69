//! The notebook itself, in the form of Jupyter (nbformat 4.5) and written as Jupyter writes it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sapo_files::whole;
use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};
use serde_json::{Value, json};

use super::error::NotebookError;
use super::origin::{Fact, Origin};
use super::promoted::{Promoted, figure, markdown, parquet};
use super::sheet::Sheet;

/// The code that every notebook begins with.
const SHOW: &str = include_str!("show.py");

/// The longest id of a cell that the format allows.
const LONGEST_ID: usize = 64;

/// More values of one fact than a reader wants to see.
const MOST_VALUES: usize = 4;

/// Writes `<folder>/<experiment>.ipynb`, whole or not at all, from the promoted folders `<folder>/<experiment>/<scale>` of
/// those of `scales` that are there; nothing where none is.
///
/// # Errors
/// [`NotebookError`] with the path of the file.
pub fn write_notebook(folder: &Path, experiment: &str, scales: &[&str]) -> Result<(), NotebookError> {
    let mut sections = Vec::new();
    for scale in scales {
        sections.extend(Promoted::read(&folder.join(experiment).join(scale))?);
    }
    if sections.is_empty() {
        return Ok(());
    }
    let path = folder.join(format!("{experiment}.ipynb"));
    let mut bytes = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut bytes, PrettyFormatter::with_indent(b" "));
    notebook(folder, &sections)?
        .serialize(&mut serializer)
        .map_err(|source| NotebookError::Encode { path: path.clone(), source })?;
    bytes.push(b'\n');
    whole::write(&path, &bytes).map_err(NotebookError::io(&path, "write"))
}

/// The notebook of one experiment as JSON, a section a scale; `folder` holds the experiment's folder.
///
/// # Errors
/// [`NotebookError`] where a promoted file cannot be read.
pub fn notebook(folder: &Path, sections: &[Promoted]) -> Result<Value, NotebookError> {
    let mut cells = Cells::default();
    if let Some(first) = sections.first() {
        cells.text("title", &title(first));
    }
    cells.code("setup", SHOW, None);
    for section in sections {
        let of_scale = folder.join(&section.experiment).join(&section.scale);
        cells.text(&format!("scale-{}", section.scale), &facts(section));
        for table in &section.tables {
            add_table(&mut cells, section, &of_scale, table, sections.len() > 1)?;
        }
        for name in &section.figures {
            add_figure(&mut cells, section, &of_scale, name)?;
        }
    }
    Ok(json!({
        "cells": cells.cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }))
}

fn add_table(
    cells: &mut Cells,
    section: &Promoted,
    folder: &Path,
    table: &str,
    several: bool,
) -> Result<(), NotebookError> {
    let Promoted { experiment, scale, .. } = section;
    let path = markdown(folder, table);
    let text = fs::read_to_string(&path).map_err(NotebookError::io(&path, "read"))?;
    let caption = text.split_once("\n\n").map_or("", |(_, caption)| caption.trim_end());
    let id = format!("{scale}-table-{table}");
    cells.text(&format!("{id}-caption"), format!("### `{table}`\n\n{caption}").trim_end());
    let sheet = Sheet::read(&parquet(folder, table))?;
    let variable = variable(&if several { format!("{table}_{scale}") } else { table.to_owned() });
    let code = format!(
        "{variable} = pl.read_parquet(\"{experiment}/{scale}/tables/{table}.parquet\")\nShow({variable})"
    );
    let data = json!({"text/html": lines(&sheet.to_html()), "text/plain": lines(&sheet.to_plain())});
    cells.code(&id, &code, Some((data, json!({}))));
    Ok(())
}

fn add_figure(cells: &mut Cells, section: &Promoted, folder: &Path, name: &str) -> Result<(), NotebookError> {
    let path = figure(folder, name);
    let bytes = fs::read(&path).map_err(NotebookError::io(&path, "read"))?;
    // drawn twice as large as it is to be shown
    let width = png_width(&bytes).ok_or_else(|| NotebookError::Figure { path: path.clone() })? / 2;
    let Promoted { experiment, scale, .. } = section;
    let code = format!("Image(\"{experiment}/{scale}/figures/{name}.png\", width={width})");
    let data = json!({
        "image/png": BASE64_STANDARD.encode(&bytes),
        "text/plain": ["<IPython.core.display.Image object>"],
    });
    cells.code(
        &format!("{scale}-figure-{name}"),
        &code,
        Some((data, json!({"image/png": {"width": width}}))),
    );
    Ok(())
}

/// Dots, from the header of the file; none where it is no PNG.
fn png_width(bytes: &[u8]) -> Option<u32> {
    let header = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n")?.get(8..12)?;
    Some(u32::from_be_bytes(header.try_into().ok()?))
}

fn title(section: &Promoted) -> String {
    let Promoted { experiment, question, .. } = section;
    format!(
        "# {experiment}\n\n**Question.** {question}\n\nEverything that is shown here lies in the folder `{experiment}` beside \
         this notebook, which runs again in this place where Python has `polars` and `ipykernel`."
    )
}

/// How the results of a scale came to be.
fn facts(section: &Promoted) -> String {
    let Promoted { scale, command, quick, seeds, origin, left_out, .. } = section;
    let mut text = format!("## Scale {scale}\n\n```sh\n{command}\n```\n");
    let mut fact = |name: &str, value: &str| text += &format!("\n- {name}: {value}");
    if let Some(seeds) = seeds {
        fact(
            "seeds",
            &format!("{seeds}{}", if *quick { " (QUICK: fewer than the experiment has)" } else { "" }),
        );
    } else if *quick {
        fact("QUICK", "made with less than the experiment does");
    }
    let Origin { runs, finished, facts } = origin;
    if *runs > 0 {
        fact("runs", &runs.to_string());
    }
    if let Some(finished) = finished {
        fact("finished", finished);
    }
    facts.iter().for_each(|known| fact(&known.name, &values(known, *runs)));
    if !left_out.is_empty() {
        let names: Vec<String> =
            left_out.iter().map(|left_out| format!("`{}` ({})", left_out.name, left_out.why)).collect();
        fact("also made, and not kept here", &names.join(", "));
    }
    text
}

/// The values of a fact, with the number of runs where there are several.
fn values(fact: &Fact, runs: usize) -> String {
    let Fact { values, .. } = fact;
    let shown = values.iter().take(MOST_VALUES).map(|(value, count)| {
        if values.len() == 1 { value.clone() } else { format!("{value} ({count} of {runs} runs)") }
    });
    let mut shown: Vec<String> = shown.collect();
    if values.len() > MOST_VALUES {
        shown.push(format!("{} more", values.len() - MOST_VALUES));
    }
    shown.join("; ")
}

/// A name of Python.
fn variable(name: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let name: String = name.chars().map(letter).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("table_{name}") } else { name }
}

/// A text as the format keeps it: its lines, each with its end.
fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// The cells so far.
#[derive(Default)]
struct Cells {
    cells: Vec<Value>,
    ids: BTreeSet<String>,
    /// Code cells, which are numbered as if they had been executed.
    executed: usize,
}

impl Cells {
    fn text(&mut self, id: &str, text: &str) {
        let id = self.id(id);
        self.cells.push(json!({
            "cell_type": "markdown", "id": id, "metadata": {}, "source": lines(text),
        }));
    }

    /// Code, and what it shows: data by type, and their metadata.
    fn code(&mut self, id: &str, code: &str, shown: Option<(Value, Value)>) {
        let id = self.id(id);
        self.executed += 1;
        let outputs: Vec<Value> = shown
            .into_iter()
            .map(|(data, metadata)| {
                json!({
                    "data": data, "execution_count": self.executed, "metadata": metadata,
                    "output_type": "execute_result",
                })
            })
            .collect();
        self.cells.push(json!({
            "cell_type": "code", "execution_count": self.executed, "id": id, "metadata": {}, "outputs": outputs,
            "source": lines(code.trim_end()),
        }));
    }

    /// An id that the format allows and no other cell has.
    fn id(&mut self, wanted: &str) -> String {
        let letter = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' };
        let whole: String = wanted.chars().map(letter).collect();
        let mut id: String = whole.chars().take(LONGEST_ID).collect();
        for number in 2.. {
            if self.ids.insert(id.clone()) {
                break;
            }
            let end = format!("-{number}");
            id = whole.chars().take(LONGEST_ID - end.len()).chain(end.chars()).collect();
        }
        id
    }
}
