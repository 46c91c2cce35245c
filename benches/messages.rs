//! The cost of one message in the server: decode, dispatch, encode, fan-out and frames of `ws`.
//!
//! Run it with `cargo bench --bench messages`.

mod work;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn messages(c: &mut Criterion) {
    for work in work::all() {
        let runtime = work::runtime();
        let _entered = runtime.enter();
        let (group, name) = work.name.split_once('/').unwrap_or(("", work.name));
        let mut group = c.benchmark_group(group);
        group.throughput(Throughput::Elements(work.units as u64));
        let mut repeat = work.prepare(&runtime);
        group.bench_function(name, |b| b.iter(&mut repeat));
        group.finish();
    }
}

criterion_group!(benches, messages);
criterion_main!(benches);
