//! The figures that an experiment drew, as images of the page. As images they can neither run a script nor ask for
//! anything.

use std::collections::BTreeSet;
use std::fs::{self, DirEntry};
use std::io;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::error::ReportError;

/// A figure with everything that it needs.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) name: String,
    /// `data:` URL.
    pub(super) source: String,
}

impl Shown {
    pub(super) fn svg(name: &str, svg: &[u8]) -> Self {
        Self::new(name, "svg+xml", svg)
    }

    fn new(name: &str, kind: &str, bytes: &[u8]) -> Self {
        let source = format!("data:image/{kind};base64,{}", STANDARD.encode(bytes));
        Self { name: name.replace('_', " "), source }
    }
}

/// The figures in the experiment's folder `plots`, by name, as SVG where there is one.
pub(super) fn drawn(folder: &Path) -> Result<Vec<Shown>, ReportError> {
    let plots = folder.join("plots");
    let names = match names(&plots) {
        Ok(names) => names,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(ReportError::Io { path: plots, operation: "list", source }),
    };
    let shown = |name: String| {
        let svg = plots.join(format!("{name}.svg"));
        let (path, kind) =
            if svg.is_file() { (svg, "svg+xml") } else { (plots.join(format!("{name}.png")), "png") };
        let bytes = fs::read(&path).map_err(|source| ReportError::Io { path, operation: "read", source })?;
        Ok(Shown::new(&name, kind, &bytes))
    };
    names.into_iter().map(shown).collect()
}

/// The names of the figures in a folder, without their endings.
fn names(folder: &Path) -> io::Result<BTreeSet<String>> {
    let name = |entry: DirEntry| {
        let path = entry.path();
        let is_figure = path.extension().is_some_and(|ending| ending == "svg" || ending == "png");
        let name = path.file_stem()?.to_str()?;
        // what begins with a dot is being written
        (is_figure && !name.starts_with('.')).then(|| name.to_owned())
    };
    fs::read_dir(folder)?.filter_map(|entry| entry.map(name).transpose()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_figure_once_as_svg_where_there_is_one() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(drawn(folder.path()).unwrap().len(), 0);
        let plots = folder.path().join("plots");
        fs::create_dir(&plots).unwrap();
        for (file, content) in [
            ("b_c.png", "bitmap"),
            ("a.svg", "<svg/>"),
            ("a.png", "bitmap"),
            (".writing-x.svg", "half"),
            ("notes.txt", "words"),
        ] {
            fs::write(plots.join(file), content).unwrap();
        }
        let shown: Vec<(String, String)> =
            drawn(folder.path()).unwrap().into_iter().map(|figure| (figure.name, figure.source)).collect();
        // printf '<svg/>' | base64; printf bitmap | base64
        let expected =
            [("a", "data:image/svg+xml;base64,PHN2Zy8+"), ("b c", "data:image/png;base64,Yml0bWFw")];
        assert_eq!(shown, expected.map(|(name, source)| (name.to_owned(), source.to_owned())));
    }
}
