//! Figures as people read them.

/// A time with the unit that suits it.
pub fn time(seconds: f64) -> String {
    let (value, unit) = match seconds {
        _ if seconds < 1e-3 => (seconds * 1e6, "µs"),
        _ if seconds < 1.0 => (seconds * 1e3, "ms"),
        _ => (seconds, "s"),
    };
    format!("{} {unit}", short(value))
}

/// A number with about three digits that mean something, and commas between thousands.
pub fn short(value: f64) -> String {
    match value.abs() {
        size if size < 10.0 => format!("{value:.2}"),
        size if size < 100.0 => format!("{value:.1}"),
        _ => thousands(value.round() as i64),
    }
}

/// A ratio.
pub fn times(ratio: f64) -> String {
    match ratio {
        _ if ratio >= 10.0 => format!("{} ×", thousands(ratio.round() as i64)),
        _ => format!("{ratio:.2} ×"),
    }
}

/// A whole number with commas between thousands.
pub fn thousands(value: i64) -> String {
    let digits = value.abs().to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    match value < 0 {
        true => format!("-{text}"),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_carry_three_digits_and_a_unit_that_suits() {
        let times_of = [0.000_018_4, 0.002_5, 0.112_9, 16.0, 1_234.0].map(time);
        assert_eq!(
            times_of,
            ["18.4 µs", "2.50 ms", "113 ms", "16.0 s", "1,234 s"]
        );
        assert_eq!(
            [0.97, 78.2, 6_272.0].map(times),
            ["0.97 ×", "78 ×", "6,272 ×"]
        );
        assert_eq!(
            [-1_000, 0, 999, 1_000_000].map(thousands),
            ["-1,000", "0", "999", "1,000,000"]
        );
    }
}
