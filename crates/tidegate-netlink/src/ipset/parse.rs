//! What the kernel tells of sets and their elements.

use std::net::IpAddr;

use ipnet::IpNet;

use super::constants::{
    DATA, ELEMENTS, FAMILY, IPV4, IPV6, SET_NAME, TYPE_NAME, WITH_MARKS, data, type_of_name,
};
use super::{Element, Entry, Mark, Set, SetFound, SetType};
use crate::attribute::{Attributes, Malformed};
use crate::{Family, Protocol};

/// The additions to a hash that don't change what it is, as opposed to time-outs, counters, …
const ORDINARY: [u16; 6] = [
    data::INITIAL_VALUE,
    data::HASH_SIZE,
    data::BUCKET_SIZE,
    data::COUNT,
    data::REFERENCES,
    data::MEMORY_SIZE,
];

/// Reads what an answer tells of a set; `None` in answers that go on with its elements.
pub(super) fn set(answer: &Attributes<'_>) -> Result<Option<SetFound>, Malformed> {
    let (Some(type_name), Some(header)) = (answer.find(TYPE_NAME)?, answer.find(DATA)?) else {
        return Ok(None);
    };
    let name = answer.require(SET_NAME, "a set has no name")?.string()?;
    let type_name = type_name.string()?;
    let family = answer.require(FAMILY, "a set has no family")?.u8()?;
    let header = header.attributes();
    let mut max_elements = None;
    let mut ports = (0, u16::MAX);
    let mut additions = 0;
    let mut other = false;
    for attribute in header.clone() {
        let attribute = attribute?;
        match attribute.kind {
            data::MAX_ELEMENTS => max_elements = Some(attribute.be32()?),
            data::PORT => ports.0 = attribute.be16()?,
            data::PORT_TO => ports.1 = attribute.be16()?,
            data::ADDITIONS => additions = attribute.be32()?,
            kind => other |= !ORDINARY.contains(&kind),
        }
    }
    other |= ports != (0, u16::MAX) || additions & !WITH_MARKS != 0;
    let family = Family::of_number(family).unwrap_or(Family::V4);
    let set = type_of_name(&type_name).filter(|_| !other);
    let set = set.map(|set_type| Set {
        max_elements: max_elements.unwrap_or(Set::MAX_ELEMENTS),
        marks: additions & WITH_MARKS != 0,
        ..Set::new(name.clone(), set_type, family)
    });
    let count = |kind| match header.find(kind)? {
        Some(count) => count.be32(),
        None => Ok(0),
    };
    Ok(Some(SetFound {
        name,
        type_name,
        set,
        elements: count(data::COUNT)?,
        references: count(data::REFERENCES)?,
    }))
}

/// Reads the entries that an answer has of a set of a type.
pub(super) fn entries(
    set_type: SetType,
    answer: &Attributes<'_>,
    found: &mut Vec<Entry>,
) -> Result<(), Malformed> {
    let Some(elements) = answer.find(ELEMENTS)? else {
        return Ok(());
    };
    for each in elements.attributes() {
        let each = each?.attributes();
        let element = element(set_type, &each)?;
        let mark = each.find(data::MARK)?.map(|mark| mark.be64());
        found.push(Entry {
            element,
            mark: mark.transpose()?.map(mark_of_number),
        });
    }
    Ok(())
}

/// A mark in the upper half of a number and its mask in the lower.
fn mark_of_number(number: u64) -> Mark {
    Mark {
        value: (number >> 32) as u32,
        mask: number as u32,
    }
}

fn element(set_type: SetType, element: &Attributes<'_>) -> Result<Element, Malformed> {
    let frontend = || {
        let protocol = element.require(data::PROTOCOL, "an element has no protocol")?;
        Ok((address(data::IP, element)?, Protocol(protocol.u8()?)))
    };
    let port = || {
        element
            .require(data::PORT, "an element has no port")?
            .be16()
    };
    Ok(match set_type {
        SetType::HashIp => Element::Ip(address(data::IP, element)?),
        SetType::HashIpPort => {
            let (address, protocol) = frontend()?;
            Element::IpPort(address, protocol, port()?)
        }
        SetType::HashIpPortIp => {
            let (ip, protocol) = frontend()?;
            Element::IpPortIp(ip, protocol, port()?, address(data::OTHER_IP, element)?)
        }
        SetType::HashIpPortNet => {
            let (ip, protocol) = frontend()?;
            Element::IpPortNet(ip, protocol, port()?, network(element)?)
        }
        SetType::BitmapPort => Element::Port(port()?),
    })
}

