//! Reads the elements of sets, with suspicion.

use super::constants::{LIST_ITEM, element};
use super::{Data, Datatype, Element, Set, Tuple, Verdict};
use crate::attribute::{Attribute, Attributes, Malformed};

/// An element as the kernel tells it: an interval of single values is two of them.
#[derive(Debug)]
pub(crate) struct RawElement {
    element: Element,
    ends_interval: bool,
}

/// Reads one message of a list of elements.
pub(crate) fn elements(
    attributes: &Attributes<'_>,
    found: &mut Vec<RawElement>,
) -> Result<(), Malformed> {
    let Some(list) = attributes.find(element::ELEMENTS)? else {
        return Ok(());
    };
    for item in list.attributes() {
        let item = item?;
        if item.kind == LIST_ITEM {
            found.extend(raw_element(&item.attributes())?);
        }
    }
    Ok(())
}

/// Reads an element; `None` for a catch-all element, which has no key.
fn raw_element(attributes: &Attributes<'_>) -> Result<Option<RawElement>, Malformed> {
    let value = |attribute: Attribute<'_>| {
        let value = attribute
            .attributes()
            .require(element::VALUE, "a value is empty")?;
        Ok(Tuple::from_kernel(value.value))
    };
    let Some(key) = attributes.find(element::KEY)? else {
        return Ok(None);
    };
    let data = match attributes.find(element::DATA)? {
        None => Data::Nothing,
        Some(data) => match data.attributes().find(element::VERDICT)? {
            Some(verdict) => Data::Verdict(parse_verdict(&verdict.attributes())?),
            None => Data::Values(value(data)?),
        },
    };
    let flags = attributes
        .find(element::FLAGS)?
        .map(|one| one.be32())
        .transpose()?
        .unwrap_or_default();
    let last = attributes.find(element::KEY_END)?.map(value).transpose()?;
    Ok(Some(RawElement {
        element: Element {
            key: value(key)?,
            last,
            data,
            comment: attributes.find(element::USERDATA)?.and_then(comment),
        },
        ends_interval: flags & element::INTERVAL_END != 0,
    }))
}

fn parse_verdict(attributes: &Attributes<'_>) -> Result<Verdict, Malformed> {
    let code = attributes.require(element::VERDICT_CODE, "a verdict has no code")?;
    let chain = || {
        attributes
            .require(element::VERDICT_CHAIN, "a jump leads nowhere")?
            .string()
    };
    match code.be32()?.cast_signed() {
        0 => Ok(Verdict::Drop),
        1 => Ok(Verdict::Accept),
        -3 => Ok(Verdict::Jump(chain()?)),
        -4 => Ok(Verdict::Goto(chain()?)),
        -5 => Ok(Verdict::Return),
        _ => Err(Malformed("a verdict is of an unknown kind")),
    }
}

/// Makes elements of the raw ones; joins the two halves of each interval of single values.
pub(crate) fn joined(set: &Set, mut raw: Vec<RawElement>) -> Vec<Element> {
    if !set.splits_intervals() {
        return raw.into_iter().map(|one| one.element).collect();
    }
    raw.sort_by(|a, b| {
        let by_key = a.element.key.cmp(&b.element.key);
        by_key.then(b.ends_interval.cmp(&a.ends_interval))
    });
    let mut whole: Vec<Element> = Vec::new();
    let mut open: Option<Element> = None;
    let length = Datatype::total_length(&set.key);
    for one in raw {
        match (one.ends_interval, open.take()) {
            (true, Some(mut begun)) => {
                begun.last = Some(just_before(&one.element.key)).filter(|last| *last != begun.key);
                whole.push(begun);
            }
            (true, None) => {}
            (false, before) => {
                whole.extend(before);
                open = Some(one.element);
            }
        }
    }
    if let Some(mut begun) = open {
        begun.last = Some(Tuple::from_kernel(&vec![0xff; length]));
        whole.push(begun);
    }
    whole
}

/// The value before a value of a single-valued key, as numbers in network order.
fn just_before(key: &Tuple) -> Tuple {
    let mut bytes = key.as_bytes().to_vec();
    for byte in bytes.iter_mut().rev() {
        *byte = byte.wrapping_sub(1);
        if *byte != 0xff {
            break;
        }
    }
    Tuple::from_kernel(&bytes)
}

/// The comment that `nft` keeps in user data: a list of kind, length and value, the comment's kind
/// being zero. Other tools may keep anything there, so what doesn't fit is no error.
pub(crate) fn comment(userdata: Attribute<'_>) -> Option<String> {
    let mut rest = userdata.value;
    while let [kind, length, more @ ..] = rest {
        let (value, others) = more.split_at_checked(usize::from(*length))?;
        if *kind == 0 {
            let text = value.strip_suffix(&[0]).unwrap_or(value);
            return String::from_utf8(text.to_vec()).ok();
        }
        rest = others;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::{Family, parse};
    use super::*;
    use crate::attribute::Encoder;
    use proptest::prelude::*;

    /// Attributes within attributes with plausible kinds: what a broken kernel might send.
    fn any_attributes() -> impl Strategy<Value = Vec<u8>> {
        let leaf = proptest::collection::vec(any::<u8>(), 0..20);
        leaf.prop_recursive(4, 40, 6, |inner| {
            proptest::collection::vec((0u16..14, inner), 0..6).prop_map(|all| {
                let mut out = Encoder::default();
                for (kind, value) in all {
                    out.bytes(kind, &value);
                }
                out.buffer
            })
        })
    }

    proptest! {
        #[test]
        fn whatever_the_kernel_sends_is_read_without_a_panic(bytes in any_attributes()) {
            let attributes = Attributes::new(&bytes);
            let mut raw = Vec::new();
            let readings = [
                parse::generation(&attributes).is_ok(),
                parse::table(Family::Ip, &attributes).is_ok(),
                parse::chain("t", &attributes).is_ok(),
                parse::rule("t", &attributes).is_ok(),
                parse::set("t", &attributes).is_ok(),
                elements(&attributes, &mut raw).is_ok(),
            ];
            prop_assert!(readings.len() == 6);
            raw.extend(raw_element(&attributes).ok().flatten());
            let set = Set::of("s", [Datatype::Ipv4Addr]).with_intervals();
            for element in joined(&set, raw) {
                prop_assert!(!set.show(&element).to_string().is_empty());
            }
        }
    }

    #[test]
    fn two_adjacent_intervals_stay_two() {
        let set = Set::of("s", [Datatype::Ipv4Addr]).with_intervals();
        let raw = |last: [u8; 4], ends_interval| RawElement {
            element: Element::key(Tuple::new().address(last.into())),
            ends_interval,
        };
        let joined = joined(
            &set,
            vec![
                raw([10, 2, 0, 0], true),
                raw([10, 1, 0, 0], false),
                raw([10, 1, 0, 0], true),
                raw([10, 0, 0, 0], false),
                raw([255, 255, 255, 255], false),
            ],
        );
        let shown: Vec<String> = joined.iter().map(|one| set.show(one).to_string()).collect();
        assert_eq!(shown, ["10.0.0.0/16", "10.1.0.0/16", "255.255.255.255"]);
    }
}
