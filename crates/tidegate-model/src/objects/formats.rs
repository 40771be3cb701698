//! The text formats that names, labels and ports must have (apimachinery's `util/validation`).
//!
//! Each function returns the complaints about one value; an empty list means that it is well
//! formed. A complaint is what follows the value in a field error.

const LABEL_SHAPE: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const SUBDOMAIN_SHAPE: &str = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const QUALIFIED_NAME_SHAPE: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const LABEL_VALUE_SHAPE: &str = "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?";

/// A label of the DNS (RFC 1123): Service, namespace, container and port names.
pub(crate) fn dns_label(value: &str) -> Vec<String> {
    let mut complaints = longer_than(value, 63);
    if !is_dns_label(value) {
        complaints.push(if is_dns_subdomain(value) {
            "must not contain dots".to_owned()
        } else {
            shape_complaint(
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or \
                 '-', and must start and end with an alphanumeric character",
                LABEL_SHAPE,
                &["my-name", "123-abc"],
            )
        });
    }
    complaints
}

/// One or more DNS labels joined by dots (RFC 1123): the names of most kinds.
pub(crate) fn dns_subdomain(value: &str) -> Vec<String> {
    let mut complaints = longer_than(value, 253);
    if !is_dns_subdomain(value) {
        complaints.push(shape_complaint(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, \
             '-' or '.', and must start and end with an alphanumeric character",
            SUBDOMAIN_SHAPE,
            &["example.com"],
        ));
    }
    complaints
}

/// A name with an optional DNS prefix, `example.com/my-name`: keys of labels and annotations.
pub(crate) fn qualified_name(value: &str) -> Vec<String> {
    let name_complaint = || {
        shape_complaint(
            "must consist of alphanumeric characters, '-', '_' or '.', and must start and end \
             with an alphanumeric character",
            QUALIFIED_NAME_SHAPE,
            &["MyName", "my.name", "123-abc"],
        )
    };
    let mut complaints = Vec::new();
    let name = match value.split('/').collect::<Vec<_>>().as_slice() {
        [name] => *name,
        ["", name] => {
            complaints.push("prefix part must be non-empty".to_owned());
            *name
        }
        [prefix, name] => {
            let faults = dns_subdomain(prefix);
            complaints.extend(faults.iter().map(|fault| format!("prefix part {fault}")));
            *name
        }
        _ => {
            return vec![format!(
                "a qualified name {} with an optional DNS subdomain prefix and '/' \
                 (e.g. 'example.com/MyName')",
                name_complaint()
            )];
        }
    };
    if name.is_empty() {
        complaints.push("name part must be non-empty".to_owned());
    } else {
        let faults = longer_than(name, 63);
        complaints.extend(faults.iter().map(|fault| format!("name part {fault}")));
    }
    if !is_alphanumeric_inside(name) {
        complaints.push(format!("name part {}", name_complaint()));
    }
    complaints
}

/// The value of a label: empty or at most 63 characters of a name.
pub(crate) fn label_value(value: &str) -> Vec<String> {
    let mut complaints = longer_than(value, 63);
    if !value.is_empty() && !is_alphanumeric_inside(value) {
        complaints.push(shape_complaint(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', \
             '_' or '.', and must start and end with an alphanumeric character",
            LABEL_VALUE_SHAPE,
            &["MyValue", "my_value", "12345"],
        ));
    }
    complaints
}

/// A port name of the IANA service registry (RFC 6335), in lower case.
pub(crate) fn port_name(value: &str) -> Vec<String> {
    let mut complaints = longer_than(value, 15);
    let is_allowed = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    if value.is_empty() || !value.bytes().all(is_allowed) {
        complaints.push(
            "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)".to_owned(),
        );
    }
    if !value.bytes().any(|c| c.is_ascii_lowercase()) {
        complaints.push("must contain at least one letter (a-z)".to_owned());
    }
    if value.contains("--") {
        complaints.push("must not contain consecutive hyphens".to_owned());
    }
    if value.starts_with('-') || value.ends_with('-') {
        complaints.push("must not begin or end with a hyphen".to_owned());
    }
    complaints
}

/// A transport port that can be listened on.
pub(crate) fn port_number(value: i64) -> Vec<String> {
    in_range(value, 1, 65_535)
}

/// An integer from `lowest` to `highest`.
pub(crate) fn in_range(value: i64, lowest: i64, highest: i64) -> Vec<String> {
    if (lowest..=highest).contains(&value) {
        return Vec::new();
    }
    vec![format!("must be between {lowest} and {highest}, inclusive")]
}

/// The name of an environment variable: printable ASCII without `=` (rule since upstream 1.34).
pub(crate) fn environment_variable_name(value: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    if value.is_empty() {
        complaints.push("environment variable name must be non-empty".to_owned());
    }
    let is_allowed = |c: char| (c == ' ' || c.is_ascii_graphic()) && c != '=';
    if !value.chars().all(is_allowed) {
        complaints.push(
            "a valid environment variable name must consist only of printable ASCII characters \
             other than '='"
                .to_owned(),
        );
    }
    complaints
}