/// Reads the network of an element; one of full length comes without it in old kernels.
fn network(element: &Attributes<'_>) -> Result<IpNet, Malformed> {
    let address = address(data::OTHER_IP, element)?;
    let prefix = match element.find(data::OTHER_PREFIX)? {
        Some(prefix) => prefix.u8()?,
        None => Family::of(address).bits(),
    };
    IpNet::new(address, prefix).map_err(|_| Malformed("a prefix is longer than its address"))
}

fn address(kind: u16, element: &Attributes<'_>) -> Result<IpAddr, Malformed> {
    let address = element.require(kind, "an element has no address")?;
    let address = address.attributes();
    match address.find(IPV4)? {
        Some(address) => address.address(Family::V4),
        None => address
            .require(IPV6, "an address is of no family")?
            .address(Family::V6),
    }
}

#[cfg(test)]
mod tests {
    use super::super::change::ElementChange;
    use super::super::encode;
    use super::*;
    use crate::attribute::Encoder;
    use proptest::prelude::*;

    /// One entry for each type of set.
    fn examples() -> Vec<Entry> {
        let ip = IpAddr::from([10, 96, 0, 1]);
        let ipv6: IpAddr = "fd00::1".parse().expect("an address");
        let net = "10.0.0.0/8".parse().expect("a network");
        let mark = Mark { value: 7, mask: 15 };
        vec![
            Element::Ip(ipv6).into(),
            Entry {
                mark: Some(mark),
                ..Element::IpPort(ip, Protocol::UDP, 53).into()
            },
            Element::IpPortIp(ip, Protocol::TCP, 80, ip).into(),
            Element::IpPortNet(ip, Protocol::SCTP, 80, net).into(),
            Element::Port(30_000).into(),
        ]
    }

    /// The attributes of the request to add an entry, which the kernel tells it in as well.
    fn told(entry: Entry) -> Vec<u8> {
        let mut out = Encoder::default();
        encode::change(7, ElementChange::Add, "S", &[entry], &mut out, 1);
        out.buffer.split_off(20)
    }

    #[test]
    fn what_is_written_is_read_back() {
        for entry in examples() {
            let mut found = Vec::new();
            let bytes = told(entry);
            let read = entries(
                entry.element.set_type(),
                &Attributes::new(&bytes),
                &mut found,
            );
            assert_eq!((read, found), (Ok(()), vec![entry]));
        }
    }

    proptest! {
        #[test]
        fn a_damaged_entry_is_read_without_a_panic(which in 0usize..5, at in 0usize..160, byte: u8, cut in 0usize..160) {
            let entry = examples().swap_remove(which);
            let mut bytes = told(entry);
            let place = at % bytes.len();
            bytes[place] = byte;
            bytes.truncate(cut.max(1));
            let mut found = Vec::new();
            let _ = entries(entry.element.set_type(), &Attributes::new(&bytes), &mut found);
            prop_assert!(found.iter().all(|entry| !entry.to_string().is_empty()));
        }

        #[test]
        fn a_damaged_set_is_read_without_a_panic(at in 0usize..120, byte: u8, cut in 0usize..120) {
            let mut out = Encoder::default();
            encode::create(&Set::new("S", SetType::HashIp, Family::V6), 4, &mut out);
            let place = at % out.buffer.len();
            out.buffer[place] = byte;
            out.buffer.truncate(cut.max(1));
            if let Ok(Some(found)) = set(&Attributes::new(&out.buffer)) {
                prop_assert!(found.name.len() <= out.buffer.len());
            }
        }
    }
}
