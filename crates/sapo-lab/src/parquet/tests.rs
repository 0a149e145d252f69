//! What is written is read, in every layout, and what cannot be used is named.

use super::*;
use crate::manifest::VERSION;
use proptest::collection::vec;
use proptest::prelude::*;

fn records() -> impl Strategy<Value = RunRecord> {
    let text = || "\\PC{0,12}";
    let number = -1e300..1e300_f64;
    let scores = (any::<u32>(), any::<u32>(), text(), text(), number.clone(), any::<u32>()).prop_map(
        |(step, task, task_name, metric, value, examples)| Score {
            step,
            task,
            task_name,
            metric,
            value,
            examples,
        },
    );
    let predictions = (any::<u32>(), any::<u32>(), any::<u32>(), text(), vec(text(), 0..3)).prop_map(
        |(step, task, index, prediction, references)| Prediction {
            step,
            task,
            index,
            prediction,
            references,
        },
    );
    let losses = (any::<u32>(), text(), text(), text(), proptest::option::of(number.clone()), any::<bool>())
        .prop_map(|(step, task_name, variant, text, loss, chosen)| VariantLoss {
            step,
            task_name,
            variant,
            text,
            loss,
            examples: step / 2,
            chosen,
        });
    let training = (any::<u32>(), any::<u32>(), number.clone(), number.clone(), text()).prop_map(
        |(step, optimiser_step, loss, learning_rate, wording)| TrainingStep {
            step,
            optimiser_step,
            loss,
            term: (step % 2 == 0).then_some(loss / 2.0),
            learning_rate,
            wording,
        },
    );
    let usage = (any::<u32>(), text(), number.clone(), any::<u64>())
        .prop_map(|(step, phase, seconds, forward_tokens)| Usage { step, phase, seconds, forward_tokens });
    let measurements = (text(), text(), number).prop_map(|(subject, quantity, value)| Measurement {
        subject,
        quantity,
        value,
    });
    let run = (vec(scores, 0..4), vec(predictions, 0..4), vec(losses, 0..4), vec(training, 0..4));
    (run, vec(usage, 0..4), vec(measurements, 0..4)).prop_map(
        |((scores, predictions, variant_losses, training), usage, measurements)| RunRecord {
            scores,
            predictions,
            variant_losses,
            training,
            usage,
            measurements,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read(record in records()) {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &record).unwrap();
        prop_assert_eq!(read(folder.path(), VERSION).unwrap(), record);
    }
}

#[test]
fn training_of_layout_1_was_worded_as_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let variant = |step, variant: &str, chosen| VariantLoss {
        step,
        task_name: "dates".into(),
        variant: variant.into(),
        text: variant.into(),
        loss: None,
        examples: 0,
        chosen,
    };
    let variant_losses =
        vec![variant(1, "original", true), variant(2, "original", false), variant(2, "bank-3", true)];
    write(folder.path(), &RunRecord { variant_losses, ..RunRecord::default() }).unwrap();
    let row = |step, optimiser_step| TrainingStep1 { step, optimiser_step, loss: 2.0, learning_rate: 0.1 };
    write_rows(&folder.path().join(TRAINING), &[row(1, 1), row(2, 1), row(2, 2)]).unwrap();
    let training = read(folder.path(), 1).unwrap().training;
    let wordings: Vec<&str> = training.iter().map(|row| row.wording.as_str()).collect();
    assert_eq!(wordings, ["original", "bank-3", "bank-3"]);
    let error = read(folder.path(), VERSION).unwrap_err().to_string();
    assert!(error.contains("training.parquet") && error.contains("term"), "{error}");
}

#[test]
fn training_of_layout_2_knows_no_term() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &RunRecord::default()).unwrap();
    let wording = "bank-3".to_string();
    let row = TrainingStep2 { step: 1, optimiser_step: 2, loss: 2.0, learning_rate: 0.1, wording };
    write_rows(&folder.path().join(TRAINING), &[row]).unwrap();
    let training = read(folder.path(), 2).unwrap().training;
    let wording = "bank-3".to_string();
    let expected =
        TrainingStep { step: 1, optimiser_step: 2, loss: 2.0, term: None, learning_rate: 0.1, wording };
    assert_eq!(training, [expected]);
}

#[test]
fn a_score_that_is_not_a_number_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let score = Score {
        step: 2,
        task: 3,
        task_name: "dates".into(),
        metric: "rouge_l".into(),
        value: f64::NAN,
        examples: 10,
    };
    let error = write(folder.path(), &RunRecord { scores: vec![score], ..RunRecord::default() }).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the rouge_l of task 3 (dates) after step 2 is NaN, expected a finite number"
    );
}

#[test]
fn measurements_have_a_file_where_there_are_any() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &RunRecord::default()).unwrap();
    assert!(!folder.path().join(MEASUREMENTS).exists());
    assert_eq!(read(folder.path(), 3).unwrap(), RunRecord::default());
    let measured =
        Measurement { subject: "original".into(), quantity: "probe:words".into(), value: f64::NAN };
    let record = RunRecord { measurements: vec![measured], ..RunRecord::default() };
    let error = write(folder.path(), &record).unwrap_err().to_string();
    assert_eq!(error, "the probe:words of original is NaN, expected a finite number");
}

#[test]
fn an_empty_cell_is_an_error_and_not_a_zero() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &RunRecord::default()).unwrap();
    let none = || vec![None::<f64>];
    let mut frame = df!(
        "step" => [1_u32], "task" => [1_u32], "task_name" => ["dates"], "metric" => ["rouge_l"],
        "value" => none(), "examples" => [3_u32],
    )
    .unwrap();
    let file = File::create(folder.path().join("scores.parquet")).unwrap();
    ParquetWriter::new(file).finish(&mut frame).unwrap();
    let error = read(folder.path(), VERSION).unwrap_err().to_string();
    assert!(error.contains("scores.parquet") && error.contains("`value` has an empty cell"), "{error}");
}
