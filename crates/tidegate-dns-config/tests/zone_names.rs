//! Names of zones, and ranges of addresses as zones.

use tidegate_dns_config::ZoneName;

fn name(text: &str) -> String {
    text.parse::<ZoneName>().expect(text).to_string()
}

#[test]
fn names_have_one_text_each() {
    for (text, canonical) in [
        (".", "."),
        ("Example.ORG", "example.org."),
        ("_tcp.*.example.org.", "_tcp.*.example.org."),
        ("a\\.b.org", "a\\046b.org."),
        ("\\065\\066.org", "ab.org."),
        ("a\\255.org", "a\\255.org."),
        ("a\\:b", "a\\058b."),
        (
            "0/25.2.0.192.in-addr.arpa",
            "0\\04725.2.0.192.in-addr.arpa.",
        ),
    ] {
        assert_eq!(name(text), canonical);
        assert_eq!(name(canonical), canonical);
    }
}

#[test]
fn the_longest_names_are_read_and_longer_ones_are_not() {
    let label = "a".repeat(63);
    let longest = format!("{label}.{label}.{label}.{}", "a".repeat(61));
    assert_eq!(name(&longest).len(), 254);
    for wrong in [format!("{longest}a"), format!("{label}a.org")] {
        assert!(wrong.parse::<ZoneName>().is_err(), "{wrong}");
    }
}

#[test]
fn what_is_no_name_is_refused() {
    for wrong in [
        "",
        "..",
        ".a",
        "a..b",
        "a b",
        "ex\u{e4}mple",
        "a\\",
        "a\\25",
        "a\\256.b",
        "a:53",
        "{a}",
        "10.0.0.0/33",
        "10.0.0.0/15",
        "/etc/hosts",
        "a\\\u{e4}",
    ] {
        assert!(wrong.parse::<ZoneName>().is_err(), "{wrong}");
    }
}

#[test]
fn ranges_are_reverse_zones() {
    let zones = |range: &str| {
        let zones = ZoneName::of_range(range.parse().expect(range));
        (zones.len(), zones[0].to_string())
    };
    for (range, count, first) in [
        ("10.0.0.0/8", 1, "10.in-addr.arpa."),
        ("10.96.0.0/12", 16, "96.10.in-addr.arpa."),
        ("10.1.2.0/24", 1, "2.1.10.in-addr.arpa."),
        ("10.1.2.129/25", 128, "128.2.1.10.in-addr.arpa."),
        ("10.1.2.3/32", 1, "3.2.1.10.in-addr.arpa."),
        ("0.0.0.0/0", 1, "in-addr.arpa."),
        ("::/0", 1, "ip6.arpa."),
        ("2001:db8::/32", 1, "8.b.d.0.1.0.0.2.ip6.arpa."),
        ("2001:db8::/29", 8, "8.b.d.0.1.0.0.2.ip6.arpa."),
    ] {
        assert_eq!(zones(range), (count, first.to_owned()), "{range}");
    }
    assert_eq!(name("10.0.0.0/8"), "10.in-addr.arpa.");
}

#[test]
fn a_zone_contains_what_is_below_it() {
    let contains = |zone: &str, other: &str| {
        let zone: ZoneName = zone.parse().expect(zone);
        zone.contains(&other.parse().expect(other))
    };
    assert!(contains(".", "a.org") && contains(".", "."));
    assert!(contains("a.org", "A.org") && contains("a.org", "b.a.org"));
    assert!(!contains("a.org", "org") && !contains("a.org", "ba.org"));
    assert!(
        !contains("a.org", "b\\.a.org"),
        "that dot is part of a label"
    );
    let reverse = |zone: &str| zone.parse::<ZoneName>().expect(zone).is_reverse();
    assert!(reverse("ip6.arpa") && reverse("10.in-addr.arpa"));
    assert!(!reverse("arpa") && !reverse("xip6.arpa"));
}
