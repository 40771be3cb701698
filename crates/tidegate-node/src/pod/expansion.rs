//! `$(NAME)` in commands, arguments and environment values.

/// Replaces `$(NAME)` by what `look_up` knows. An unknown name stays as it is written, and `$$`
/// stands for one dollar sign (so `$$(NAME)` gives `$(NAME)`), as the API documents it.
pub(crate) fn expand<'a>(text: &str, look_up: impl Fn(&str) -> Option<&'a str>) -> String {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        if let Some(escaped) = after.strip_prefix('$') {
            expanded.push('$');
            rest = escaped;
        } else if let Some((name, behind)) = after
            .strip_prefix('(')
            .and_then(|reference| reference.split_once(')'))
        {
            match look_up(name) {
                Some(value) => expanded.push_str(value),
                None => {
                    expanded.push_str("$(");
                    expanded.push_str(name);
                    expanded.push(')');
                }
            }
            rest = behind;
        } else {
            expanded.push('$');
            rest = after;
        }
    }
    expanded.push_str(rest);
    expanded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_escapes_and_leftovers() {
        let table = [
            ("plain", "plain"),
            ("$(A)", "1"),
            ("x$(A)y$(B)z", "x1y2z"),
            ("$(UNKNOWN)", "$(UNKNOWN)"),
            ("$$(A)", "$(A)"),
            ("$$$(A)", "$1"),
            ("$$$$", "$$"),
            ("$A ${A} $", "$A ${A} $"),
            ("$(A", "$(A"),
            ("$()", "$()"),
            ("$(A)$", "1$"),
        ];
        for (text, expected) in table {
            let expanded = expand(text, |name| match name {
                "A" => Some("1"),
                "B" => Some("2"),
                _ => None,
            });
            assert_eq!(expanded, expected, "{text}");
        }
    }
}
