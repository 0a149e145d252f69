//! The page in a real browser, where there is one: `scripts/tests/report_page.py` clicks, types and looks.

use std::fs;
use std::path::Path;
use std::process::Command;

use sapo_lab::report::report;

use crate::grid::Lab;

#[test]
fn the_page_works_in_a_browser() {
    let lab = Lab::with_grid(3);
    let page = lab.root().join("report.html");
    fs::write(&page, report(&[lab.folder()], 5).unwrap().html).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/tests/report_page.py");
    let run = match Command::new("python3").arg("-B").arg(script).arg(&page).output() {
        Ok(run) => run,
        Err(error) => {
            println!("not run: no python3: {error}");
            return;
        }
    };
    let said = String::from_utf8_lossy(&run.stdout);
    println!("{said}");
    assert!(run.status.success(), "{said}{}", String::from_utf8_lossy(&run.stderr));
}
