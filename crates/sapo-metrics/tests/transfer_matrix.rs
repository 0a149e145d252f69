//! The transfer matrix by hand, and what it refuses.

#![allow(clippy::unwrap_used)]

use sapo_metrics::{Convention, MatrixError, Transfer, TransferMatrix};

fn tasks(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| name.to_string()).collect()
}

fn rows(cells: &[&[f64]]) -> Vec<Vec<Option<f64>>> {
    cells.iter().map(|row| row.iter().copied().map(Some).collect()).collect()
}

fn three_tasks() -> TransferMatrix {
    let cells: [&[f64]; 4] = [&[10., 20., 30.], &[80., 26., 31.], &[70., 90., 37.], &[64., 84., 95.]];
    TransferMatrix::from_rows(tasks(&["a", "b", "c"]), rows(&cells)).unwrap()
}

#[test]
fn three_tasks_by_hand() {
    let matrix = three_tasks();
    let close = |got: f64, expected: f64| assert!((got - expected).abs() < 1e-12, "{got} {expected}");
    let check = |convention, bwt, fwt| {
        let transfer: Transfer = matrix.transfer(convention).unwrap();
        close(transfer.ap, 81.0);
        close(transfer.bwt.unwrap(), bwt);
        close(transfer.fwt.unwrap(), fwt);
    };
    // Row 2: 70 - 80 = -10. Row 3: (64 - 80, 84 - 90), mean -11. Row 1: (6, 1), mean 3.5. Row 2: 37 - 30 = 7.
    check(Convention::Released, -10.5, 5.25);
    // Row 3 stepwise: (64 - 70, 84 - 90), mean -6; row 2 stepwise: 37 - 31 = 6. Thirds of -16 and of 9.5.
    check(Convention::Printed, -16.0 / 3.0, 9.5 / 3.0);
    // Last row against the diagonal: (-16, -6). The row before a task was trained: 26 - 20, 37 - 30.
    check(Convention::Gem, -11.0, 6.5);
    close(matrix.forgetting().unwrap().unwrap(), 11.0);
    close(matrix.learning_accuracy().unwrap(), (80.0 + 90.0 + 95.0) / 3.0);
}

#[test]
fn one_task_has_no_transfer() {
    let matrix = TransferMatrix::from_rows(tasks(&["a"]), rows(&[&[1.0], &[5.0]])).unwrap();
    for convention in Convention::ALL {
        assert_eq!(matrix.transfer(convention).unwrap(), Transfer { ap: 5.0, bwt: None, fwt: None });
    }
    assert_eq!(matrix.forgetting().unwrap(), None);
    assert_eq!(matrix.learning_accuracy().unwrap(), 5.0);
}

#[test]
fn refused_with_its_place() {
    let refuse = |names: &[&str], cells: &[&[f64]]| {
        TransferMatrix::from_rows(tasks(names), rows(cells)).unwrap_err().to_string()
    };
    assert_eq!(refuse(&[], &[&[]]), "transfer matrix: expected at least one task, got none");
    assert_eq!(refuse(&["a", "b", "a"], &[]), "transfer matrix: task `a` is named more than once");
    assert_eq!(
        refuse(&["a", "b"], &[&[1., 2.], &[1., 2.]]),
        "transfer matrix: expected 3 rows (the untouched model, then one a task), got 2"
    );
    assert_eq!(
        refuse(&["a", "b"], &[&[1., 2.], &[1.], &[1., 2.]]),
        "transfer matrix: row 1: expected 2 scores (one a task), got 1"
    );
    assert_eq!(
        refuse(&["a", "b"], &[&[1., 2.], &[1., 2.], &[1., f64::NAN]]),
        "transfer matrix: R[2, 2] is NaN: expected a finite score on task `b` after training 2 tasks"
    );
}

#[test]
fn filled_step_by_step() {
    let mut matrix = TransferMatrix::new(tasks(&["a", "b"])).unwrap();
    let missing = matrix.ap().unwrap_err();
    assert_eq!(
        missing.to_string(),
        "transfer matrix: R[2, 1] is missing: the score on task `a` after training 2 tasks"
    );
    for row in 0..3 {
        for column in 0..2 {
            matrix.set(row, column, (10 * row + column) as f64).unwrap();
        }
    }
    assert_eq!(matrix.get(1, 1), Ok(11.0));
    assert_eq!(matrix.ap(), Ok(20.5));
    assert!(matches!(matrix.set(0, 0, f64::INFINITY), Err(MatrixError::NotFinite { row: 0, column: 0, .. })));
    assert!(matches!(matrix.set(3, 0, 1.0), Err(MatrixError::OutOfRange { row: 3, column: 0, tasks: 2 })));
    assert!(matches!(matrix.get(0, 2), Err(MatrixError::OutOfRange { .. })));
}

#[test]
fn json_round_trip_and_checks() {
    let mut matrix = TransferMatrix::new(tasks(&["a", "b"])).unwrap();
    matrix.set(1, 0, 71.25).unwrap();
    let json = serde_json::to_string(&matrix).unwrap();
    assert_eq!(json, r#"{"tasks":["a","b"],"rows":[[null,null],[71.25,null],[null,null]]}"#);
    assert_eq!(serde_json::from_str::<TransferMatrix>(&json).unwrap(), matrix);
    let ragged = serde_json::from_str::<TransferMatrix>(r#"{"tasks":["a"],"rows":[[1.0],[1.0,2.0]]}"#);
    assert!(ragged.unwrap_err().to_string().contains("row 1: expected 1 scores"));

    let transfer = serde_json::to_string(&three_tasks().transfer(Convention::Gem).unwrap()).unwrap();
    assert_eq!(transfer, r#"{"AP":81.0,"BWT":-11.0,"FWT":6.5}"#);
    assert_eq!("gem".parse::<Convention>(), Ok(Convention::Gem));
    assert!("other".parse::<Convention>().is_err());
}
