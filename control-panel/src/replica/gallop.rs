//! Searches from an end.

/// What `partition_point` returns, for a place that is seldom far from the end: it costs the logarithm of that distance, and touches nothing
/// that is further away.
pub(super) fn partition_point_from_end<T>(sorted: &[T], mut before: impl FnMut(&T) -> bool) -> usize {
    let (mut low, mut high, mut step) = (0, sorted.len(), 1);
    while let Some(probe) = high.checked_sub(step) {
        if before(&sorted[probe]) {
            low = probe + 1;
            break;
        }
        high = probe;
        step *= 2;
    }
    low + sorted[low..high].partition_point(before)
}

/// The same for a place that is seldom far from the beginning.
pub(super) fn partition_point_from_begin<T>(sorted: &[T], mut before: impl FnMut(&T) -> bool) -> usize {
    let (mut low, mut step) = (0, 1);
    while let Some(probe) = sorted.get(low + step - 1) {
        if !before(probe) {
            break;
        }
        low += step;
        step *= 2;
    }
    let high = (low + step).min(sorted.len());
    low + sorted[low..high].partition_point(before)
}

#[cfg(test)]
mod tests {
    use super::{partition_point_from_begin, partition_point_from_end};

    #[test]
    fn they_are_partition_point() {
        for length in 0..70_usize {
            let sorted: Vec<_> = (0..length).collect();
            for point in 0..=length {
                assert_eq!(partition_point_from_end(&sorted, |place| *place < point), point);
                assert_eq!(partition_point_from_begin(&sorted, |place| *place < point), point);
            }
        }
    }
}
