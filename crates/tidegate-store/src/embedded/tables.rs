//! What lies in the file: one table of entries by key, and one of numbers about the store itself.

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use redb::{
    ReadOnlyTable, ReadTransaction, ReadableTable, Table, TableDefinition, WriteTransaction,
};

use crate::entry::{Entry, Revision};
use crate::read::Page;

/// The layout that this version reads and writes.
pub(super) const FORMAT: u64 = 1;
/// The revision of a store that nothing was ever written to.
const FIRST_REVISION: u64 = 1;

/// Key → (created, modified, value).
const ENTRIES: TableDefinition<'_, &str, (u64, u64, &[u8])> = TableDefinition::new("entries");
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
const META_FORMAT: &str = "format";
const META_REVISION: &str = "revision";

/// Lays out an empty store.
pub(super) fn create(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    transaction.open_table(ENTRIES)?;
    let mut meta = transaction.open_table(META)?;
    meta.insert(META_FORMAT, FORMAT)?;
    meta.insert(META_REVISION, FIRST_REVISION)?;
    Ok(())
}

/// The layout version that the file says it has, `None` when it does not say.
pub(super) fn format(transaction: &ReadTransaction) -> Result<Option<u64>, redb::Error> {
    let meta = transaction.open_table(META)?;
    Ok(meta.get(META_FORMAT)?.map(|format| format.value()))
}

/// A consistent view for reading.
pub(super) struct Snapshot {
    entries: ReadOnlyTable<&'static str, (u64, u64, &'static [u8])>,
    meta: ReadOnlyTable<&'static str, u64>,
}

impl Snapshot {
    pub(super) fn new(transaction: &ReadTransaction) -> Result<Self, redb::Error> {
        Ok(Self {
            entries: transaction.open_table(ENTRIES)?,
            meta: transaction.open_table(META)?,
        })
    }

    pub(super) fn revision(&self) -> Result<Revision, redb::Error> {
        stored_revision(&self.meta)
    }

    pub(super) fn get(&self, key: &str) -> Result<Option<Entry>, redb::Error> {
        get(&self.entries, key)
    }

    pub(super) fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page, redb::Error> {
        let start = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let mut page = Page {
            entries: Vec::new(),
            revision: self.revision()?,
            more: false,
        };
        for item in self.entries.range::<&str>((start, Bound::Unbounded))? {
            let (key, value) = item?;
            if !key.value().starts_with(prefix) {
                break;
            }
            if page.entries.len() == limit {
                page.more = true;
                break;
            }
            page.entries.push(entry(key.value().into(), value.value()));
        }
        Ok(page)
    }
}

/// Both tables, open for writing.
pub(super) struct WriteTables<'transaction> {
    entries: Table<'transaction, &'static str, (u64, u64, &'static [u8])>,
    meta: Table<'transaction, &'static str, u64>,
}

impl<'transaction> WriteTables<'transaction> {
    pub(super) fn open(transaction: &'transaction WriteTransaction) -> Result<Self, redb::Error> {
        Ok(Self {
            entries: transaction.open_table(ENTRIES)?,
            meta: transaction.open_table(META)?,
        })
    }

    pub(super) fn revision(&self) -> Result<Revision, redb::Error> {
        stored_revision(&self.meta)
    }

    pub(super) fn set_revision(&mut self, revision: Revision) -> Result<(), redb::Error> {
        self.meta.insert(META_REVISION, revision.0)?;
        Ok(())
    }

    pub(super) fn get(&self, key: &str) -> Result<Option<Entry>, redb::Error> {
        get(&self.entries, key)
    }

    pub(super) fn put(&mut self, entry: &Entry) -> Result<(), redb::Error> {
        self.entries.insert(
            &*entry.key,
            (entry.created.0, entry.modified.0, &*entry.value),
        )?;
        Ok(())
    }

    pub(super) fn delete(&mut self, key: &str) -> Result<(), redb::Error> {
        self.entries.remove(key)?;
        Ok(())
    }
}

fn stored_revision(meta: &impl ReadableTable<&'static str, u64>) -> Result<Revision, redb::Error> {
    match meta.get(META_REVISION)? {
        Some(revision) => Ok(Revision(revision.value())),
        None => Err(redb::Error::Corrupted(
            "the store does not say its revision".into(),
        )),
    }
}

fn get(
    entries: &impl ReadableTable<&'static str, (u64, u64, &'static [u8])>,
    key: &str,
) -> Result<Option<Entry>, redb::Error> {
    Ok(entries
        .get(key)?
        .map(|value| entry(key.into(), value.value())))
}

fn entry(key: Arc<str>, (created, modified, value): (u64, u64, &[u8])) -> Entry {
    Entry {
        key,
        value: Bytes::copy_from_slice(value),
        created: Revision(created),
        modified: Revision(modified),
    }
}
