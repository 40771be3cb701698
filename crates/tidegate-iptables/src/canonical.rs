//! What a rule means, whoever wrote it down.
//!
//! `iptables-save` prints rules in another form than they were given: in another order, with
//! defaults filled in, numbers rounded as the kernel keeps them. Two rules that mean the same have
//! one canonical form. Comments are no part of it: they change nothing.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use ipnet::IpNet;

/// A rule's canonical form, as a number that is different for another rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Meaning(u64);

impl Meaning {
    /// The meaning of a rule, given without `-A` and its chain.
    pub(crate) fn of(rule: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        canonical(rule).hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// The options of a rule, sorted.
fn canonical(rule: &str) -> Vec<String> {
    let mut options: Vec<String> = Vec::new();
    let mut words = Words(rule).peekable();
    while let Some(word) = words.next() {
        let (not, name) = match word.as_str() {
            "!" => (true, words.next().unwrap_or_default()),
            _ => (false, word),
        };
        let mut values = Vec::new();
        while let Some(value) = words.next_if(|next| next != "!" && !next.starts_with('-')) {
            values.push(value);
        }
        let not = if not { "! " } else { "" };
        if let Some(option) = option(name, values.join(" "), !not.is_empty()) {
            options.push(format!("{not}{option}"));
        }
    }
    options.sort_unstable();
    options
}

/// One option; `None` for what is there in any case.
fn option(name: String, value: String, is_negated: bool) -> Option<String> {
    let value = match (name.as_str(), value.as_str()) {
        ("-m" | "--comment" | "--mask" | "--rsource", _) => return None,
        ("--reject-with", "icmp-port-unreachable" | "icmp6-port-unreachable") => return None,
        ("-s" | "-d", _) => match address(&value) {
            Some(range) if range.prefix_len() == 0 && !is_negated => return None,
            Some(range) => range.to_string(),
            None => value,
        },
        ("--or-mark", _) => return Some(format!("--set-xmark {value}/{value}")),
        ("--xor-mark", _) => return Some(format!("--set-xmark {value}/0x0")),
        ("--probability", _) => kernel_probability(&value),
        _ => value,
    };
    Some(format!("{name} {value}"))
}

fn address(text: &str) -> Option<IpNet> {
    match text.contains('/') {
        true => text.parse::<IpNet>().ok().map(|range| range.trunc()),
        false => text.parse::<std::net::IpAddr>().ok().map(IpNet::from),
    }
}

/// The kernel keeps a probability as a multiple of 2^-31.
fn kernel_probability(text: &str) -> String {
    let number: f64 = text.parse().unwrap_or(f64::NAN);
    format!("{:.0}", number * f64::from(1u32 << 31))
}

/// The words of a rule; what is quoted is one word.
struct Words<'a>(&'a str);

impl Iterator for Words<'_> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let text = self.0.trim_start_matches(' ');
        if text.is_empty() {
            return None;
        }
        if !text.starts_with('"') {
            let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
            self.0 = rest;
            return Some(word.to_owned());
        }
        let mut word = String::new();
        let mut characters = text.char_indices().skip(1);
        while let Some((_, character)) = characters.next() {
            match character {
                '"' => break,
                '\\' => word.extend(characters.next().map(|(_, escaped)| escaped)),
                other => word.push(other),
            }
        }
        let end = characters.next().map_or(text.len(), |(index, _)| index);
        self.0 = text.get(end..).unwrap_or_default();
        // A comment that begins like an option is none.
        Some(format!("\"{word}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_iptables_prints_means_what_was_written() {
        let pairs = [
            (
                "-m comment --comment \"default/a:b has no endpoints\" -m tcp -p tcp -d 10.96.0.1 --dport 80 -j REJECT",
                "-d 10.96.0.1/32 -p tcp -m comment --comment \"default/a:b has no endpoints\" -m tcp --dport 80 -j REJECT --reject-with icmp-port-unreachable",
            ),
            (
                "-m comment --comment \"a -> b\" -m statistic --mode random --probability 0.3333333333 -j KUBE-SEP-A",
                "-m comment --comment \"a -> b\" -m statistic --mode random --probability 0.33333333349 -j KUBE-SEP-A",
            ),
            (
                "-m recent --name KUBE-SEP-A --rcheck --seconds 10800 --reap -j KUBE-SEP-A",
                "-m comment --comment \"a -> b\" -m recent --rcheck --seconds 10800 --reap --name KUBE-SEP-A --mask 255.255.255.255 --rsource -j KUBE-SEP-A",
            ),
            (
                "-j MARK --or-mark 0x4000",
                "-j MARK --set-xmark 0x4000/0x4000",
            ),
            (
                "-j MARK --xor-mark 0x4000",
                "-j MARK --set-xmark 0x4000/0x0",
            ),
            (
                "-d 127.0.0.0/8 ! -s 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP",
                "! -s 127.0.0.0/8 -d 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP",
            ),
            ("-d 0.0.0.0/0 -j DROP", "-j DROP"),
            ("-d fd00::1 -j DROP", "-d fd00::1/128 -j DROP"),
        ];
        for (given, printed) in pairs {
            assert_eq!(canonical(given), canonical(printed));
            assert_eq!(Meaning::of(given), Meaning::of(printed));
        }
    }

    #[test]
    fn rules_that_mean_something_else_are_different() {
        let rules = [
            "-d 10.96.0.1 -j DROP",
            "! -d 10.96.0.1 -j DROP",
            "-s 10.96.0.1 -j DROP",
            "-d 10.96.0.0/24 -j DROP",
            "-d 10.96.0.1 -j REJECT",
            "-d 10.96.0.1 -p tcp -j DROP",
            "-m statistic --mode random --probability 0.5 -j DROP",
            "-m statistic --mode random --probability 0.3333333333 -j DROP",
            "-j DROP",
            "! -s 0.0.0.0/0 -j DROP",
        ];
        for (index, one) in rules.iter().enumerate() {
            for other in &rules[index + 1..] {
                assert_ne!(Meaning::of(one), Meaning::of(other), "{one} and {other}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_has_a_meaning(text in any::<String>()) {
            Meaning::of(&text);
        }
    }
}
