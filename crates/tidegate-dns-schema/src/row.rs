//! One row of a table: a question, how it is put, and all of the answer.

use std::fmt;
use std::str::FromStr;

use hickory_proto::rr::RecordType;
use tidegate_dns_wire::Kind;

/// A question and its answer.
///
/// A row is a line and the indented ones below it:
///
/// ```text
/// §1.5 _http._tcp.web.default.svc.Z SRV = found
///     @ 5 SRV 0 100 80 web.default.svc.Z
///     + web.default.svc.Z 5 A 10.96.0.7
/// ```
///
/// `Z` is the cluster's domain, `@` the question's name; `!` marks the authority section and `+`
/// the additional one. Several names or types with commas between are as many rows. Behind the type
/// may stand how the question is put (see `Manner`), and behind `=` what comes back:
///
/// * `found`: NOERROR with these records, on authority (AA);
/// * `absent`: NXDOMAIN with the zone's SOA record, on authority;
/// * `empty`: NOERROR without records but the SOA record, on authority;
/// * `unsure`: SERVFAIL with the SOA record, on authority;
/// * or a response code and flags of the header (`aa`, `tc`) with these records.
#[derive(Clone, Debug)]
pub struct Row {
    /// The rules' number.
    pub(crate) number: String,
    pub(crate) name: String,
    pub(crate) kind: u16,
    pub(crate) manner: Manner,
    pub(crate) expected: Expected,
}

/// How a question is put.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Manner {
    /// `udp`, `tcp`: over this alone.
    pub(crate) only: Option<Only>,
    /// `edns=SIZE`, `noedns`: not with all sizes, but with this one.
    pub(crate) edns: Option<Option<u16>>,
    /// `version=NUMBER` of EDNS.
    pub(crate) version: u8,
    /// `do`: signatures are wanted.
    pub(crate) dnssec_ok: bool,
    /// `options`: with a cookie and with an option that nobody knows.
    pub(crate) options: bool,
    /// `class=NUMBER`.
    pub(crate) class: Option<u16>,
    /// `opcode=NUMBER`.
    pub(crate) opcode: u8,
    /// `norec`: recursion isn't desired.
    pub(crate) no_recursion: bool,
    /// `served`: what is asked for is known to another server, so the zone alone can't tell.
    pub(crate) served: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Only {
    Udp,
    Tcp,
}

/// What comes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) code: String,
    pub(crate) authoritative: bool,
    pub(crate) truncated: bool,
    /// Records with their marks, in lower case and sorted.
    pub(crate) records: Vec<String>,
    /// How many more records there are than are listed.
    pub(crate) unlisted: Unlisted,
}

/// Records that a row doesn't tell: none, so many (`* COUNT`), or any (`* some`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unlisted {
    Count(usize),
    Some,
}

/// The rows of a table.
///
/// # Panics
/// A line is none.
pub(crate) fn read(table: &str, zone: &str, ttl: u32) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut first_of_line = 0;
    for line in table.lines() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        match line.strip_prefix("    ") {
            Some(record) => rows[first_of_line..]
                .iter_mut()
                .for_each(|row| row.add(record, zone)),
            None => {
                first_of_line = rows.len();
                rows.extend(rows_of(line, zone, ttl));
            }
        }
    }
    for row in &mut rows {
        row.expected.records.sort();
    }
    rows
}

/// The rows of a line, without their records.
fn rows_of(line: &str, zone: &str, ttl: u32) -> Vec<Row> {
    let (question, outcome) = line.split_once(" = ").expect(line);
    let mut words = question.split_whitespace();
    let mut next = || words.next().expect(line);
    let (number, names, kinds) = (next(), next(), next());
    assert!(number.starts_with('§'), "{line}");
    let mut manner = Manner::default();
    words.for_each(|word| manner.add(word));
    let mut outcome = outcome.split_whitespace();
    let code = outcome.next().expect(line);
    let flags: Vec<&str> = outcome.collect();
    let (code, is_ours, has_soa) = match code {
        "found" => ("NOERROR", true, false),
        "absent" => ("NXDOMAIN", true, true),
        "empty" => ("NOERROR", true, true),
        "unsure" => ("SERVFAIL", true, true),
        other => (other, flags.contains(&"aa"), false),
    };
    let expected = Expected {
        code: code.to_owned(),
        authoritative: is_ours,
        truncated: flags.contains(&"tc"),
        records: Vec::new(),
        unlisted: Unlisted::Count(0),
    };
    let mut rows = Vec::new();
    for name in names.split(',').map(|name| absolute(name, zone)) {
        let mut expected = expected.clone();
        expected
            .records
            .extend(has_soa.then(|| soa(&name, zone, ttl)));
        rows.extend(kinds.split(',').map(|kind| Row {
            number: number.to_owned(),
            name: name.clone(),
            kind: kind_of(kind),
            manner,
            expected: expected.clone(),
        }));
    }
    rows
}

