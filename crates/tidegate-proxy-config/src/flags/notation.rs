//! What kube-proxy's command line takes besides `--name value`, put into those words.

use std::ffi::OsString;

use super::Flag;

/// Rewrites arguments as a parser understands them that knows the flags by [their
/// names](Flag::name) only: `--proxy_mode` becomes `--proxy-mode`, and `-v 2`, `-v=2` and `-v2`
/// become `--v=2`, as Go's flag library takes them all.
///
/// What is no flag of kube-proxy stays as it is, and so does everything behind `--`.
pub fn in_plain_notation(args: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut plain = Vec::new();
    let mut args = args.into_iter().peekable();
    while let Some(arg) = args.next() {
        let Some(text) = arg.to_str() else {
            plain.push(arg);
            continue;
        };
        if text == "--" {
            plain.push(arg);
            plain.extend(args);
            return plain;
        }
        let next = args.peek().and_then(|next| next.to_str());
        match (long(text), short(text, next)) {
            (Some(long), _) => plain.push(long.into()),
            (None, Some(Short::Alone(long))) => plain.push(long.into()),
            (None, Some(Short::WithNext(long))) => {
                plain.push(long.into());
                args.next();
            }
            (None, None) => plain.push(arg),
        }
    }
    plain
}

/// A flag by its letter.
enum Short {
    /// All of it stood in one argument.
    Alone(String),
    /// Its value was the next argument.
    WithNext(String),
}

/// A flag's name written with underscores.
fn long(arg: &str) -> Option<String> {
    let arg = arg.strip_prefix("--")?;
    let (name, value) = match arg.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (arg, None),
    };
    if !name.contains('_') {
        return None;
    }
    let name = Flag::find(name)?.name;
    Some(match value {
        Some(value) => format!("--{name}={value}"),
        None => format!("--{name}"),
    })
}

/// A flag's letter, with a number: the letter alone, or repeated, may mean something else.
fn short(arg: &str, next: Option<&str>) -> Option<Short> {
    let mut letters = arg.strip_prefix('-')?.chars();
    let letter = letters.next()?;
    let rest = letters.as_str();
    let name = Flag::by_letter(letter)?.name;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match rest.strip_prefix('=') {
        Some(value) => Some(Short::Alone(format!("--{name}={value}"))),
        None if is_number(rest) => Some(Short::Alone(format!("--{name}={rest}"))),
        None => next
            .filter(|next| rest.is_empty() && is_number(next))
            .map(|value| Short::WithNext(format!("--{name}={value}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(line: &str) -> String {
        let args = line.split(' ').map(OsString::from);
        let plain = in_plain_notation(args).into_iter();
        let words: Vec<String> = plain
            .map(|arg| arg.to_string_lossy().into_owned())
            .collect();
        words.join(" ")
    }

    #[test]
    fn underscores_in_the_names_of_flags_are_dashes() {
        for (typed, meant) in [
            ("--proxy_mode ipvs", "--proxy-mode ipvs"),
            ("--cluster_cidr=10.0.0.0/8", "--cluster-cidr=10.0.0.0/8"),
            ("--iptables-sync_period 1m", "--iptables-sync-period 1m"),
            ("--masquerade_all", "--masquerade-all"),
            ("--hostname_override=my_node", "--hostname-override=my_node"),
        ] {
            assert_eq!(plain(typed), meant);
        }
    }

    #[test]
    fn the_letter_v_takes_its_number_in_every_way() {
        for typed in ["-v 4", "-v=4", "-v4"] {
            assert_eq!(plain(typed), "--v=4", "{typed}");
        }
        assert_eq!(plain("-v=much"), "--v=much", "is refused by its value");
    }

    #[test]
    fn everything_else_stays_as_it_was_typed() {
        for line in [
            "-v",
            "-vv",
            "-v --proxy-mode ipvs",
            "--no_such_flag 1",
            "--proxy-mode my_mode",
            "-x 2",
            "- --",
            "-- --proxy_mode -v 2",
        ] {
            assert_eq!(plain(line), line);
        }
    }
}
