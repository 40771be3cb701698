//! A view of the data file that can be written to without touching the file.
//!
//! redb repairs a file as it opens it, and that writes. To look into a file that may be damaged or foreign without changing a
//! byte of it, redb is given this view: reads come from the file, writes stay in memory and are forgotten.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use redb::StorageBackend;

const PAGE: usize = 4096;

/// A file opened for reading, under a layer of written pages.
#[derive(Debug)]
pub(super) struct Overlay {
    file: File,
    layer: Mutex<Layer>,
}

#[derive(Debug)]
struct Layer {
    len: u64,
    /// How much of the file shows through; it shrinks when the view is truncated.
    visible: u64,
    /// Written pages by page number.
    pages: HashMap<u64, Box<[u8; PAGE]>>,
}

impl Overlay {
    /// A view that equals the file until it is written to.
    pub(super) fn new(file: File) -> io::Result<Self> {
        let len = file.metadata()?.len();
        Ok(Self {
            file,
            layer: Mutex::new(Layer {
                len,
                visible: len,
                pages: HashMap::new(),
            }),
        })
    }

    fn layer(&self) -> MutexGuard<'_, Layer> {
        self.layer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fills `out` from the file; what lies beyond its visible part is zero.
    fn read_file(&self, visible: u64, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let in_file = usize::try_from(visible.saturating_sub(offset))
            .unwrap_or(usize::MAX)
            .min(out.len());
        let (from_file, beyond) = out.split_at_mut(in_file);
        beyond.fill(0);
        self.file.read_exact_at(from_file, offset)
    }
}

impl StorageBackend for Overlay {
    fn len(&self) -> io::Result<u64> {
        Ok(self.layer().len)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let layer = self.layer();
        if end(offset, out.len())? > layer.len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.read_file(layer.visible, offset, out)?;
        for part in parts(offset, out.len()) {
            if let Some(page) = layer.pages.get(&part.page) {
                out[part.at..part.at + part.len]
                    .copy_from_slice(&page[part.start..part.start + part.len]);
            }
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut layer = self.layer();
        layer.len = len;
        if len < layer.visible {
            layer.visible = len;
        }
        layer.pages.retain(|page, _| page * (PAGE as u64) < len);
        let within = (len % PAGE as u64) as usize;
        if let Some(last) = layer.pages.get_mut(&(len / PAGE as u64)) {
            last[within..].fill(0);
        }
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut layer = self.layer();
        if end(offset, data.len())? > layer.len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        for part in parts(offset, data.len()) {
            if !layer.pages.contains_key(&part.page) {
                let mut page = Box::new([0; PAGE]);
                self.read_file(layer.visible, part.page * PAGE as u64, &mut page[..])?;
                layer.pages.insert(part.page, page);
            }
            if let Some(page) = layer.pages.get_mut(&part.page) {
                page[part.start..part.start + part.len]
                    .copy_from_slice(&data[part.at..part.at + part.len]);
            }
        }
        Ok(())
    }
}

/// The part of a byte range that lies in one page.
struct Part {
    page: u64,
    /// Where it begins within the page.
    start: usize,
    /// Where it begins within the range.
    at: usize,
    len: usize,
}

fn parts(offset: u64, len: usize) -> impl Iterator<Item = Part> {
    let mut at = 0;
    std::iter::from_fn(move || {
        if at == len {
            return None;
        }
        let position = offset + at as u64;
        let start = (position % PAGE as u64) as usize;
        let part = Part {
            page: position / PAGE as u64,
            start,
            at,
            len: (PAGE - start).min(len - at),
        };
        at += part.len;
        Some(part)
    })
}

fn end(offset: u64, len: usize) -> io::Result<u64> {
    offset
        .checked_add(len as u64)
        .ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

#[cfg(test)]
mod tests;
