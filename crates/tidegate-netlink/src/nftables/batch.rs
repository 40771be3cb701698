//! Changes that are committed together.

use std::ops::Range;

use super::constants::{
    BATCH_BEGIN, BATCH_END, BATCH_GENERATION, SUBSYSTEM, chain, element, operation, rule, set,
    table,
};
use super::{Chain, Element, Generation, Rule, Set, Table};
use super::{compile, encode};
use crate::attribute::Encoder;
use crate::message::{Request, flags};

/// A list attribute's length has 16 bits: how many bytes of elements one message carries at most.
/// One element takes a few hundred bytes at the very most.
const ELEMENT_BYTES: usize = 60_000;
/// Changes of the packet filter that the kernel makes all together or not at all.
///
/// The order counts: a chain must exist before a rule in it, and before a verdict that leads there.
#[derive(Clone, Debug)]
pub struct Batch {
    pub(crate) encoder: Encoder,
    pub(crate) messages: Vec<Message>,
    generation: Option<Generation>,
    calls: usize,
}

/// One message of a batch, for reports about it.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) start: usize,
    pub(crate) call: usize,
    pub(crate) elements: Range<usize>,
    pub(crate) object: String,
}

impl Default for Batch {
    fn default() -> Self {
        Self::new()
    }
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        let mut batch = Self {
            encoder: Encoder::default(),
            messages: Vec::new(),
            generation: None,
            calls: 0,
        };
        batch.bracket(BATCH_BEGIN);
        batch
    }

    /// An empty batch that is refused whole if anybody committed anything since `generation` was
    /// read: what was decided from that reading may be wrong by now.
    pub fn since(generation: Generation) -> Self {
        let mut batch = Self::new();
        batch.encoder = Encoder::default();
        batch.generation = Some(generation);
        batch.bracket(BATCH_BEGIN);
        batch
    }

    /// How many calls have added to this batch. [`super::Refused::call`] counts them from zero.
    pub fn calls(&self) -> usize {
        self.calls
    }

    /// Whether there is nothing to commit.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// The length of what will be sent, in bytes.
    pub fn length(&self) -> usize {
        self.encoder.buffer.len()
    }

    /// Adds a table; its being there already is fine.
    pub fn add_table(&mut self, table: &Table) {
        let object = format!("add {table}");
        self.message(operation::NEW_TABLE, flags::CREATE, table, object, |out| {
            out.string(table::NAME, &table.name);
            if let Some(comment) = &table.comment {
                out.bytes(table::USERDATA, &encode::comment_data(comment));
            }
        });
    }

    /// Deletes a table with everything in it.
    pub fn delete_table(&mut self, table: &Table) {
        let object = format!("delete {table}");
        self.message(operation::DELETE_TABLE, 0, table, object, |out| {
            out.string(table::NAME, &table.name);
        });
    }

    /// Adds a chain; its being there already is fine.
    pub fn add_chain(&mut self, table: &Table, added: &Chain) {
        let object = format!("add chain {} {} {}", table.family, table.name, added.name);
        self.message(operation::NEW_CHAIN, flags::CREATE, table, object, |out| {
            out.string(chain::TABLE, &table.name);
            out.string(chain::NAME, &added.name);
            if let Some(base) = &added.base {
                out.nested(chain::HOOK, |out| {
                    out.be32(chain::HOOK_NUMBER, base.hook as u32);
                    out.be32(chain::HOOK_PRIORITY, base.priority.cast_unsigned());
                });
                out.be32(chain::POLICY, chain::ACCEPT);
                out.string(chain::TYPE, base.chain_type.name());
            }
        });
    }

    /// Deletes a chain, which must be empty and led to from nowhere.
    pub fn delete_chain(&mut self, table: &Table, name: &str) {
        let object = format!("delete chain {} {} {name}", table.family, table.name);
        self.message(operation::DELETE_CHAIN, 0, table, object, |out| {
            out.string(chain::TABLE, &table.name);
            out.string(chain::NAME, name);
        });
    }

    /// Deletes all rules of a chain.
    pub fn flush_chain(&mut self, table: &Table, name: &str) {
        let object = format!("flush chain {} {} {name}", table.family, table.name);
        self.message(operation::DELETE_RULE, 0, table, object, |out| {
            out.string(rule::TABLE, &table.name);
            out.string(rule::CHAIN, name);
        });
    }

    /// Adds a rule at the end of a chain.
    pub fn add_rule(&mut self, table: &Table, chain: &str, added: &Rule) {
        let object = format!("add rule {} {} {chain} {added}", table.family, table.name);
        let create = flags::CREATE | flags::APPEND;
        self.message(operation::NEW_RULE, create, table, object, |out| {
            out.string(rule::TABLE, &table.name);
            out.string(rule::CHAIN, chain);
            out.nested(rule::EXPRESSIONS, |out| compile::expressions(added, out));
        });
    }

    /// Adds a set or map; its being there already with the same types is fine.
    pub fn add_set(&mut self, table: &Table, added: &Set) {
        let object = format!("add set {} {} {}", table.family, table.name, added.name);
        let id = u32::try_from(self.calls + 1).unwrap_or(u32::MAX);
        self.message(operation::NEW_SET, flags::CREATE, table, object, |out| {
            out.string(set::TABLE, &table.name);
            encode::set(added, id, out);
        });
    }

    /// Deletes a set, which no rule may refer to.
    pub fn delete_set(&mut self, table: &Table, name: &str) {
        let object = format!("delete set {} {} {name}", table.family, table.name);
        self.message(operation::DELETE_SET, 0, table, object, |out| {
            out.string(set::TABLE, &table.name);
            out.string(set::NAME, name);
        });
    }

    /// Deletes all elements of a set.
    pub fn flush_set(&mut self, table: &Table, name: &str) {
        let object = format!("flush set {} {} {name}", table.family, table.name);
        self.message(operation::DELETE_ELEMENT, 0, table, object, |out| {
            out.string(element::TABLE, &table.name);
            out.string(element::SET, name);
        });
    }

    /// Adds elements. An element that is there already with the same data is fine; with other data
    /// it is refused with `EBUSY` or `EEXIST`.
    pub fn add_elements<'a>(
        &mut self,
        table: &Table,
        set: &Set,
        elements: impl IntoIterator<Item = &'a Element>,
    ) {
        self.elements(operation::NEW_ELEMENT, flags::CREATE, table, set, elements);
    }

    /// Deletes elements by their keys; one that isn't there is refused with `ENOENT`.
    pub fn delete_elements<'a>(
        &mut self,
        table: &Table,
        set: &Set,
        elements: impl IntoIterator<Item = &'a Element>,
    ) {
        self.elements(operation::DELETE_ELEMENT, 0, table, set, elements);
    }

    /// Closes the batch, asks for the last message to be confirmed and counts the messages from
    /// sequence number `first`, which is that of the opening bracket.
    pub(crate) fn finish(&mut self, first: u32) {
        self.bracket(BATCH_END);
        let mut sequence = first;
        for message in &self.messages {
            sequence = sequence.wrapping_add(1);
            self.encoder.set_sequence(message.start, sequence);
        }
        self.encoder.set_sequence(0, first);
        if let Some(last) = self.messages.last() {
            self.encoder.ask_confirmation(last.start);
        }
    }

    fn elements<'a>(
        &mut self,
        operation: u16,
        request_flags: u16,
        table: &Table,
        set: &Set,
        elements: impl IntoIterator<Item = &'a Element>,
    ) {
        let mut elements = elements.into_iter().peekable();
        let mut done = 0;
        while let Some(first) = elements.peek() {
            let verb = match operation {
                operation::NEW_ELEMENT => "add",
                _ => "delete",
            };
            let (family, name) = (table.family, &table.name);
            let mut object = format!(
                "{verb} element {family} {name} {} {{ {}",
                set.name,
                set.show(first)
            );
            let from = done;
            let start = self
                .encoder
                .message(request(operation, request_flags, table), 0, |out| {
                    out.string(element::TABLE, &table.name);
                    out.string(element::SET, &set.name);
                    let list = out.open_nested(element::ELEMENTS);
                    while out.buffer.len() - list < ELEMENT_BYTES {
                        let Some(one) = elements.next() else { break };
                        encode::element(set, one, out);
                        done += 1;
                    }
                    out.close(list);
                });
            object.push_str(if done - from > 1 { ", … }" } else { " }" });
            self.messages.push(Message {
                start,
                call: self.calls,
                elements: from..done,
                object,
            });
        }
        self.calls += 1;
    }

    fn message(
        &mut self,
        operation: u16,
        request_flags: u16,
        table: &Table,
        object: String,
        fill: impl FnOnce(&mut Encoder),
    ) {
        let request = request(operation, request_flags, table);
        let start = self.encoder.message(request, 0, fill);
        self.messages.push(Message {
            start,
            call: self.calls,
            elements: 0..0,
            object,
        });
        self.calls += 1;
    }

    fn bracket(&mut self, kind: u16) {
        let request = Request {
            kind,
            flags: 0,
            family: 0,
            resource: SUBSYSTEM,
        };
        let generation = self.generation.filter(|_| kind == BATCH_BEGIN);
        self.encoder.message(request, 0, |out| {
            if let Some(generation) = generation {
                out.be32(BATCH_GENERATION, generation.0);
            }
        });
    }
}

fn request(operation: u16, request_flags: u16, table: &Table) -> Request {
    Request {
        kind: SUBSYSTEM << 8 | operation,
        flags: request_flags,
        family: table.family.number(),
        resource: 0,
    }
}
