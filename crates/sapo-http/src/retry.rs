use std::time::{Duration, SystemTime};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How often a request is tried again, and after which pauses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Further attempts after the first.
    pub times: u32,
    /// The longest first pause; each next one may be twice as long.
    pub first_pause: Duration,
    /// No pause is longer.
    pub longest_pause: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { times: 5, first_pause: Duration::from_secs(1), longest_pause: Duration::from_secs(60) }
    }
}

impl Retry {
    /// The pause before attempt `attempt` (the first again is 1): drawn up to a bound that doubles, so that many clients
    /// do not come back at once. Decided by `seed`.
    pub fn pause(&self, attempt: u32, seed: u64) -> Duration {
        let most = self.first_pause.saturating_mul(2u32.saturating_pow(attempt.saturating_sub(1)));
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(u64::from(attempt));
        most.min(self.longest_pause).mul_f64(rng.random_range(0.5..1.0))
    }
}

/// Whether the same request may be answered later: the endpoint was busy, or had an accident.
pub fn may_pass(status: u16) -> bool {
    matches!(status, 408 | 409 | 425 | 429) || (500..600).contains(&status)
}

/// The pause that a `Retry-After` header asks for: seconds, or a date.
pub fn asked_pause(header: &str, now: SystemTime) -> Option<Duration> {
    let header = header.trim();
    if let Ok(seconds) = header.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let until = httpdate::parse_http_date(header).ok()?;
    Some(until.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound() {
        let retry = Retry::default();
        for attempt in 1..=40 {
            let most = Duration::from_secs(1 << (attempt - 1).min(6)).min(Duration::from_secs(60));
            for seed in 0..20 {
                let pause = retry.pause(attempt, seed);
                assert!(pause >= most / 2 && pause <= most, "{attempt}: {pause:?}");
                assert_eq!(pause, retry.pause(attempt, seed));
            }
        }
        assert_ne!(retry.pause(1, 1), retry.pause(1, 2));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = httpdate::parse_http_date("Wed, 21 Oct 2015 07:28:00 GMT").unwrap();
        assert_eq!(asked_pause("7", now), Some(Duration::from_secs(7)));
        assert_eq!(asked_pause(" 0.5 ", now), Some(Duration::from_millis(500)));
        assert_eq!(asked_pause("Wed, 21 Oct 2015 07:29:30 GMT", now), Some(Duration::from_secs(90)));
        assert_eq!(asked_pause("Wed, 21 Oct 2015 07:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(asked_pause("soon", now), None);
        assert_eq!(asked_pause("-1", now), None);
    }

    #[test]
    fn what_may_pass() {
        assert!([408, 429, 500, 502, 503, 529].into_iter().all(may_pass));
        assert!(![301, 400, 401, 403, 404, 422].into_iter().any(may_pass));
    }
}
