//! Rules that hold for a configuration wherever it was read from.
//!
//! A part of the configuration checks itself and says which of its fields is wrong, by the name
//! that the field has in our YAML; whoever has read it knows the place of the field.

/// The most zones that a configuration may name, where each part that takes over those of its server
/// block counts too.
pub(crate) const MOST_ZONES: usize = 16_384;

/// Takes what is wrong with a field: its path below the part, and the text.
pub(crate) type Report<'a> = &'a mut dyn FnMut(&str, String);

/// Says that a number is not in its range.
pub(crate) fn in_range(
    report: Report<'_>,
    field: &str,
    value: u64,
    range: std::ops::RangeInclusive<u64>,
) {
    if !range.contains(&value) {
        let (least, most) = (range.start(), range.end());
        report(
            field,
            format!("{value} can't be; give a number from {least} to {most}"),
        );
    }
}

/// The place of a part's field.
pub(crate) fn join(part: &str, field: &str) -> String {
    if field.is_empty() {
        part.to_owned()
    } else {
        format!("{part}.{field}")
    }
}
