//! What the kernel tells of devices and addresses.

use super::constants::{
    ADDRESS, ADDRESS_HEADER, KIND, LINK_HEADER, LINK_INFO, LOCAL, NAME, NEW_ADDRESS, NEW_LINK,
    NEW_ROUTE, ROUTE_HEADER, TO_THIS_MACHINE, UP,
};
use super::{Link, LinkAddress, Scope};
use crate::Family;
use crate::attribute::Malformed;
use crate::message::{Reply, number};

/// Reads a device from an answer.
pub(super) fn link(reply: &Reply<'_>) -> Result<Link, Malformed> {
    const SHORT: Malformed = Malformed("a device is shorter than its header");
    if reply.kind != NEW_LINK {
        return Err(Malformed("a device was asked for, something else came"));
    }
    let attributes = reply.attributes_behind(LINK_HEADER);
    let name = attributes.require(NAME, "a device has no name")?.string()?;
    let kind = match attributes.find(LINK_INFO)? {
        Some(info) => info.attributes().find(KIND)?,
        None => None,
    };
    Ok(Link {
        index: number(reply.payload, 4).ok_or(SHORT)?,
        name,
        kind: kind.map(|kind| kind.string()).transpose()?,
        up: number(reply.payload, 8).ok_or(SHORT)? & UP != 0,
    })
}

/// Reads an address from an answer; `None` if it is of another family than ours.
pub(super) fn address(reply: &Reply<'_>) -> Result<Option<LinkAddress>, Malformed> {
    let Some(&[family, prefix, _, scope]) = reply.payload.first_chunk() else {
        return Err(Malformed("an address is shorter than its header"));
    };
    let Some(family) = Family::of_number(family).filter(|_| reply.kind == NEW_ADDRESS) else {
        return Ok(None);
    };
    let link = number(reply.payload, 4).ok_or(Malformed("an address belongs to no device"))?;
    let attributes = reply.attributes_behind(ADDRESS_HEADER);
    // On a line between two machines the address is the other's, and this one's stands apart.
    let found = match attributes.find(LOCAL)? {
        Some(local) => local,
        None => attributes.require(ADDRESS, "an address is missing")?,
    };
    Ok(Some(LinkAddress {
        link,
        address: found.address(family)?,
        prefix,
        scope: Scope::of_number(scope),
    }))
}

/// Reads from an answer whether a route ends at this machine.
pub(super) fn route_ends_here(reply: &Reply<'_>) -> Result<bool, Malformed> {
    if reply.kind != NEW_ROUTE {
        return Err(Malformed("a route was asked for, something else came"));
    }
    let header = reply.payload.first_chunk::<ROUTE_HEADER>();
    let header = header.ok_or(Malformed("a route is shorter than its header"))?;
    Ok(header[7] == TO_THIS_MACHINE)
}

#[cfg(test)]
mod tests {
    use super::super::encode;
    use super::*;
    use crate::attribute::Encoder;
    use crate::message::Replies;
    use proptest::prelude::*;

    fn told(fill: impl FnOnce(&mut Encoder)) -> Vec<u8> {
        let mut out = Encoder::default();
        fill(&mut out);
        out.buffer
    }

    #[test]
    fn what_is_written_is_read_back() {
        let bytes = told(|out| {
            encode::create("d0", "dummy", out, 1);
        });
        let reply = Replies::new(&bytes).next().expect("one").expect("whole");
        let link = link(&reply).expect("well-formed");
        assert_eq!(
            (link.name.as_str(), link.kind.as_deref()),
            ("d0", Some("dummy"))
        );
        let bytes = told(|out| {
            encode::add_address(5, [10, 96, 0, 1].into(), out, 1);
        });
        let reply = Replies::new(&bytes).next().expect("one").expect("whole");
        let found = LinkAddress {
            link: 5,
            address: [10, 96, 0, 1].into(),
            prefix: 32,
            scope: Scope::Universe,
        };
        assert_eq!(address(&reply), Ok(Some(found)));
    }

    proptest! {
        #[test]
        fn a_damaged_answer_is_read_without_a_panic(at in 0usize..80, byte: u8, cut in 4usize..80) {
            let bytes = [
                told(|out| {
                    encode::create("d0", "dummy", out, 1);
                }),
                told(|out| {
                    encode::add_address(5, [10, 96, 0, 1].into(), out, 1);
                }),
            ];
            for mut bytes in bytes {
                let place = at % bytes.len();
                bytes[place] = byte;
                bytes.truncate(cut);
                let length = u32::try_from(bytes.len()).expect("short");
                bytes[..4].copy_from_slice(&length.to_ne_bytes());
                for reply in Replies::new(&bytes).filter_map(Result::ok) {
                    let _ = (link(&reply), address(&reply), route_ends_here(&reply));
                }
            }
        }
    }
}
