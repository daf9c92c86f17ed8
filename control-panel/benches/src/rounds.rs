//! Interleaved rounds: A B, B A, A B …, each ratio of two neighbours, and the median of the ratios.

use std::time::Instant;

use crate::machine::Quiet;

/// Something that is measured again and again; one measurement gives one number for each metric.
pub struct Probe {
    pub name: &'static str,
    run: Box<dyn FnMut() -> Vec<f64>>,
}

impl Probe {
    pub fn new(name: &'static str, run: impl FnMut() -> Vec<f64> + 'static) -> Self {
        Self { name, run: Box::new(run) }
    }
}

/// One contestant beside the baseline.
pub struct Compared {
    pub name: &'static str,
    /// By metric: contestant to baseline.
    pub ratios: Vec<Spread>,
    /// By metric: of the contestant itself, in this run.
    pub own: Vec<Spread>,
}

/// Of all rounds.
#[derive(Clone, Copy)]
pub struct Spread {
    pub median: f64,
    pub low: f64,
    pub high: f64,
}

impl Spread {
    pub fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        // Of an even number the middle of the two in the middle: of two rounds the higher is no median.
        let (below, above) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
        Self { median: f64::midpoint(below, above), low: values[0], high: values[values.len() - 1] }
    }
}

/// Measures every contestant beside the baseline, in so many rounds, or fewer where the machine is so slow that they
/// would take too long. The baseline itself comes first in the answer.
pub fn compare(
    baseline: &mut Probe,
    others: &mut [Probe],
    rounds: usize,
    quiet: &mut Quiet,
) -> Vec<Compared> {
    let mut baselines = Vec::new();
    let mut samples: Vec<Vec<(Vec<f64>, Vec<f64>)>> = others.iter().map(|_| Vec::new()).collect();
    let began = Instant::now();
    for round in 0..rounds {
        if began.elapsed() > quiet.share() {
            break;
        }
        for (other, samples) in others.iter_mut().zip(&mut samples) {
            eprint!("\r    round {}: {:<40}", round + 1, other.name);
            let (base, own) = quiet.measure(|| {
                if round % 2 == 0 {
                    let base = (baseline.run)();
                    (base, (other.run)())
                } else {
                    let own = (other.run)();
                    ((baseline.run)(), own)
                }
            });
            baselines.push(base.clone());
            samples.push((base, own));
        }
    }
    eprintln!(
        "\r    {} rounds, {:.1} s{:<40}",
        samples.first().map_or(0, Vec::len),
        began.elapsed().as_secs_f64(),
        ""
    );
    let metrics = baselines.first().map_or(0, Vec::len);
    let spread = |value: &dyn Fn(usize) -> Vec<f64>| -> Vec<Spread> {
        (0..metrics).map(|metric| Spread::of(value(metric))).collect()
    };
    let base = Compared {
        name: baseline.name,
        ratios: vec![Spread { median: 1.0, low: 1.0, high: 1.0 }; metrics],
        own: spread(&|metric| baselines.iter().map(|sample| sample[metric]).collect()),
    };
    let others = others.iter().zip(&samples).map(|(other, samples)| Compared {
        name: other.name,
        ratios: spread(&|metric| samples.iter().map(|(base, own)| own[metric] / base[metric]).collect()),
        own: spread(&|metric| samples.iter().map(|(_, own)| own[metric]).collect()),
    });
    std::iter::once(base).chain(others).collect()
}

/// The value below which this share of `values` lies.
pub fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values
        .get(((values.len() as f64 * share) as usize).min(values.len().saturating_sub(1)))
        .copied()
        .unwrap_or(0.0)
}
