/// Fading knowledge of how the arms stand to each other.
///
/// The model moves, and each probe takes other examples: the level of a probe says nothing. So the loss of an arm
/// counts relative to the others of its probe: the level of a probe is what its losses exceed the present means by, on
/// average.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    keep: f64,
    arms: Vec<Arm>,
    /// Fading sum of squared surprises, and its weight: how far one probe lies from the mean.
    noise: (f64, f64),
}

#[derive(Debug, Clone, Copy, Default)]
struct Arm {
    weight: f64,
    mean: f64,
}

impl Standing {
    /// Nothing is known. Before each probe the weight of what is known falls to this part.
    pub(super) fn new(arms: usize, keep: f64) -> Self {
        Self { keep, arms: vec![Arm::default(); arms], noise: (0.0, 0.0) }
    }

    pub(super) fn learn(&mut self, losses: &[(usize, f64)]) {
        for arm in &mut self.arms {
            arm.weight *= self.keep;
        }
        self.noise = (self.noise.0 * self.keep, self.noise.1 * self.keep);
        let known: Vec<f64> = losses
            .iter()
            .filter(|&&(arm, _)| self.arms[arm].weight > 0.0)
            .map(|&(arm, loss)| loss - self.arms[arm].mean)
            .collect();
        // Where all are new, their own mean is as good a level as any.
        let all = || losses.iter().map(|&(_, loss)| loss).sum::<f64>() / losses.len().max(1) as f64;
        let level = if known.is_empty() { all() } else { known.iter().sum::<f64>() / known.len() as f64 };
        for &(arm, loss) in losses {
            let arm = &mut self.arms[arm];
            let surprise = loss - level - arm.mean;
            if arm.weight > 0.0 {
                self.noise = (self.noise.0 + surprise * surprise, self.noise.1 + 1.0);
            }
            arm.weight += 1.0;
            arm.mean += surprise / arm.weight;
        }
    }

    pub(super) fn mean(&self, arm: usize) -> f64 {
        self.arms[arm].mean
    }

    /// Standard error of an arm's mean; infinite before its first probe.
    pub(super) fn error(&self, arm: usize) -> f64 {
        let weight = self.arms[arm].weight;
        if weight == 0.0 {
            return f64::INFINITY;
        }
        let variance = if self.noise.1 > 0.0 { self.noise.0 / self.noise.1 } else { 1.0 };
        (variance / weight).sqrt()
    }

    /// The arm of the lowest mean among those ever probed, unless it is ahead of the present one by no more than
    /// switching costs.
    pub(super) fn best(&self, present: usize, switching_cost: f64) -> usize {
        let probed = (0..self.arms.len()).filter(|&arm| self.arms[arm].weight > 0.0);
        let best = probed.min_by(|&a, &b| self.mean(a).total_cmp(&self.mean(b))).unwrap_or(present);
        let known = self.arms[present].weight > 0.0;
        if known && self.mean(present) - self.mean(best) <= switching_cost { present } else { best }
    }

    /// The present arm, and the rivals of the lowest scores, `affordable` in all; none if that leaves no rival.
    pub(super) fn contenders(
        &self,
        present: usize,
        affordable: usize,
        mut score: impl FnMut(usize) -> f64,
    ) -> Vec<usize> {
        if affordable < 2 {
            return Vec::new();
        }
        let mut rivals: Vec<(usize, f64)> =
            (0..self.arms.len()).filter(|&arm| arm != present).map(|arm| (arm, score(arm))).collect();
        rivals.sort_by(|(_, a), (_, b)| a.total_cmp(b));
        let rivals = rivals.into_iter().map(|(arm, _)| arm).take(affordable - 1);
        let wanted: Vec<usize> = std::iter::once(present).chain(rivals).collect();
        if wanted.len() < 2 { Vec::new() } else { wanted }
    }
}
