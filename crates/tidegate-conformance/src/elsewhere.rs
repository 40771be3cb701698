//! Lines of the contract that are no mode's business, and where they are tried.

/// A line that is tried outside of this suite.
#[derive(Clone, Copy, Debug)]
pub struct Elsewhere {
    /// The number of the contract's line.
    pub line: u8,
    /// What holds, in our own words.
    pub statement: &'static str,
    /// The files with its tests, whose names begin with `line_` and the number.
    pub files: &'static [&'static str],
}

/// All of them.
pub const ELSEWHERE: &[Elsewhere] = &[
    Elsewhere {
        line: 31,
        statement: "When the watch is cut, the last known state goes on serving; on return the \
            list is compared, not replayed from empty.",
        files: &["crates/tidegate-watch/tests/requests.rs"],
    },
    Elsewhere {
        line: 32,
        statement: "A `healthCheckNodePort` answers 200 with a ready local backend and 503 \
            without, with upstream's body and weight header.",
        files: &["crates/tidegate-proxy/tests/proxy/service_health.rs"],
    },
    Elsewhere {
        line: 33,
        statement: "`/healthz`, `/livez`, `/metrics`, `/proxyMode` and `/configz` answer as \
            upstream's do.",
        files: &[
            "crates/tidegate-proxy/tests/proxy/health.rs",
            "crates/tidegate-proxy/tests/proxy/pages.rs",
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tests_of_these_lines_are_where_the_table_says() {
        for one in ELSEWHERE {
            for file in one.files {
                let path = format!("{}/../../{file}", env!("CARGO_MANIFEST_DIR"));
                let text = std::fs::read_to_string(&path);
                let text = text.unwrap_or_else(|error| panic!("{file}: {error}"));
                let name = format!("fn line_{}_", one.line);
                assert!(
                    text.contains(&name),
                    "{file} has no test of line {}",
                    one.line
                );
            }
        }
    }
}
