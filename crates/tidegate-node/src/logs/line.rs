//! One entry of a log file: `<time> <stream> <F|P> <text>`.
//!
//! `P` marks a piece of a line that was too long, or that its program never finished.

use jiff::Timestamp;

/// Which output an entry came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    Stdout,
    Stderr,
}

/// An entry as it was read back.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    /// As written, in RFC 3339.
    pub(super) time: &'a str,
    /// Whether the line ends with this entry.
    pub(super) complete: bool,
    pub(super) text: &'a [u8],
}

/// Appends an entry to `out`. `text` holds no newline.
pub(super) fn write(
    out: &mut Vec<u8>,
    time: Timestamp,
    output: Output,
    complete: bool,
    text: &[u8],
) {
    let stream = match output {
        Output::Stdout => "stdout",
        Output::Stderr => "stderr",
    };
    let tag = if complete { 'F' } else { 'P' };
    out.extend_from_slice(format!("{time:.9} {stream} {tag} ").as_bytes());
    out.extend_from_slice(text);
    out.push(b'\n');
}

/// Reads an entry without its final newline; `None` for anything else, such as the rest of an entry
/// that a full disk cut off.
pub(super) fn parse(line: &[u8]) -> Option<Entry<'_>> {
    let mut parts = line.splitn(4, |byte| *byte == b' ');
    let time = std::str::from_utf8(parts.next()?).ok()?;
    let _stream = parts.next()?;
    let complete = match parts.next()? {
        b"F" => true,
        b"P" => false,
        _ => return None,
    };
    Some(Entry {
        time,
        complete,
        text: parts.next()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_back_as_they_were_written() {
        let mut out = Vec::new();
        let time = Timestamp::new(1_700_000_000, 5).expect("a time");
        write(&mut out, time, Output::Stderr, false, b"a  b \xff");
        assert_eq!(out, b"2023-11-14T22:13:20.000000005Z stderr P a  b \xff\n");
        let entry = parse(&out[..out.len() - 1]).expect("an entry");
        assert_eq!(entry.text, b"a  b \xff");
        assert!(!entry.complete);
        assert_eq!(entry.time.parse::<Timestamp>().ok(), Some(time));
    }

    #[test]
    fn rubbish_is_no_entry() {
        for line in [&b""[..], b"x", b"t stdout F", b"t stdout X text"] {
            assert_eq!(parse(line), None);
        }
    }
}
