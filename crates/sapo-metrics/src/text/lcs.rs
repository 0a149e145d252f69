//! The length of the longest common subsequence, 64 cells of the table at a time.

use std::hash::Hash;

use rustc_hash::FxHashMap;

/// Returns the length of the longest common subsequence of `a` and `b`.
///
/// Time is `|a| |b| / 64`, memory `|a| + |b|`: the table's columns are kept as bits of differences, and the
/// table is walked in blocks of 64 rows with one carry bit a column, so long texts need no large table.
///
/// # Source
/// Hyyrö (2004), "Bit-parallel LCS-length computation revisited": `V' = (V + (V & M)) | (V & !M)`, where M marks
/// the rows that hold the column's symbol; each 0 that is left in V is one symbol of the subsequence.
pub(super) fn lcs_length<S: Copy + Eq + Hash>(a: &[S], b: &[S]) -> usize {
    let (prefix, a, b) = without_common_prefix(a, b);
    let (suffix, a, b) = without_common_suffix(a, b);
    let (pattern, text) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if pattern.is_empty() {
        return prefix + suffix;
    }

    let mut ids = FxHashMap::with_capacity_and_hasher(pattern.len(), Default::default());
    let rows: Vec<usize> = pattern
        .iter()
        .map(|&symbol| {
            let next = ids.len();
            *ids.entry(symbol).or_insert(next)
        })
        .collect();
    // A symbol that the pattern lacks leaves V as it is, so it is left out.
    let mut columns: Vec<(usize, bool)> =
        text.iter().filter_map(|symbol| ids.get(symbol).map(|&id| (id, false))).collect();

    let mut masks = vec![0u64; ids.len()];
    let mut length = prefix + suffix;
    for block in rows.chunks(64) {
        for (bit, &id) in block.iter().enumerate() {
            masks[id] |= 1 << bit;
        }
        let mut v = u64::MAX;
        for (id, carry) in &mut columns {
            let mask = masks[*id];
            let (sum, over) = v.overflowing_add(v & mask);
            let (sum, over_by_carry) = sum.overflowing_add(u64::from(*carry));
            *carry = over | over_by_carry;
            v = sum | (v & !mask);
        }
        length += v.count_zeros() as usize;
        for &id in block {
            masks[id] = 0;
        }
    }
    length
}

fn without_common_prefix<'a, S: Eq>(a: &'a [S], b: &'a [S]) -> (usize, &'a [S], &'a [S]) {
    let common = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    (common, &a[common..], &b[common..])
}

fn without_common_suffix<'a, S: Eq>(a: &'a [S], b: &'a [S]) -> (usize, &'a [S], &'a [S]) {
    let common = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
    (common, &a[..a.len() - common], &b[..b.len() - common])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The textbook table.
    fn table(a: &[u8], b: &[u8]) -> usize {
        let mut cells = vec![vec![0; b.len() + 1]; a.len() + 1];
        for (i, x) in a.iter().enumerate() {
            for (j, y) in b.iter().enumerate() {
                cells[i + 1][j + 1] =
                    if x == y { cells[i][j] + 1 } else { cells[i][j + 1].max(cells[i + 1][j]) };
            }
        }
        cells[a.len()][b.len()]
    }

    fn letters(kinds: u8) -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(0..kinds, 0..200)
    }

    proptest! {
        #[test]
        fn equals_the_table((a, b) in (1u8..40).prop_flat_map(|kinds| (letters(kinds), letters(kinds)))) {
            prop_assert_eq!(lcs_length(&a, &b), table(&a, &b));
        }
    }

    #[test]
    fn block_edges() {
        for n in [1usize, 63, 64, 65, 127, 128, 129] {
            let a = vec![7u8; n];
            let mut b = a.clone();
            b.insert(0, 1);
            b.push(2);
            assert_eq!(lcs_length(&a, &b), n);
            assert_eq!(lcs_length(&b, &a), n);
        }
        assert_eq!(lcs_length::<u8>(&[], &[1]), 0);
    }
}
