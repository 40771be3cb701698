//! Amounts as the API writes them: `500m`, `128Mi`, `1.5`, `2e3`.

/// The amount in thousandths, rounded up; `None` when the text is no quantity or is negative.
pub(crate) fn thousandths(text: &str) -> Option<u64> {
    let suffix_start = text
        .find(|c: char| !c.is_ascii_digit() && c != '.' && c != '+')
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(suffix_start);
    let number: f64 = number.trim_start_matches('+').parse().ok()?;
    let factor = match suffix {
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "" => 1.0,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1024f64.powi(2),
        "Gi" => 1024f64.powi(3),
        "Ti" => 1024f64.powi(4),
        "Pi" => 1024f64.powi(5),
        "Ei" => 1024f64.powi(6),
        _ => 10f64.powi(suffix.strip_prefix(['e', 'E'])?.parse().ok()?),
    };
    let value = number * factor * 1000.0;
    // The conversion saturates, which is as good as unlimited.
    value.is_finite().then_some(value.ceil() as u64)
}

/// The amount in whole units, rounded up.
pub(crate) fn units(text: &str) -> Option<u64> {
    thousandths(text).map(|value| value.div_ceil(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_the_api() {
        for (text, expected) in [
            ("500m", Some(500)),
            ("1", Some(1000)),
            ("1.5", Some(1500)),
            ("100u", Some(1)),
            ("2e3", Some(2_000_000)),
            ("2E1", Some(20_000)),
            ("+1", Some(1000)),
            ("", None),
            ("-1", None),
            ("1x", None),
            ("1.2.3", None),
            ("1e999", None),
        ] {
            assert_eq!(thousandths(text), expected, "{text}");
        }
        assert_eq!(units("128Mi"), Some(128 << 20));
        assert_eq!(units("1G"), Some(1_000_000_000));
        assert_eq!(units("900m"), Some(1));
    }
}
