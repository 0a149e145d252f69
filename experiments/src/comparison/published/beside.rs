//! What SAPO changes here beside what the paper says that it changes, for every method and stream of the same name.

use itertools::Itertools;
use sapo_lab::plots::{self, DifferenceRow, Differences, Figure};
use sapo_lab::tables::Table;

use super::OfStreams;
use crate::comparison::groups::METRICS;
use crate::comparison::paired::PairedRow;
use crate::published::{Published, Quantity};
use crate::reporting::{marked, note};

/// The arm that the published differences are of.
const ARM: &str = "sapo";

/// Differences with their published counterparts.
pub(super) struct Beside<'a> {
    results: &'a OfStreams<'a>,
    /// The models that have a counterpart, in the order of the paper.
    pub(super) models: Vec<&'a str>,
    /// In the order of the results.
    pub(super) pairs: Vec<Pair<'a>>,
}

/// One of our differences, and those of each model of the paper.
pub(super) struct Pair<'a> {
    pub(super) ours: &'a PairedRow<'a>,
    pub(super) published: Vec<Option<f64>>,
}

impl<'a> Beside<'a> {
    /// Pairs what can be paired; a stream or method that the paper does not have is left out.
    pub(super) fn new(results: &'a OfStreams<'a>, published: &'a [Published]) -> Self {
        let ours = || results.paired.iter().copied().filter(|row| row.arm == ARM);
        let fits = |row: &PairedRow, published: &Published| {
            published.quantity == Quantity::Sapo
                && published.stream == row.values[0]
                && published.method == row.values[results.method]
        };
        let fitting = published.iter().filter(|published| ours().any(|row| fits(row, published)));
        let models: Vec<&str> = fitting.map(|published| published.model.as_str()).unique().collect();
        let pair = |ours: &'a PairedRow<'a>| {
            let metric = METRICS.iter().position(|metric| *metric == ours.metric)?;
            let of_model =
                |model: &&str| published.iter().find(|row| row.model == **model && fits(ours, row));
            let published: Vec<_> =
                models.iter().map(|model| of_model(model).map(|row| row.numbers[metric])).collect();
            published.iter().any(Option::is_some).then_some(Pair { ours, published })
        };
        let pairs = ours().filter_map(pair).collect();
        Self { results, models, pairs }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    pub(super) fn table(&self) -> anyhow::Result<Table> {
        let method = self.results.method;
        let ours = || self.pairs.iter().map(|pair| pair.ours);
        let mut table = Table::builder("beside_published", marked(&self.caption(), self.results.limited))
            .text("method", ours().map(|row| row.values[method].as_str()))
            .text("stream", ours().map(|row| row.values[0].as_str()))
            .text("metric", ours().map(|row| row.metric))
            .integer("seeds", ours().map(|row| row.comparison.n as i64))
            .estimate("difference", 1, ours().map(|row| row.comparison.difference))
            .heading("ours")
            .p_value("p_holm", ours().map(|row| row.p_holm))
            .heading("p (Holm)");
        for (place, model) in self.models.iter().enumerate() {
            table = table.optional_float(model, 2, self.pairs.iter().map(|pair| pair.published[place]));
        }
        Ok(table.build()?)
    }

    fn caption(&self) -> String {
        let OfStreams { baseline, material, paired, .. } = self.results;
        let model = &material.model;
        let apart = if material.is_the_papers() {
            format!("The sequences are the paper's; the paraphrases are not, and the model here is {model}.")
        } else {
            format!(
                "Our streams are the built-in benchmark's of the same name and type (g: generation, c: classification, m: \
                 mixed): other tasks than the paper's, and a far smaller model ({model}), so that only signs and sizes can \
                 be laid beside each other."
            )
        };
        format!(
            "What SAPO changes, in ROUGE-L points. Ours: {ARM} minus {baseline}, paired by seed, convention 'released', with 95 % \
             bootstrap interval; p after Holm's correction over all {} differences of single streams. The columns of models: \
             published differences (Shi et al. 2026), of two runs under the models of 7 to 8 billion parameters \
             and of one under the larger, without intervals. {apart}",
            paired.len()
        )
    }

    /// A row for each stream and method, a panel for each metric.
    pub(super) fn figure(&self) -> anyhow::Result<Figure> {
        let rows = self.pairs.chunk_by(|a, b| a.ours.values == b.ours.values);
        let row = |pairs: &[Pair]| {
            let of_metric = |metric: &&str| pairs.iter().find(|pair| pair.ours.metric == *metric);
            let values = &pairs[0].ours.values;
            DifferenceRow {
                name: format!("{} {}", values[0], values[self.results.method]),
                whole: false,
                values: METRICS
                    .iter()
                    .map(|metric| vec![of_metric(metric).map(|pair| pair.ours.comparison.difference)])
                    .collect(),
                marks: METRICS
                    .iter()
                    .map(|metric| match of_metric(metric) {
                        Some(pair) => pair.published.clone(),
                        None => vec![None; self.models.len()],
                    })
                    .collect(),
            }
        };
        let OfStreams { baseline, material, limited, .. } = self.results;
        let apart = if material.is_the_papers() { "" } else { " on other tasks" };
        Ok(plots::differences(&Differences {
            title: format!("{ARM} minus {baseline}, and what the paper found{apart}{}", note(*limited)),
            unit: format!("ROUGE-L points; {ARM}: mean and 95 % interval"),
            metrics: METRICS.map(String::from).to_vec(),
            arms: vec![ARM.to_string()],
            beside: Vec::new(),
            marks: self.models.iter().map(|model| format!("{model} (paper)")).collect(),
            rows: rows.map(row).collect(),
        })?)
    }
}
