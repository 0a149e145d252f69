//! ROUGE-L by length of the texts: an answer of a word, of a sentence, of a page.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sapo_metrics::Rouge;

fn text(rng: &mut ChaCha8Rng, words: usize) -> String {
    (0..words).map(|_| format!("word{} ", rng.random_range(0..50))).collect()
}

fn rouge_l(criterion: &mut Criterion) {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    for (name, rouge) in [("rouge_l", Rouge::default()), ("rouge_l_stemmed", Rouge { stemmer: true })] {
        let mut group = criterion.benchmark_group(name);
        for words in [1, 30, 500] {
            let (prediction, reference) = (text(&mut rng, words), text(&mut rng, words));
            group.throughput(Throughput::Elements(1));
            group.bench_function(BenchmarkId::from_parameter(words), |bencher| {
                bencher.iter(|| rouge.l(black_box(&prediction), black_box(&reference)));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, rouge_l);
criterion_main!(benches);
