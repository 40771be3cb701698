//! From numbers of Services and values to places in a chart.

/// How values turn into heights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// In proportion.
    FromZero,
    /// Ten times as much is one step up.
    Logarithmic,
}

// The picture's size, and the room around the lines for what is written.
pub(super) const WIDTH: f64 = 820.0;
pub(super) const HEIGHT: f64 = 420.0;
pub(super) const LEFT: f64 = 76.0;
pub(super) const RIGHT: f64 = 200.0;
pub(super) const TOP: f64 = 52.0;
pub(super) const BOTTOM: f64 = 54.0;

/// From values to places.
pub(super) struct Frame {
    scale: Scale,
    services: (f64, f64),
    values: (f64, f64),
}

impl Frame {
    /// What holds all of the points.
    pub(super) fn around(scale: Scale, points: &[(f64, f64)]) -> Self {
        // What is not above zero has no place among powers of ten, and nothing at all needs a frame
        // too.
        let values = || {
            points
                .iter()
                .map(|point| point.1)
                .filter(|value| *value > 0.0)
        };
        let most = values().reduce(f64::max).unwrap_or(1.0);
        let least = values().reduce(f64::min).unwrap_or(1.0);
        let numbers = || points.iter().map(|point| point.0);
        let values = match scale {
            Scale::FromZero => (0.0, most * 1.05),
            Scale::Logarithmic => {
                let decades = (least.log10().floor(), most.log10().ceil());
                (10_f64.powf(decades.0), 10_f64.powf(decades.1))
            }
        };
        Self {
            scale,
            services: (
                numbers().reduce(f64::min).unwrap_or(1.0),
                numbers().reduce(f64::max).unwrap_or(1.0),
            ),
            values,
        }
    }

    /// How far to the right a number of Services is.
    pub(super) fn x(&self, services: f64) -> f64 {
        let (first, last) = (self.services.0.ln(), self.services.1.ln());
        let share = match last > first {
            true => (services.ln() - first) / (last - first),
            // A single number of Services stands in the middle.
            false => 0.5,
        };
        LEFT + share * (WIDTH - RIGHT - LEFT)
    }

    /// How far down a value is.
    pub(super) fn y(&self, value: f64) -> f64 {
        let (low, high) = self.values;
        let share = match self.scale {
            Scale::FromZero => value / high,
            Scale::Logarithmic => (value.max(low) / low).log10() / (high / low).log10().max(1.0),
        };
        HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP)
    }

    /// The values that are marked.
    pub(super) fn marks(&self) -> Vec<f64> {
        let (low, high) = self.values;
        match self.scale {
            Scale::FromZero => {
                let rough = high / 6.0;
                let decade = 10_f64.powf(rough.log10().floor());
                let steps = [1.0, 2.0, 2.5, 5.0, 10.0].map(|factor| factor * decade);
                let step = steps.into_iter().find(|step| *step >= rough);
                let step = step.unwrap_or(rough);
                let count = (high / step).floor() as u32;
                (0..=count).map(|index| f64::from(index) * step).collect()
            }
            Scale::Logarithmic => {
                let decades = (high / low).log10().round() as i32;
                (0..=decades)
                    .map(|decade| low * 10_f64.powi(decade))
                    .collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_is_higher_and_further_right() {
        for scale in [Scale::FromZero, Scale::Logarithmic] {
            let points = [(1.0, 0.05), (100.0, 3.0), (10_000.0, 400.0)];
            let frame = Frame::around(scale, &points);
            assert!(frame.x(1.0) < frame.x(100.0) && frame.x(100.0) < frame.x(10_000.0));
            assert!(frame.y(0.05) > frame.y(3.0) && frame.y(3.0) > frame.y(400.0));
        }
    }

    #[test]
    fn a_few_marks_are_within_the_frame_whatever_the_values_are() {
        let allowed = TOP - 0.1..=HEIGHT - BOTTOM + 0.1;
        for scale in [Scale::FromZero, Scale::Logarithmic] {
            for values in [&[][..], &[0.0], &[1.0], &[0.02, 19_000.0], &[1e-9, 2e-9]] {
                let points: Vec<_> = values.iter().map(|value| (1.0, *value)).collect();
                let frame = Frame::around(scale, &points);
                let marks = frame.marks();
                assert!((1..=12).contains(&marks.len()), "{values:?}: {marks:?}");
                let places = marks.into_iter().chain(values.iter().copied());
                let places: Vec<f64> = places.map(|value| frame.y(value)).collect();
                assert!(
                    places.iter().all(|y| allowed.contains(y)),
                    "{values:?}: {places:?}"
                );
            }
        }
    }
}
