//! Dropout drops the right share, at places that have nothing to do with each other, and sends gradients through the rest.

use sapo_model::native::dropout;
use tch::{Device, Kind, Tensor};

const ROWS: i64 = 400;
const WIDTH: i64 = 500;

/// Five standard deviations of the mean of so many independent numbers that are 1 with probability `p`.
fn tolerance(p: f64, count: i64) -> f64 {
    5.0 * (p * (1.0 - p) / count as f64).sqrt()
}

/// `[ROWS, WIDTH]`, 1 where a number was dropped.
fn dropped(p: f64) -> Tensor {
    dropout(&Tensor::ones([ROWS, WIDTH], (Kind::Float, Device::Cpu)), p).eq(0.0).to_kind(Kind::Double)
}

fn mean(x: &Tensor) -> f64 {
    x.mean(Kind::Double).double_value(&[])
}

#[test]
fn it_drops_a_share_and_scales_the_rest() {
    for kind in [Kind::Float, Kind::BFloat16] {
        for p in [0.0, 0.1, 0.5, 0.9] {
            // no 0 among them, which would look dropped
            let x = (Tensor::rand([ROWS, WIDTH], (Kind::Float, Device::Cpu)) - 1.5)
                .to_kind(kind)
                .set_requires_grad(true);
            let y = dropout(&x, p);
            let kept = y.ne(0.0);
            let share = 1.0 - mean(&kept.to_kind(Kind::Double));
            assert!((share - p).abs() <= tolerance(p, ROWS * WIDTH), "{kind:?}, p = {p}: {share} dropped");
            let expected = ((&x.to_kind(Kind::Float) * (1.0 / (1.0 - p))) * &kept).to_kind(kind);
            assert_eq!(y, expected, "{kind:?}, p = {p}");

            y.sum(kind).backward();
            let through = (kept.to_kind(Kind::Float) * (1.0 / (1.0 - p))).to_kind(kind);
            assert_eq!(x.grad(), through, "{kind:?}, p = {p}: the gradient goes through what was kept");
        }
    }
}

#[test]
fn places_and_calls_have_nothing_to_do_with_each_other() {
    let p = 0.3;
    let (first, second) = (dropped(p), dropped(p));
    let both = |a: &Tensor, b: &Tensor| mean(&(a * b));
    let expected = p * p;
    let near = |share: f64| (share - expected).abs() <= tolerance(expected, (ROWS - 1) * (WIDTH - 1));
    assert!(near(both(&first, &second)), "two calls");
    for apart in [1, 2, 16] {
        let length = WIDTH - apart;
        let columns = both(&first.narrow(1, 0, length), &first.narrow(1, apart, length));
        assert!(near(columns), "{apart} columns apart: {columns}, expected {expected}");
        let length = ROWS - apart;
        let rows = both(&first.narrow(0, 0, length), &first.narrow(0, apart, length));
        assert!(near(rows), "{apart} rows apart: {rows}, expected {expected}");
    }
    // No row and no column is preferred: the largest of so many deviations stays below five of its own.
    for (dimension, count) in [(0, ROWS), (1, WIDTH)] {
        let shares = first.mean_dim(dimension, false, Kind::Double) - p;
        let largest = shares.abs().max().double_value(&[]);
        assert!(largest <= tolerance(p, count), "{largest} along dimension {dimension}");
    }
}
