//! A chart of bars as SVG. White behind dark ink, so that it can be read on any page.

use std::fmt::Write as _;

use crate::questions::Questions;
use crate::results::Results;
use crate::servers::Kind;
use tidegate_figures::short;

const WIDTH: f64 = 820.0;

/// Where the bars begin, and where the longest ends.
const LEFT: f64 = 110.0;
const RIGHT: f64 = 720.0;

/// The height of a bar, with the distance to the next.
const BAR: f64 = 18.0;
const STEP: f64 = 24.0;

/// The height of a group's name, and where the first begins.
const NAME: f64 = 34.0;
const TOP: f64 = 54.0;

/// A server's colour; also those can tell them apart who don't see all colours.
fn colour(server: Kind) -> &'static str {
    match server {
        Kind::Tidegate => "#0072b2",
        Kind::Knot => "#009e73",
        Kind::Nsd => "#b07a00",
        Kind::Unbound => "#d55e00",
        Kind::Dnsmasq => "#b0568f",
        Kind::Echo => "#888888",
    }
}

/// Answers for each second of processor time, a group of bars for each set of questions.
pub(crate) fn plot(results: &Results) -> String {
    let figures = results
        .peers
        .iter()
        .filter_map(|peer| peer.per_core.median());
    let most = figures.fold(1.0, f64::max);
    let mut bars = String::new();
    let mut y = TOP;
    for questions in Questions::ALL {
        let peers = results.peers.iter();
        let mut peers: Vec<_> = peers
            .filter(|peer| peer.questions == questions)
            .filter_map(|peer| Some((peer.per_core.median()?, peer.server)))
            .collect();
        peers.sort_by(|one, other| other.0.total_cmp(&one.0));
        // Writing to a string can't fail.
        let _ = writeln!(
            bars,
            "<text x=\"{LEFT}\" y=\"{:.1}\" fill=\"#555555\">{}</text>",
            y + NAME - 10.0,
            questions.name()
        );
        y += NAME;
        for (value, server) in peers {
            let width = (RIGHT - LEFT) * value / most;
            let base = y + BAR - 4.5;
            let _ = writeln!(
                bars,
                "<text x=\"{}\" y=\"{base:.1}\" text-anchor=\"end\">{}</text>\
                 <rect x=\"{LEFT}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{BAR}\" fill=\"{}\"/>\
                 <text x=\"{:.1}\" y=\"{base:.1}\">{}</text>",
                LEFT - 8.0,
                server.name(),
                colour(server),
                LEFT + width + 8.0,
                short(value)
            );
            y += STEP;
        }
    }
    let height = y + 16.0;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"13\" fill=\"#222222\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n\
         <text x=\"{LEFT}\" y=\"24\" font-size=\"15\" font-weight=\"bold\">\
         Answers for each second of a server's processor time</text>\n\
         <text x=\"{LEFT}\" y=\"42\" fill=\"#555555\">{} Services of {} endpoints</text>\n\
         {bars}</svg>\n",
        short(results.services.into()),
        results.endpoints,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::made_up;

    #[test]
    fn the_longest_bar_is_the_fastest_server_s_and_stands_first() {
        let svg = plot(&made_up::results());
        let widths = svg.split("<rect x=").skip(1).map(|bar| {
            let (_, rest) = bar.split_once("width=\"").expect("a width");
            let (width, _) = rest.split_once('"').expect("its end");
            width.parse::<f64>().expect("a number")
        });
        let widths: Vec<f64> = widths.collect();
        assert_eq!(widths.len(), 18);
        assert_eq!(widths[0], RIGHT - LEFT);
        assert!(widths[..6].is_sorted_by(|one, other| one >= other));
        let first = svg.find("echo").expect("a name");
        assert!(first < svg.find("tidegate").expect("a name"));
    }

    #[test]
    fn nothing_makes_a_picture_too() {
        let mut results = made_up::results();
        results.peers.clear();
        assert!(!plot(&results).contains("NaN"));
    }
}