/// The SOA record of the zone that a name is in. Serial numbers differ.
fn soa(name: &str, zone: &str, ttl: u32) -> String {
    let reverse = ["in-addr.arpa.", "ip6.arpa."];
    let lower = name.to_ascii_lowercase();
    let zone = reverse
        .into_iter()
        .find(|zone| lower.ends_with(zone))
        .unwrap_or(zone);
    let kept = ttl.min(300);
    format!("! {zone} {kept} soa ns.dns.{zone} hostmaster.{zone} serial 7200 1800 86400 {ttl}")
}

/// The number of a type's name.
fn kind_of(name: &str) -> u16 {
    let number = name
        .strip_prefix("TYPE")
        .and_then(|number| number.parse().ok());
    let known = number.or_else(|| Kind::from_name(name).map(|kind| kind.0));
    known.unwrap_or_else(|| RecordType::from_str(name).expect(name).into())
}

/// A name with `Z` for the cluster's domain, or one with a dot at its end.
fn absolute(name: &str, zone: &str) -> String {
    match name.strip_suffix('Z') {
        Some("") => zone.to_owned(),
        Some(before) if before.ends_with('.') => format!("{before}{zone}"),
        _ => format!("{}.", name.trim_end_matches('.')),
    }
}

impl Row {
    /// Whether what is asked for is known to another server, so that the zone alone can't tell.
    pub fn is_for_others(&self) -> bool {
        self.manner.served
    }

    /// Whether a Service, by its domain name's beginning (`web.default.svc.`), has a part in the
    /// question or in the answer.
    pub fn tells_of(&self, service: &str) -> bool {
        let name = self.name.to_ascii_lowercase();
        let mut texts = self.expected.records.iter().chain([&name]);
        texts.any(|text| text.split(' ').any(|word| is_within(word, service)))
    }

    fn add(&mut self, record: &str, zone: &str) {
        if let Some(count) = record.trim().strip_prefix("* ") {
            self.expected.unlisted = match count {
                "some" => Unlisted::Some,
                count => Unlisted::Count(count.parse().expect(record)),
            };
            return;
        }
        let words = record.split_whitespace().map(|word| match word {
            "@" => self.name.clone(),
            _ if word == "Z" || word.ends_with(".Z") => absolute(word, zone),
            _ => word.to_owned(),
        });
        let words: Vec<String> = words.collect();
        self.expected
            .records
            .push(words.join(" ").to_ascii_lowercase());
    }
}

impl fmt::Display for Row {
    /// The rule's number and the question.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            number, name, kind, ..
        } = self;
        write!(out, "{number} {name} {}", RecordType::from(*kind))
    }
}

/// Whether a domain name is a Service's or below it.
fn is_within(name: &str, service: &str) -> bool {
    let mut places = name.match_indices(service).map(|(place, _)| place);
    places.any(|place| place == 0 || name[..place].ends_with('.'))
}

impl Manner {
    fn add(&mut self, word: &str) {
        let (word, value) = word.split_once('=').unwrap_or((word, ""));
        let number = || value.parse::<u16>().expect(value);
        match word {
            "udp" => self.only = Some(Only::Udp),
            "tcp" => self.only = Some(Only::Tcp),
            "edns" => self.edns = Some(Some(number())),
            "noedns" => self.edns = Some(None),
            "version" => self.version = number() as u8,
            "do" => self.dnssec_ok = true,
            "options" => self.options = true,
            "class" => self.class = Some(number()),
            "opcode" => self.opcode = number() as u8,
            "norec" => self.no_recursion = true,
            "served" => self.served = true,
            _ => panic!("{word} is no manner of asking"),
        }
    }
}
