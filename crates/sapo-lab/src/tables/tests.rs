use super::*;
use polars_core::prelude::DataType;
use polars_io::prelude::{ParquetReader, SerReader};

fn estimate(mean: f64, low: f64, high: f64) -> Estimate {
    Estimate { mean, low, high, n: 8 }
}

fn by_arm() -> Table {
    Table::builder("by_arm", "Scores by arm & 95 % intervals.")
        .text("arm", ["static", "a|b_c \"d\""])
        .integer("seeds", [8, 12])
        .float("hours", 2, [0.125, -0.001])
        .estimate("ap", 1, [estimate(71.84, 69.0, 74.06), estimate(-0.04, -1.25, 0.5)])
        .heading("AP (ROUGE-L, ↑)")
        .optional_p_value("p", [None, Some(0.000_04)])
        .heading("p against static")
        .build()
        .unwrap()
}

#[test]
fn the_terminal_sees_aligned_columns() {
    let expected = "\
arm        seeds  hours    AP (ROUGE-L, ↑)  p against static
─────────  ─────  ─────  ─────────────────  ────────────────
static         8   0.12  71.8 [69.0, 74.1]               n/a
a|b_c \"d\"     12   0.00    0.0 [-1.2, 0.5]           < 0.001
";
    assert_eq!(by_arm().to_string(), expected);
}

#[test]
fn wide_characters_take_two_columns() {
    let table = Table::builder("t", "").text("a", ["文本", "word!"]).integer("b", [1, 2]).build().unwrap();
    assert_eq!(table.to_string(), "a      b\n─────  ─\n文本   1\nword!  2\n");
}

#[test]
fn markdown_escapes_what_would_break_a_row() {
    let expected = "\
| arm | seeds | hours | AP (ROUGE-L, ↑) | p against static |
| :--- | ---: | ---: | ---: | ---: |
| static | 8 | 0.12 | 71.8 [69.0, 74.1] | n/a |
| a\\|b\\_c \"d\" | 12 | 0.00 | 0.0 [-1.2, 0.5] | < 0.001 |

Scores by arm & 95 % intervals.
";
    assert_eq!(by_arm().to_markdown(), expected);
    let table = Table::builder("t", "").text("a", ["two\nlines", "<b>`x`"]).build().unwrap();
    assert_eq!(table.to_markdown(), "| a |\n| :--- |\n| two lines |\n| \\<b>\\`x\\` |\n");
}

#[test]
fn latex_escapes_text_and_sets_minus_signs() {
    let expected = r"% needs \usepackage{booktabs}
\begin{table}[t]
  \centering
  \caption{Scores by arm \& 95 \% intervals.}
  \label{tab:by_arm}
  \begin{tabular}{lrrrr}
    \toprule
    arm & seeds & hours & AP (ROUGE-L, $\uparrow$) & p against static \\
    \midrule
    static & 8 & 0.12 & 71.8 [69.0, 74.1] & n/a \\
    a$|$b\_c ''d'' & 12 & 0.00 & 0.0 [$-$1.2, 0.5] & $<$ 0.001 \\
    \bottomrule
  \end{tabular}
\end{table}
";
    assert_eq!(by_arm().to_latex(), expected);
    let hostile = Table::builder("t", "").text("a", [r"\input{x}^~#$", "[b]"]).build().unwrap().to_latex();
    assert!(
        hostile.contains(r"\textbackslash{}input\{x\}\textasciicircum{}\textasciitilde{}\#\$ \\"),
        "{hostile}"
    );
    assert!(hostile.contains(r"{}[b] \\"), "{hostile}");
}

#[test]
fn csv_keeps_full_precision_and_three_columns_of_an_estimate() {
    let csv = String::from_utf8(by_arm().csv().unwrap()).unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines[0], "arm,seeds,hours,ap,ap_low,ap_high,p");
    assert_eq!(lines[1], "static,8,0.125,71.84,69.0,74.06,");
    assert!(lines[2].starts_with("\"a|b_c \"\"d\"\"\",12,-0.001,-0.04,-1.25,0.5,"), "{}", lines[2]);
    assert_eq!(lines[2].rsplit(',').next().unwrap().parse::<f64>().unwrap(), 0.000_04);
    assert_eq!(lines.len(), 3);
}

#[test]
fn parquet_keeps_types_values_and_gaps() {
    let folder = tempfile::tempdir().unwrap();
    let files = by_arm().write_all(folder.path().join("tables")).unwrap();
    let frame = ParquetReader::new(std::fs::File::open(files.parquet).unwrap()).finish().unwrap();
    let names: Vec<&str> = frame.get_column_names().into_iter().map(|name| name.as_str()).collect();
    assert_eq!(names, ["arm", "seeds", "hours", "ap", "ap_low", "ap_high", "p"]);
    assert_eq!(frame.column("arm").unwrap().dtype(), &DataType::String);
    assert_eq!(frame.column("seeds").unwrap().i64().unwrap().get(1), Some(12));
    assert_eq!(frame.column("ap_low").unwrap().f64().unwrap().get(1), Some(-1.25));
    assert_eq!(frame.column("p").unwrap().f64().unwrap().get(0), None);
    assert_eq!(frame.column("p").unwrap().f64().unwrap().get(1), Some(0.000_04));
}

#[test]
fn all_files_appear_with_the_same_bytes_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = || {
        let files = by_arm().write_all(folder.path()).unwrap();
        [files.parquet, files.csv, files.markdown, files.latex].map(|path| std::fs::read(path).unwrap())
    };
    assert_eq!(bytes(), bytes());
    let mut names: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["by_arm.csv", "by_arm.md", "by_arm.parquet", "by_arm.tex"]);
}

#[test]
fn what_is_no_table_is_refused() {
    let build = |builder: TableBuilder| builder.build().unwrap_err().to_string();
    let t = || Table::builder("t", "");
    assert_eq!(build(t()), r#"table "t" has no columns"#);
    assert_eq!(build(t().integer("a", [])), r#"table "t" has no rows"#);
    assert_eq!(
        build(t().integer("a", [1, 2]).float("b", 1, [1.0])),
        r#"table "t", column "b": expected 2 rows like the first column, got 1"#
    );
    assert_eq!(
        build(t().float("x", 1, [1.0, f64::NAN])),
        r#"table "t", column "x", row 1: expected a finite number, got NaN"#
    );
    assert!(matches!(
        t().optional_float("x", 1, [Some(f64::NAN)]).build(),
        Err(TableError::Value { row: 0, .. })
    ));
    assert!(matches!(
        t().estimate("x", 1, [estimate(1.0, 2.0, 3.0)]).build(),
        Err(TableError::Value { expected: "finite low <= mean <= high", .. })
    ));
    assert!(matches!(t().p_value("p", [1.5]).build(), Err(TableError::Value { .. })));
    assert_eq!(
        build(t().column("x", false, Values::Integer(vec![Some(1), None]))),
        r#"table "t", column "x", row 1: expected an integer, got nothing"#
    );
    assert!(matches!(
        t().estimate("x", 1, [estimate(1.0, 0.0, 3.0)]).float("x_low", 1, [0.0]).build(),
        Err(TableError::Duplicate { .. })
    ));
    for name in ["", "../up", ".hidden", "a b"] {
        assert!(matches!(Table::builder(name, "").integer("a", [1]).build(), Err(TableError::Name { .. })));
    }
}
