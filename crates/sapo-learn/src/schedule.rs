use serde::{Deserialize, Serialize};

/// Linear warm-up, then half a cosine down to zero.
///
/// # Source
/// `get_cosine_schedule_with_warmup` of transformers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// The highest learning rate.
    pub peak: f64,
    /// Steps of warm-up.
    pub warmup_steps: usize,
    /// All steps.
    pub total_steps: usize,
}

impl Schedule {
    /// A schedule whose warm-up is a share of all steps, rounded up.
    pub fn with_warmup_ratio(peak: f64, warmup_ratio: f64, total_steps: usize) -> Self {
        Self { peak, warmup_steps: (total_steps as f64 * warmup_ratio).ceil() as usize, total_steps }
    }

    /// The learning rate of a step, counted from 0.
    pub fn learning_rate(&self, step: usize) -> f64 {
        if step < self.warmup_steps {
            return self.peak * step as f64 / self.warmup_steps.max(1) as f64;
        }
        let rest = self.total_steps.saturating_sub(self.warmup_steps).max(1);
        let progress = (step - self.warmup_steps) as f64 / rest as f64;
        self.peak * 0.5 * (1.0 + (std::f64::consts::PI * progress.min(1.0)).cos())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rises_to_the_peak_and_falls_to_zero() {
        let schedule = Schedule::with_warmup_ratio(1.0, 0.1, 100);
        assert_eq!(schedule.learning_rate(0), 0.0);
        assert_eq!(schedule.learning_rate(5), 0.5);
        assert_eq!(schedule.learning_rate(10), 1.0);
        assert!((schedule.learning_rate(55) - 0.5).abs() < 1e-12);
        assert!(schedule.learning_rate(100) < 1e-12);
    }
}
