//! What the tools list of a mode's program, so that two machines can be compared.

use tidegate_testnet::run;

use crate::Mode;

/// The first bytes of the addresses of the userspace mode's listeners. Their ports are any.
const LISTENERS: [&str; 2] = ["169.254.84.", "fd74:6964:6567:6174:"];

/// How many listings in a row have to agree, and how often at most it is listed for that.
const ALIKE: usize = 3;
const LISTINGS: usize = 30;

/// Lists the program on the machine that calls what this gives: its objects in order, a line each.
///
/// It is listed until several listings agree: the kernel leaves virtual servers out when those of
/// any other namespace change meanwhile, and other rows change theirs all the time.
pub(super) fn listing(mode: Mode) -> impl FnOnce() -> Vec<String> + Send + 'static {
    move || {
        let mut last = one_listing(mode);
        let mut alike = 1;
        for _ in 1..LISTINGS {
            if alike == ALIKE {
                break;
            }
            let now = one_listing(mode);
            alike = if now == last { alike + 1 } else { 1 };
            last = now;
        }
        last
    }
}

fn one_listing(mode: Mode) -> Vec<String> {
    let mut all = Vec::new();
    for command in mode.list {
        let objects = run(command);
        // A set's elements are objects of their own, wherever the tool breaks the line.
        let objects = objects.split([',', '\n', '{', '}']).filter_map(object);
        all.extend(objects.map(|object| format!("{command}: {object}")));
    }
    all.sort_unstable();
    all
}

/// An object without what is another one each time.
fn object(text: &str) -> Option<String> {
    let mut text = text.trim();
    // Chains have counters behind their names, which count what the machine does by itself.
    if let Some((chain, _)) = text.split_once(" [")
        && chain.starts_with(':')
    {
        text = chain;
    }
    if text.is_empty() || text.starts_with('#') {
        return None;
    }
    let mut words: Vec<&str> = text.split_whitespace().collect();
    // Links have the number of their making in front.
    let is_number = |word: &str| word.strip_suffix(':').is_some_and(is_digits);
    words.drain(..usize::from(words.first().is_some_and(|word| is_number(word))));
    for place in 2..words.len() {
        let is_port = words[place - 1] == "."
            && LISTENERS
                .iter()
                .any(|one| words[place - 2].starts_with(one));
        if is_port {
            words[place] = "PORT";
        }
    }
    Some(words.join(" "))
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The lines that only one of two sorted listings has, some of them.
pub(super) fn differences(found: &[String], wanted: &[String]) -> Vec<String> {
    let only = |one: &[String], other: &[String], sign: char| {
        let mut left = other.to_vec();
        let mut only = Vec::new();
        for line in one {
            match left.binary_search(line) {
                Ok(place) => drop(left.remove(place)),
                Err(_) => only.push(format!("{sign} {line}")),
            }
        }
        only
    };
    let mut all = only(found, wanted, '+');
    all.extend(only(wanted, found, '-'));
    all.truncate(20);
    all
}
