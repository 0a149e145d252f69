//! What a person sees while a model is downloaded: a bar on a terminal, a few plain lines elsewhere, or nothing.

use std::io::{IsTerminal, stderr};
use std::time::Instant;

use indicatif::{DecimalBytes, ProgressBar};

use crate::progress::{PLAIN_INTERVAL, style};

/// The live display of downloads, one file after the other, on standard error.
#[derive(Debug)]
pub struct DownloadDisplay {
    style: Style,
    file: String,
}

#[derive(Debug)]
enum Style {
    Bar(ProgressBar),
    Lines { last: Instant },
    Quiet,
}

impl DownloadDisplay {
    /// A display in the form that fits where it goes.
    #[must_use]
    pub fn new(quiet: bool) -> Self {
        let style = match (quiet, stderr().is_terminal()) {
            (true, _) => Style::Quiet,
            (false, true) => {
                let bar = ProgressBar::new(0);
                bar.set_style(style("{msg} {wide_bar} {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec}, {eta} left"));
                Style::Bar(bar)
            }
            (false, false) => Style::Lines { last: Instant::now() },
        };
        Self { style, file: String::new() }
    }

    /// To be called when a file begins and then often: `done` of `total` bytes of `file` are here.
    pub fn show(&mut self, model: &str, file: &str, done: u64, total: u64) {
        let begins = self.file != file;
        match &mut self.style {
            Style::Bar(bar) => {
                if begins {
                    bar.reset();
                    bar.set_message(format!("{model}: {file}"));
                }
                bar.set_length(total);
                bar.set_position(done);
            }
            Style::Lines { last } if begins || last.elapsed() >= PLAIN_INTERVAL => {
                *last = Instant::now();
                eprintln!("downloading {model}: {file}, {} of {}", DecimalBytes(done), DecimalBytes(total));
            }
            Style::Lines { .. } | Style::Quiet => {}
        }
        if begins {
            file.clone_into(&mut self.file);
        }
    }
}

impl Drop for DownloadDisplay {
    fn drop(&mut self) {
        if let Style::Bar(bar) = &self.style {
            bar.finish_and_clear();
        }
    }
}
