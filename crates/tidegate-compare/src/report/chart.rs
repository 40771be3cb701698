//! A line chart as SVG. White behind dark ink, so that it can be read on any page.

use std::fmt::Write as _;

use crate::report::frame::{BOTTOM, Frame, HEIGHT, LEFT, RIGHT, Scale, TOP, WIDTH};
use tidegate_figures::thousands;

/// Lines over the number of Services, which grows by powers.
pub(super) struct Chart {
    pub(super) title: &'static str,
    /// What is counted upwards.
    pub(super) unit: &'static str,
    pub(super) scale: Scale,
    pub(super) lines: Vec<Line>,
}

/// A line with its name at its end.
pub(super) struct Line {
    pub(super) name: String,
    pub(super) dashed: bool,
    /// Numbers of Services and values, in ascending order.
    pub(super) points: Vec<(f64, f64)>,
}

/// A name's colour, the same in every chart; also those can tell them apart who don't see all
/// colours.
const COLOURS: [(&str, &str); 8] = [
    ("direct", "#444444"),
    ("direct, tracked", "#888888"),
    ("haproxy", "#d55e00"),
    ("nftables", "#0072b2"),
    ("iptables", "#009e73"),
    ("iptables-nft", "#5a8f00"),
    ("ipvs", "#b0568f"),
    ("userspace", "#b07a00"),
];

/// The colour of what has none of its own.
const OTHER_COLOUR: &str = "#4a97c9";

/// The least distance between two names.
const NAME_HEIGHT: f64 = 16.0;

impl Chart {
    /// The picture.
    pub(super) fn svg(&self) -> String {
        let points = self.lines.iter().flat_map(|line| &line.points);
        let points: Vec<(f64, f64)> = points.copied().collect();
        let frame = Frame::around(self.scale, &points);
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
             font-family=\"sans-serif\" font-size=\"13\" fill=\"#222222\">\n\
             <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#ffffff\"/>\n\
             <text x=\"{LEFT}\" y=\"24\" font-size=\"15\" font-weight=\"bold\">{}</text>\n\
             <text x=\"{LEFT}\" y=\"42\" fill=\"#555555\">{}</text>\n",
            escape(self.title),
            escape(self.unit),
        );
        self.grid(&frame, &mut out);
        for line in &self.lines {
            draw(line, &frame, &mut out);
        }
        self.names(&frame, &mut out);
        out.push_str("</svg>\n");
        out
    }

    fn grid(&self, frame: &Frame, out: &mut String) {
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        for value in frame.marks() {
            let y = frame.y(value);
            // Writing to a string can't fail.
            let _ = writeln!(
                out,
                "<path d=\"M{LEFT} {y:.1}H{right}\" stroke=\"#dddddd\"/>\
                 <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                LEFT - 8.0,
                y + 4.5,
                mark(value)
            );
        }
        // From the right, so that the most Services are always named; a number that would touch its
        // neighbour is left out.
        let mut neighbour = WIDTH;
        for services in self.numbers().into_iter().rev() {
            let x = frame.x(services);
            let _ = writeln!(out, "<path d=\"M{x:.1} {bottom}v5\" stroke=\"#222222\"/>");
            let text = mark(services);
            let half = text.len() as f64 * 4.5;
            if x + half > neighbour {
                continue;
            }
            neighbour = x - half;
            let y = bottom + 20.0;
            let _ = writeln!(
                out,
                "<text x=\"{x:.1}\" y=\"{y}\" text-anchor=\"middle\">{text}</text>"
            );
        }
        let _ = writeln!(
            out,
            "<path d=\"M{LEFT} {bottom}H{right}\" stroke=\"#222222\"/>\
             <text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\" fill=\"#555555\">Services</text>",
            (LEFT + right) / 2.0,
            bottom + 42.0
        );
    }

    /// Every number of Services that some line has a point at.
    fn numbers(&self) -> Vec<f64> {
        let points = self.lines.iter().flat_map(|line| &line.points);
        let mut numbers: Vec<f64> = points.map(|(services, _)| *services).collect();
        numbers.sort_by(f64::total_cmp);
        numbers.dedup();
        numbers
    }

    /// Each line's name beside its end, moved where it would cover another.
    fn names(&self, frame: &Frame, out: &mut String) {
        let mut places: Vec<(f64, &str, &str)> = Vec::new();
        for line in &self.lines {
            if let Some((_, value)) = line.points.last() {
                places.push((frame.y(*value), &line.name, colour(&line.name)));
            }
        }
        places.sort_by(|one, other| one.0.total_cmp(&other.0));
        let mut above = TOP - NAME_HEIGHT;
        for place in &mut places {
            place.0 = place.0.max(above + NAME_HEIGHT);
            above = place.0;
        }
        // What was pushed below the axis comes up again, and pushes in turn.
        let mut below = HEIGHT - BOTTOM + NAME_HEIGHT;
        for place in places.iter_mut().rev() {
            place.0 = place.0.min(below - NAME_HEIGHT);
            below = place.0;
        }
        for (y, name, colour) in places {
            let _ = writeln!(
                out,
                "<text x=\"{}\" y=\"{:.1}\" fill=\"{colour}\" font-weight=\"bold\">{}</text>",
                WIDTH - RIGHT + 10.0,
                y + 4.5,
                escape(name)
            );
        }
    }
}

