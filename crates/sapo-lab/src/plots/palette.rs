//! Colours that people with any colour vision can tell apart.
//!
//! # Source
//! Okabe and Ito, "Color Universal Design" (2008), for arms; ColorBrewer "Blues" for magnitudes, "RdBu"
//! for signed numbers.

/// Red, green, blue.
pub(crate) type Rgb = [u8; 3];

pub(crate) const BLACK: Rgb = [0x1a, 0x1a, 0x1a];
pub(crate) const GREY: Rgb = [0x6b, 0x6b, 0x6b];
pub(crate) const LIGHT_GREY: Rgb = [0xb4, 0xb4, 0xb4];
pub(crate) const GRID: Rgb = [0xe4, 0xe4, 0xe4];
pub(crate) const WHITE: Rgb = [0xff, 0xff, 0xff];

/// Arms that mean the same in every figure keep their colour in every figure.
const FIXED: [(&str, Rgb); 4] = [
    ("static", [0x4d, 0x4d, 0x4d]),
    ("random", [0xe6, 0x9f, 0x00]),
    ("sapo", [0x00, 0x72, 0xb2]),
    ("sapp", [0xd5, 0x5e, 0x00]),
];

/// For every other arm, in order of appearance (the palette's yellow is left out: too faint on white).
const OTHERS: [Rgb; 6] = [
    [0x00, 0x9e, 0x73],
    [0xcc, 0x79, 0xa7],
    [0x56, 0xb4, 0xe9],
    [0x7a, 0x4f, 0x1d],
    [0x8c, 0x6b, 0xb1],
    [0x99, 0x99, 0x33],
];

/// One colour for each name: the fixed ones by name, the others in order of appearance.
///
/// After the sixth unnamed arm the colours come round again, darker.
pub(crate) fn colours<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<Rgb> {
    let mut next = 0;
    names
        .into_iter()
        .map(|name| match FIXED.iter().find(|(fixed, _)| *fixed == name) {
            Some((_, rgb)) => *rgb,
            None => {
                let (round, place) = (next / OTHERS.len(), next % OTHERS.len());
                next += 1;
                OTHERS[place].map(|c| (f64::from(c) * 0.65_f64.powi(round as i32)).round() as u8)
            }
        })
        .collect()
}

const BLUES: [Rgb; 9] = [
    [0xf7, 0xfb, 0xff],
    [0xde, 0xeb, 0xf7],
    [0xc6, 0xdb, 0xef],
    [0x9e, 0xca, 0xe1],
    [0x6b, 0xae, 0xd6],
    [0x42, 0x92, 0xc6],
    [0x21, 0x71, 0xb5],
    [0x08, 0x51, 0x9c],
    [0x08, 0x30, 0x6b],
];

/// The sequential map: 0 is nearly white, 1 dark blue.
pub(crate) fn sequential(fraction: f64) -> Rgb {
    between(&BLUES, fraction)
}

/// The colour at a share of the way along a map.
fn between(map: &[Rgb; 9], fraction: f64) -> Rgb {
    let at = fraction.clamp(0.0, 1.0) * (map.len() - 1) as f64;
    let left = (at.floor() as usize).min(map.len() - 2);
    mix(map[left], map[left + 1], at - left as f64)
}

const RED_TO_BLUE: [Rgb; 9] = [
    [0xb2, 0x18, 0x2b],
    [0xd6, 0x60, 0x4d],
    [0xf4, 0xa5, 0x82],
    [0xfd, 0xdb, 0xc7],
    [0xf7, 0xf7, 0xf7],
    [0xd1, 0xe5, 0xf0],
    [0x92, 0xc5, 0xde],
    [0x43, 0x93, 0xc3],
    [0x21, 0x66, 0xac],
];

/// The diverging map: -1 is red, 0 nearly white, 1 blue.
pub(crate) fn diverging(share: f64) -> Rgb {
    between(&RED_TO_BLUE, (share + 1.0) / 2.0)
}

/// `a` at 0, `b` at 1.
pub(crate) fn mix(a: Rgb, b: Rgb, fraction: f64) -> Rgb {
    [0, 1, 2].map(|i| (f64::from(a[i]) + (f64::from(b[i]) - f64::from(a[i])) * fraction).round() as u8)
}

/// Black or white, whichever reads better on `background`.
///
/// The contrast ratio alone would put black on middle blues, where white is easier to read.
pub(crate) fn ink_on(background: Rgb) -> Rgb {
    if contrast(WHITE, background) >= 3.4 { WHITE } else { BLACK }
}

/// Contrast ratio, 1 to 21.
///
/// # Source
/// WCAG 2.1, "contrast ratio" and "relative luminance".
fn contrast(a: Rgb, b: Rgb) -> f64 {
    let (la, lb) = (luminance(a), luminance(b));
    (la.max(lb) + 0.05) / (la.min(lb) + 0.05)
}

fn luminance(rgb: Rgb) -> f64 {
    let [r, g, b] = rgb.map(|c| {
        let s = f64::from(c) / 255.0;
        if s <= 0.04045 { s / 12.92 } else { ((s + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_arms_keep_their_colour_and_others_differ() {
        let alone = colours(["sapo"]);
        let many = colours(["a", "b", "sapo", "c", "d", "e", "f", "g"]);
        assert_eq!(many[2], alone[0]);
        let mut distinct = many.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), many.len());
    }

    #[test]
    fn text_on_every_shade_is_readable() {
        for i in 0..=100 {
            let shade = sequential(f64::from(i) / 100.0);
            assert!(contrast(ink_on(shade), shade) >= 3.4, "shade {i}");
        }
    }
}
