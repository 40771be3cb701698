//! Messages byte by byte, for tests.

/// Compares what was encoded with bytes in hexadecimal, of which each line may end in a comment
/// behind `#`. Numbers are as little-endian machines have them.
#[track_caller]
pub(crate) fn assert_bytes(encoded: &[u8], expected: &str) {
    if cfg!(target_endian = "big") {
        return;
    }
    let words = expected.lines().flat_map(|line| {
        let (bytes, _comment) = line.split_once('#').unwrap_or((line, ""));
        bytes.split_whitespace()
    });
    let wanted: Vec<u8> = words
        .map(|word| u8::from_str_radix(word, 16).expect("two hexadecimal digits"))
        .collect();
    let hex = |bytes: &[u8]| {
        let lines = bytes.chunks(4).map(|four| {
            let words: Vec<String> = four.iter().map(|byte| format!("{byte:02x}")).collect();
            words.join(" ")
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    assert_eq!(hex(encoded), hex(&wanted));
}
