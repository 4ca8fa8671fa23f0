//! Percentiles of durations, for every table that has some.

use std::time::Duration;

/// The time in milliseconds that so many hundredths of `times` don't exceed; sorts them.
pub fn percentile(times: &mut [Duration], hundredths: usize) -> f64 {
    times.sort_unstable();
    let last = times.len().saturating_sub(1);
    let time = times.get(last * hundredths / 100);
    time.map_or(0.0, |time| time.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_times() {
        let mut times: Vec<_> = (1..=101).rev().map(Duration::from_millis).collect();
        for (hundredths, expected) in [(0, 1.0), (50, 51.0), (99, 100.0), (100, 101.0)] {
            let found = percentile(&mut times, hundredths);
            assert!((found - expected).abs() < 1e-9, "{hundredths}: {found}");
        }
        assert!(percentile(&mut [], 50).abs() < 1e-9);
    }
}
