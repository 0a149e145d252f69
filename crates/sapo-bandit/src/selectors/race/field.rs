use crate::paired::lowest;

/// The arms still in a race, all on the same examples.
pub(super) struct Field {
    pub(super) arms: Vec<usize>,
    pub(super) leader: usize,
    /// Whether an arm outlived another that might be better than it by up to epsilon.
    conceded_to: Vec<bool>,
}

impl Field {
    /// All arms are in.
    pub(super) fn new(arms: usize) -> Self {
        Self { arms: (0..arms).collect(), leader: 0, conceded_to: vec![false; arms] }
    }

    /// Keeps the `count` arms that stand lowest.
    pub(super) fn keep_lowest(&mut self, standings: &[f64], count: usize) {
        self.arms.sort_by(|&a, &b| standings[a].total_cmp(&standings[b]));
        self.arms.truncate(count.max(1));
        self.leader = self.arms[0];
    }

    /// Drops the arms that are surely behind the leader, the most hopeless first.
    ///
    /// `standings` orders the arms; `risk(rival, leader, slack)` is the chance that the rival is better by more than
    /// `slack`; `accepts(risk, rivals)` tells whether it may be taken while so many rivals are undecided, and takes it.
    pub(super) fn drop_behind(
        &mut self,
        standings: &[f64],
        epsilon: f64,
        risk: impl Fn(usize, usize, f64) -> f64,
        mut accepts: impl FnMut(f64, usize) -> bool,
    ) {
        let leader = lowest(self.arms.iter().map(|&arm| (arm, standings[arm])));
        let mut rivals: Vec<(usize, f64)> = self
            .arms
            .iter()
            .filter(|&&arm| arm != leader)
            .map(|&arm| (arm, risk(arm, leader, 0.0)))
            .collect();
        rivals.sort_by(|(_, a), (_, b)| a.total_cmp(b));
        (self.leader, self.arms) = (leader, vec![leader]);
        let count = rivals.len();
        for (place, (rival, of_being_better)) in rivals.into_iter().enumerate() {
            let left = count - place;
            let may_concede = epsilon > 0.0 && !self.conceded_to[rival];
            if accepts(of_being_better, left) {
                self.conceded_to[leader] |= self.conceded_to[rival];
            } else if may_concede && accepts(risk(rival, leader, epsilon), left) {
                self.conceded_to[leader] = true;
            } else {
                self.arms.push(rival);
            }
        }
    }
}
