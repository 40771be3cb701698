//! Reads what is in the kernel's packet filter.

use std::time::Duration;

use super::constants::{self, SUBSYSTEM, operation};
use super::{
    ChainFound, Element, Family, Generation, Nftables, RuleFound, Set, SetFound, Table, TableFound,
    parse, parse_element,
};
use crate::attribute::{Attributes, Encoder, Malformed};
use crate::message::{Body, Replies, Reply, Request, flags};
use crate::socket::SocketError;

/// How often a list of elements is read again because the kernel was moving them; the pause between
/// readings doubles from a millisecond.
const READING_ATTEMPTS: u32 = 10;

impl Nftables {
    /// The present generation of the packet filter, which each commit of anybody makes another.
    ///
    /// # Errors
    /// The kernel refuses, or its answer makes no sense.
    pub fn generation(&mut self) -> Result<Generation, SocketError> {
        let sequence = self.socket.next_sequence(1);
        let mut request = Encoder::default();
        request.message(get(operation::GET_GENERATION, 0, 0), sequence, |_| {});
        self.socket.send(&request)?;
        while let Some(datagram) = self.socket.receive()? {
            for reply in Replies::new(datagram) {
                match reply? {
                    Reply {
                        body: Body::Object(attributes),
                        ..
                    } => return Ok(parse::generation(&attributes)?),
                    Reply {
                        body: Body::Verdict(Err(error)),
                        ..
                    } => return Err(error.into()),
                    _ => {}
                }
            }
        }
        Err(Malformed("no answer to the question for the generation").into())
    }

    /// All tables of a family.
    ///
    /// # Errors
    /// The kernel refuses, or its answer makes no sense.
    pub fn tables(&mut self, family: Family) -> Result<Vec<TableFound>, SocketError> {
        self.list(
            family,
            operation::GET_TABLE,
            |_| {},
            |attributes| parse::table(family, attributes).map(Some),
        )
    }

    /// The chains of a table, in the order in which they were added.
    ///
    /// # Errors
    /// The kernel refuses, or its answer makes no sense.
    pub fn chains(&mut self, table: &Table) -> Result<Vec<ChainFound>, SocketError> {
        self.list(
            table.family,
            operation::GET_CHAIN,
            |_| {},
            |attributes| parse::chain(&table.name, attributes),
        )
    }

    /// The rules of a table, chain by chain in order.
    ///
    /// # Errors
    /// The kernel refuses, or its answer makes no sense.
    pub fn rules(&mut self, table: &Table) -> Result<Vec<RuleFound>, SocketError> {
        let of_table = |out: &mut Encoder| out.string(constants::rule::TABLE, &table.name);
        self.list(table.family, operation::GET_RULE, of_table, |attributes| {
            parse::rule(&table.name, attributes)
        })
    }

    /// The named sets and maps of a table.
    ///
    /// # Errors
    /// There is no such table, the kernel refuses, or its answer makes no sense.
    pub fn sets(&mut self, table: &Table) -> Result<Vec<SetFound>, SocketError> {
        let of_table = |out: &mut Encoder| out.string(constants::set::TABLE, &table.name);
        self.list(table.family, operation::GET_SET, of_table, |attributes| {
            parse::set(&table.name, attributes)
        })
    }

    /// The elements of a set in the order of their keys.
    ///
    /// A set without a size is a hash table that the kernel moves to a larger place some time after
    /// it grew, and a list that is read meanwhile has some elements twice and lacks as many others.
    /// That is noticed, and the list read again.
    ///
    /// # Errors
    /// There is no such set, the kernel refuses, or its answer makes no sense.
    pub fn elements(&mut self, table: &Table, set: &Set) -> Result<Vec<Element>, SocketError> {
        for attempt in 0..READING_ATTEMPTS {
            let mut elements = self.elements_once(table, set)?;
            elements.sort_unstable_by(|a, b| a.key.cmp(&b.key));
            if elements.windows(2).all(|pair| pair[0].key != pair[1].key) {
                return Ok(elements);
            }
            std::thread::sleep(Duration::from_millis(1 << attempt));
        }
        Err(SocketError::Unsteady)
    }

    fn elements_once(&mut self, table: &Table, set: &Set) -> Result<Vec<Element>, SocketError> {
        let of_set = |out: &mut Encoder| {
            out.string(constants::element::TABLE, &table.name);
            out.string(constants::element::SET, &set.name);
        };
        let request = get(operation::GET_ELEMENT, flags::DUMP, table.family.number());
        let raw = self.socket.dump(
            |out, sequence| {
                out.message(request, sequence, of_set);
            },
            |reply, found| match &reply.body {
                Body::Object(attributes) => parse_element::elements(attributes, found),
                _ => Ok(()),
            },
        )?;
        Ok(parse_element::joined(set, raw))
    }

    fn list<T>(
        &mut self,
        family: Family,
        operation: u16,
        fill: impl Fn(&mut Encoder),
        read: impl Fn(&Attributes<'_>) -> Result<Option<T>, Malformed>,
    ) -> Result<Vec<T>, SocketError> {
        let request = get(operation, flags::DUMP, family.number());
        self.socket.dump(
            |out, sequence| {
                out.message(request, sequence, &fill);
            },
            |reply, found| {
                if let Body::Object(attributes) = &reply.body {
                    found.extend(read(attributes)?);
                }
                Ok(())
            },
        )
    }
}

fn get(operation: u16, request_flags: u16, family: u8) -> Request {
    Request {
        kind: SUBSYSTEM << 8 | operation,
        flags: request_flags,
        family,
        resource: 0,
    }
}
