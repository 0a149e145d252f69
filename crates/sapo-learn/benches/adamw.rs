//! One step of AdamW: over the adapter of a 50 M model, and over all of a 5 M model.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sapo_learn::{AdamW, AdamWConfig};
use sapo_model::runtime;
use tch::{Device, Kind, Tensor};

fn adamw(criterion: &mut Criterion) {
    runtime::init(1);
    let mut group = criterion.benchmark_group("adamw");
    let adapter: Vec<[i64; 2]> = [[8, 512], [512, 8], [8, 512], [256, 8]].repeat(8);
    let block = [[256, 256], [128, 256], [128, 256], [256, 256], [688, 256], [688, 256], [256, 688]];
    let model: Vec<[i64; 2]> = [[8192, 256]].into_iter().chain(block.repeat(4)).collect();
    for (name, shapes) in [("adapter of a 50 M model", adapter), ("all of a 5 M model", model)] {
        let parameters: Vec<Tensor> = shapes
            .iter()
            .map(|shape| Tensor::randn(shape, (Kind::Float, Device::Cpu)).set_requires_grad(true))
            .collect();
        let numbers: usize = parameters.iter().map(Tensor::numel).sum();
        let mut optimizer = AdamW::new(parameters, AdamWConfig::default());
        group.throughput(Throughput::Elements(numbers as u64));
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|steps| {
                let mut spent = std::time::Duration::ZERO;
                for _ in 0..steps {
                    // a step clears the gradients, so each needs new ones
                    for parameter in optimizer.parameters() {
                        parameter.sum(Kind::Float).backward();
                    }
                    let start = std::time::Instant::now();
                    optimizer.step(1e-4);
                    spent += start.elapsed();
                }
                spent
            });
        });
    }
    group.finish();
}

criterion_group!(benches, adamw);
criterion_main!(benches);
