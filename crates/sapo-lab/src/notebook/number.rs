//! Numbers as Python's `format(value, ".4g")` writes them.

/// Digits that count.
const DIGITS: i32 = 4;

/// The number with four significant digits, zeros at the end left out: `0.0123`, `91.73`, `1.5e-05`.
pub(super) fn general(value: f64) -> String {
    // Rounded first: 9999.6 has the exponent of 10000.
    let scientific = format!("{value:.*e}", DIGITS as usize - 1);
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..DIGITS).contains(&exponent) {
        return trimmed(&format!("{value:.*}", (DIGITS - 1 - exponent) as usize)).to_owned();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", trimmed(mantissa), exponent.abs())
}

/// Without zeros after the decimal point, and without a point at the end.
fn trimmed(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

#[cfg(test)]
mod tests {
    use super::general;

    #[test]
    fn as_python_writes_them() {
        // python3 -c 'for x in (...): print(f"{x:.4g}")'
        let expected = [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (91.725, "91.72"),
            (-4.5, "-4.5"),
            (0.001953125, "0.001953"),
            (9999.4, "9999"),
            (9999.6, "1e+04"),
            (123456.0, "1.235e+05"),
            (0.0001, "0.0001"),
            (0.00001234, "1.234e-05"),
            (1e-300, "1e-300"),
            (0.99996, "1"),
            (12.0, "12"),
            (1200.0, "1200"),
        ];
        for (value, text) in expected {
            assert_eq!(general(value), text, "{value}");
        }
    }
}
