use sapo_probes::outcomes::{DriftError, HiddenSnapshot, WeightSnapshot};

use crate::common::*;

fn is_projection(name: &str) -> bool {
    name.contains("_proj")
}

#[test]
fn weights_drift_by_what_is_added_to_them() {
    let mut model = nano();
    let before = WeightSnapshot::of(&model, is_projection).unwrap();
    assert_eq!(before.drift(&before).unwrap().total, 0.0);

    let (config, seed) = (adapter().config, adapter().seed);
    model.attach_lora(&config, seed).unwrap();
    assert!(matches!(WeightSnapshot::of(&model, is_projection), Err(DriftError::AdapterAttached)));
    let guard = tch::no_grad_guard();
    let mut added = std::collections::BTreeMap::new();
    for (name, (a, mut b)) in model.named_lora() {
        let _ = b.fill_(0.01);
        let change = (b.matmul(&a) * config.scaling_of(&name)).norm().double_value(&[]);
        added.insert(format!("{name}.weight"), change);
    }
    drop(guard);
    model.fold_lora(&config);

    let drift = before.drift(&WeightSnapshot::of(&model, is_projection).unwrap()).unwrap();
    let mut squares = (0.0, 0.0);
    let parameters: std::collections::BTreeMap<_, _> = nano()
        .decoder()
        .named_parameters()
        .into_iter()
        .map(|(name, t)| (name, t.norm().double_value(&[])))
        .collect();
    for (name, got) in &drift.modules {
        let (change, size) = (added.get(name).copied().unwrap_or(0.0), parameters[name]);
        assert!((got - change / size).abs() < 1e-5, "{name}: {got}, expected {}", change / size);
        squares = (squares.0 + change * change, squares.1 + size * size);
    }
    assert_eq!(drift.modules.values().filter(|drift| **drift > 0.0).count(), added.len());
    assert_close("total", drift.total, (squares.0 / squares.1).sqrt(), 1e-4);
}

#[test]
fn different_weights_are_not_compared() {
    let model = nano();
    let all = WeightSnapshot::of(&model, |_| true).unwrap();
    let some = WeightSnapshot::of(&model, is_projection).unwrap();
    let none = WeightSnapshot::of(&model, |_| false).unwrap();
    assert!(matches!(all.drift(&some), Err(DriftError::Different { .. })));
    assert!(matches!(none.drift(&none), Err(DriftError::Different { .. })));
}

#[test]
fn hidden_states_drift_with_the_weights_that_make_them() {
    let model = nano();
    let texts = [vec![5_i64, 6, 7, 8], vec![9, 10], vec![11, 12, 13, 14, 15, 16]];
    let before = HiddenSnapshot::of(&model, &texts, 512).unwrap();
    let same = before.drift(&before).unwrap();
    assert!(same.cosine.abs() < 1e-12 && same.relative_l2 == 0.0);
    let in_batches = before.drift(&HiddenSnapshot::of(&model, &texts, 1).unwrap()).unwrap();
    assert!(in_batches.relative_l2 < 1e-5, "batches change nothing: {in_batches:?}");

    // the last norm's weight times -3: every hidden state turns round and is three times as long
    let parameters = model.decoder().named_parameters();
    let (_, norm) = parameters.into_iter().find(|(name, _)| name == "model.norm.weight").unwrap();
    let turned = norm * -3.0;
    tch::no_grad(|| norm.shallow_clone().copy_(&turned));
    let drift = before.drift(&HiddenSnapshot::of(&model, &texts, 512).unwrap()).unwrap();
    assert_close("cosine", drift.cosine, 2.0, 1e-6);
    assert_close("relative l2", drift.relative_l2, 4.0, 1e-6);

    let other = HiddenSnapshot::of(&model, &texts[..2], 512).unwrap();
    assert!(matches!(before.drift(&other), Err(DriftError::Different { .. })));
    assert!(HiddenSnapshot::of(&model, &[], 512).is_err());
    assert!(HiddenSnapshot::of(&model, &[vec![]], 512).is_err());
}