/// A key of a ConfigMap, which becomes a file name in a volume.
pub(crate) fn config_map_key(value: &str) -> Vec<String> {
    let mut complaints = longer_than(value, 253);
    let is_allowed = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
    if value.is_empty() || !value.bytes().all(is_allowed) {
        complaints.push(shape_complaint(
            "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
            "[-._a-zA-Z0-9]+",
            &["key.name", "KEY_NAME", "key-name"],
        ));
    }
    match value {
        "." => complaints.push("must not be '.'".to_owned()),
        ".." => complaints.push("must not be '..'".to_owned()),
        _ if value.starts_with("..") => complaints.push("must not start with '..'".to_owned()),
        _ => {}
    }
    complaints
}

fn is_dns_label(value: &str) -> bool {
    let is_end = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    is_framed(value, is_end, |c| is_end(c) || c == b'-')
}

fn is_dns_subdomain(value: &str) -> bool {
    value.split('.').all(is_dns_label)
}

fn is_alphanumeric_inside(value: &str) -> bool {
    let is_inner = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
    is_framed(value, |c| c.is_ascii_alphanumeric(), is_inner)
}

/// True if the first and the last byte satisfy `is_end` and all of them `is_inner`.
fn is_framed(value: &str, is_end: impl Fn(u8) -> bool, is_inner: impl Fn(u8) -> bool) -> bool {
    let bytes = value.as_bytes();
    match (bytes.first(), bytes.last()) {
        (Some(&first), Some(&last)) => {
            is_end(first) && is_end(last) && bytes.iter().all(|&c| is_inner(c))
        }
        _ => false,
    }
}

fn longer_than(value: &str, limit: usize) -> Vec<String> {
    if value.len() <= limit {
        return Vec::new();
    }
    vec![format!("must be no more than {limit} characters")]
}

/// Words a complaint about a shape; the doubled space between examples is upstream's.
fn shape_complaint(rule: &str, shape: &str, examples: &[&str]) -> String {
    let examples: Vec<String> = examples.iter().map(|text| format!("'{text}', ")).collect();
    format!(
        "{rule} (e.g. {}regex used for validation is '{shape}')",
        examples.join(" or ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dns_names() {
        for good in ["a", "0a", "a-b", "x123"] {
            assert!(dns_label(good).is_empty(), "{good}");
        }
        assert_eq!(dns_label("a.b"), ["must not contain dots"]);
        for bad in ["", "-a", "a-", "A", "ä", "a_b", ".a"] {
            assert_eq!(dns_label(bad).len(), 1, "{bad}");
        }
        assert!(dns_subdomain("a.b-c.d0").is_empty());
        for bad in ["", "a..b", "a.", ".", "A.b"] {
            assert_eq!(dns_subdomain(bad).len(), 1, "{bad}");
        }
        assert_eq!(
            dns_subdomain(&"a".repeat(254)),
            ["must be no more than 253 characters"]
        );
    }

    #[test]
    fn qualified_names_name_the_part_at_fault() {
        assert!(qualified_name("example.com/My_Name.x").is_empty());
        assert_eq!(qualified_name("/x"), ["prefix part must be non-empty"]);
        assert_eq!(qualified_name("x/").len(), 2);
        assert!(qualified_name("X/y")[0].starts_with("prefix part a lowercase RFC 1123 subdomain"));
        assert!(qualified_name("a/b/c")[0].ends_with("(e.g. 'example.com/MyName')"));
        assert_eq!(
            qualified_name(&"a".repeat(64)),
            ["name part must be no more than 63 characters"]
        );
    }

    #[test]
    fn label_values_may_be_empty() {
        assert!(label_value("").is_empty());
        assert!(label_value("a_B.9").is_empty());
        assert_eq!(label_value("-a").len(), 1);
    }

    #[test]
    fn port_names_need_a_letter() {
        assert!(port_name("http-2").is_empty());
        assert_eq!(port_name("80"), ["must contain at least one letter (a-z)"]);
        assert_eq!(port_name("a--b"), ["must not contain consecutive hyphens"]);
        assert_eq!(port_name("-a"), ["must not begin or end with a hyphen"]);
        assert_eq!(
            port_name(&"a".repeat(16)),
            ["must be no more than 15 characters"]
        );
    }

    #[test]
    fn configuration_keys_are_file_names() {
        assert!(config_map_key("a.b_C-9").is_empty());
        assert_eq!(config_map_key(".."), ["must not be '..'"]);
        assert_eq!(config_map_key("..a"), ["must not start with '..'"]);
        assert_eq!(config_map_key("a/b").len(), 1);
    }
}
