//! From runs to the documentation: promoted folders, notebooks, figures, generated blocks.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use sapo_files::{folder, whole};
use sapo_lab::Store;
use sapo_lab::experiment::Description;
use sapo_lab::notebook::{self, LeftOut, Origin, Promoted, Promotion, write_notebook};

use super::blocks::{self, Wanted};
use super::list::{List, Listed, fitting};
use super::note::Note;
use crate::settings::SCALES;

/// The texts that hold generated blocks.
const TEXTS: [&str; 2] = ["README.md", "docs/experiments.md"];

/// Where promoted results lie.
const EXPORT: &str = "notebooks-export";

/// The checkout that results are written into, and the list that says which.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shelf<'a> {
    pub(super) project: &'a Path,
    pub(super) list: &'a List,
}

impl Shelf<'_> {
    /// Takes over what a run has noted: tables, figures, notebook. Gives what is to be said of it.
    pub(super) fn promote(&self, listed: &Listed, out: &Path, note: &Note) -> anyhow::Result<String> {
        let name = &listed.name;
        let runs = out.join(name);
        note.check(&runs)?;
        let patterns = listed.figures.as_ref().unwrap_or(&self.list.figures);
        let (mut figures, unwanted): (Vec<_>, Vec<_>) =
            note.figures().into_iter().partition(|figure| fitting(patterns, figure).is_some());
        figures.sort_by_key(|figure| fitting(patterns, figure));
        let (kept_back, tables): (Vec<_>, Vec<_>) = note
            .tables()
            .into_iter()
            .partition(|table| listed.needs_data(&note.scale) && self.list.texts_of_data.contains(table));
        let left_out = kept_back
            .iter()
            .map(|table| LeftOut::table(table, "holds texts of the benchmark"))
            .chain(unwanted.iter().map(|figure| LeftOut::figure(figure, "not chosen")))
            .collect();
        let (question, seeds, origin) = told(listed, out, note)?;
        let promotion = Promotion {
            runs: &runs,
            tables,
            figures,
            left_out,
            promoted: Promoted {
                version: notebook::VERSION,
                experiment: name.clone(),
                scale: note.scale.clone(),
                question,
                command: note.command.clone(),
                quick: note.quick,
                seeds,
                origin,
                tables: Vec::new(),
                figures: Vec::new(),
                left_out: Vec::new(),
            },
        };
        let promoted = promotion.write(&self.folder(name, &note.scale))?;
        let shown = self.show(listed, &promoted)?;
        write_notebook(&self.project.join(EXPORT), name, &SCALES)?;
        let Promoted { scale, tables, figures, .. } = promoted;
        Ok(format!("promoted {name}/{scale}: {} tables, {} figures{shown}", tables.len(), figures.len()))
    }

    /// Copies promoted figures to where the pages show them, and removes those that were shown there and are promoted no
    /// more. Gives what is to be said of it.
    fn show(&self, listed: &Listed, promoted: &Promoted) -> anyhow::Result<String> {
        let shown = self.figures(listed, &promoted.scale);
        let place = shown.strip_prefix(self.project).unwrap_or(&shown).display();
        if promoted.quick {
            // a figure cannot be marked as a table is, and what is written beneath it is of all seeds
            return Ok(format!("; QUICK: {place} stays as it is"));
        }
        let figures = self.folder(&promoted.experiment, &promoted.scale).join("figures");
        for figure in &promoted.figures {
            let file = format!("{figure}.png");
            let (from, to) = (figures.join(&file), shown.join(&file));
            let bytes = fs::read(&from).with_context(|| format!("cannot read {}", from.display()))?;
            whole::write(&to, &bytes).with_context(|| format!("cannot write {}", to.display()))?;
        }
        let is_stale = |file: &str| {
            file.strip_suffix(".png").is_some_and(|name| !promoted.figures.iter().any(|kept| kept == name))
        };
        let removed = folder::clear(&shown, is_stale)?;
        Ok(if removed.is_empty() {
            String::new()
        } else {
            format!("; removed from {place}: {}", removed.join(", "))
        })
    }

    /// Writes the promoted tables into all texts, or into none where a block is wrong; names the texts that have changed.
    pub(super) fn write_blocks(&self) -> anyhow::Result<Vec<&'static str>> {
        let mut changed = Vec::new();
        for text in TEXTS {
            let path = self.project.join(text);
            if !path.exists() {
                continue;
            }
            let old = fs::read_to_string(&path).with_context(|| format!("cannot read {text}"))?;
            let new =
                blocks::replace(&old, &mut |wanted| self.table(wanted)).with_context(|| text.to_string())?;
            if new != old {
                changed.push((text, path, new));
            }
        }
        for (text, path, new) in &changed {
            whole::write(path, new.as_bytes()).with_context(|| format!("cannot write {text}"))?;
        }
        Ok(changed.into_iter().map(|(text, ..)| text).collect())
    }

    /// A promoted table in Markdown; none where nothing of its experiment and scale has been promoted yet.
    fn table(&self, wanted: &Wanted) -> anyhow::Result<Option<String>> {
        let Wanted { experiment, scale, table, .. } = wanted;
        let listed =
            self.list.find(experiment).with_context(|| format!("no experiment is named {experiment}"))?;
        if !listed.scales.contains(scale) {
            bail!("{experiment} has no scale {scale}");
        }
        let folder = self.folder(experiment, scale);
        let Some(promoted) = Promoted::read(&folder)? else { return Ok(None) };
        if !promoted.tables.contains(table) {
            let left_out =
                promoted.left_out.iter().find(|left_out| left_out.name == format!("{table}.parquet"));
            match left_out {
                Some(left_out) => bail!("the table was not promoted: {}", left_out.why),
                None => bail!(
                    "{experiment} has no table {table} at scale {scale}: expected one of {}",
                    promoted.tables.join(", ")
                ),
            }
        }
        let path = folder.join("tables").join(format!("{table}.md"));
        Ok(Some(fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?))
    }

    fn folder(&self, experiment: &str, scale: &str) -> PathBuf {
        self.project.join(EXPORT).join(experiment).join(scale)
    }

    /// Figures of the first scale lie in the experiment's own folder, others in one below.
    fn figures(&self, listed: &Listed, scale: &str) -> PathBuf {
        let folder = self.project.join("docs/figures").join(&listed.name);
        if listed.scales.first().is_some_and(|first| first == scale) { folder } else { folder.join(scale) }
    }
}

/// The question, the number of seeds and what made the results.
fn told(listed: &Listed, out: &Path, note: &Note) -> anyhow::Result<(String, Option<usize>, Origin)> {
    let store = Store::open(out, &listed.name)?;
    if let Some(question) = &listed.question {
        return Ok((question.clone(), None, Origin::of_program(&note.provenance)));
    }
    let Some(grid) = Description::read(store.folder())?.filter(|_| note.says_grid()) else {
        bail!("{} says nothing of its grid", store.folder().display())
    };
    let seeds = grid.axes.iter().find(|axis| axis.name == "seed").map(|axis| axis.values.len());
    let origin = Origin::of_cells(&store, &grid)?;
    Ok((grid.question, seeds, origin))
}