fn colour(name: &str) -> &'static str {
    let found = COLOURS.iter().find(|(known, _)| *known == name);
    found.map_or(OTHER_COLOUR, |(_, colour)| colour)
}

fn draw(line: &Line, frame: &Frame, out: &mut String) {
    let colour = colour(&line.name);
    let mut path = String::new();
    for (index, (services, value)) in line.points.iter().enumerate() {
        let letter = if index == 0 { 'M' } else { 'L' };
        let _ = write!(
            path,
            "{letter}{:.1} {:.1}",
            frame.x(*services),
            frame.y(*value)
        );
    }
    let dashes = match line.dashed {
        true => " stroke-dasharray=\"6 4\"",
        false => "",
    };
    let _ = writeln!(
        out,
        "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"{dashes}/>"
    );
    for (services, value) in line.points.iter().filter(|_| !line.dashed) {
        let _ = writeln!(
            out,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3.5\" fill=\"{colour}\"/>",
            frame.x(*services),
            frame.y(*value)
        );
    }
}

fn mark(value: f64) -> String {
    match value {
        _ if value == 0.0 || value >= 1.0 => thousands(value.round() as i64),
        // Powers of ten below one, which rounding has left with a rest.
        _ => format!("{value:.*}", (-value.log10()).round().max(1.0) as usize),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str, points: &[(f64, f64)]) -> Line {
        Line {
            name: name.to_owned(),
            dashed: false,
            points: points.to_vec(),
        }
    }

    fn chart(scale: Scale, lines: Vec<Line>) -> Chart {
        Chart {
            title: "a < b",
            unit: "ms",
            scale,
            lines,
        }
    }

    #[test]
    fn names_of_lines_that_end_at_one_place_don_t_cover_each_other() {
        let lines = ["a", "b", "c"].map(|name| line(name, &[(1.0, 5.0), (10.0, 0.0)]));
        let svg = chart(Scale::FromZero, lines.into()).svg();
        let heights = svg.lines().filter_map(|line| {
            let line = line.contains("font-weight=\"bold\">").then_some(line)?;
            let (_, rest) = line.split_once(" y=\"")?;
            rest.split_once('"')?.0.parse::<f64>().ok()
        });
        // The first is the title's.
        let mut heights: Vec<f64> = heights.skip(1).collect();
        heights.sort_by(f64::total_cmp);
        assert_eq!(heights.len(), 3);
        assert!(
            heights
                .windows(2)
                .all(|pair| pair[1] - pair[0] >= NAME_HEIGHT - 0.1)
        );
        assert!(heights[2] <= HEIGHT - BOTTOM + 5.0);
    }

    #[test]
    fn nothing_and_a_single_point_make_pictures_too() {
        for lines in [Vec::new(), vec![line("a", &[(7.0, 0.0)])]] {
            for scale in [Scale::FromZero, Scale::Logarithmic] {
                let svg = chart(
                    scale,
                    lines
                        .iter()
                        .map(|one| line(&one.name, &one.points))
                        .collect(),
                )
                .svg();
                assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
                assert!(svg.contains("a &lt; b"));
            }
        }
    }
}
