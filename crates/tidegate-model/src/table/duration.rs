//! Time spans as people read them.

use k8s_openapi::jiff::Timestamp;

/// Prints the time from `earlier` to `now` with as much precision as people care for: `45s`,
/// `3m20s`, `7h5m`, `12d`, `2y30d` (apimachinery's `duration.HumanDuration`).
///
/// Clocks of two machines differ a little, so a time up to two seconds ahead prints as `0s`; one
/// further ahead is `<invalid>`.
pub fn human_duration(earlier: Timestamp, now: Timestamp) -> String {
    let nanoseconds = now.as_nanosecond() - earlier.as_nanosecond();
    let seconds = i64::try_from(nanoseconds / 1_000_000_000).unwrap_or(i64::MAX);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let years = days / 365;
    match () {
        () if seconds < -1 => "<invalid>".to_owned(),
        () if seconds < 0 => "0s".to_owned(),
        () if seconds < 120 => format!("{seconds}s"),
        () if minutes < 10 => two_units((minutes, 'm'), (seconds % 60, 's')),
        () if minutes < 180 => format!("{minutes}m"),
        () if hours < 8 => two_units((hours, 'h'), (minutes % 60, 'm')),
        () if hours < 48 => format!("{hours}h"),
        () if days < 8 => two_units((days, 'd'), (hours % 24, 'h')),
        () if years < 2 => format!("{days}d"),
        () if years < 8 => two_units((years, 'y'), (days % 365, 'd')),
        () => format!("{years}y"),
    }
}

fn two_units((large, large_unit): (i64, char), (small, small_unit): (i64, char)) -> String {
    if small == 0 {
        format!("{large}{large_unit}")
    } else {
        format!("{large}{large_unit}{small}{small_unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_lose_precision_as_they_grow() {
        let now = Timestamp::from_second(1_000_000_000).expect("a time");
        let day = 86_400;
        for (seconds, expected) in [
            (-2, "<invalid>"),
            (-1, "0s"),
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (125, "2m5s"),
            (599, "9m59s"),
            (600, "10m"),
            (3 * 3600 - 1, "179m"),
            (3 * 3600, "3h"),
            (7 * 3600 + 300, "7h5m"),
            (8 * 3600 + 300, "8h"),
            (2 * day - 1, "47h"),
            (2 * day, "2d"),
            (2 * day + 3600, "2d1h"),
            (8 * day + 3600, "8d"),
            (729 * day, "729d"),
            (730 * day, "2y"),
            (760 * day, "2y30d"),
            (9 * 365 * day, "9y"),
        ] {
            let earlier = Timestamp::from_second(1_000_000_000 - seconds).expect("a time");
            assert_eq!(human_duration(earlier, now), expected, "{seconds} s");
        }
    }
}
