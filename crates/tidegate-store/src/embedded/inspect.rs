//! Looking into a data file before it is used, without changing it.
//!
//! Every page that the newest commit can reach is read and its checksum compared. A file that does not pass is refused, not
//! repaired: what a repair would throw away may be what the owner can still rescue.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use redb::{Database, ReadableDatabase};

use super::overlay::Overlay;
use super::tables::{self, Snapshot};

/// The first bytes of every redb file, by redb's design document.
const REDB_MAGIC: [u8; 9] = *b"redb\x1A\x0A\xA9\x0D\x0A";
/// Where the two commit slots begin; each begins with the version of redb's file format.
const REDB_SLOTS: [usize; 2] = [64, 192];
/// The redb file format that the linked redb writes.
const REDB_FORMAT: u8 = 3;
/// What inspection may cache; the walk reads each page once.
const CACHE_BYTES: usize = 4 << 20;

/// Why a file cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// A later version wrote it: what it says it is, and what this version reads.
    Newer { found: String, supported: String },
    /// The system refuses to read it.
    Unreadable(String),
    /// It is not a whole store.
    Damaged(String),
}

/// Reads the whole file; `Ok` means that it may be opened for writing.
pub(super) fn inspect(path: &Path) -> Result<(), Finding> {
    let unreadable = |error: std::io::Error| Finding::Unreadable(error.to_string());
    let file = File::open(path).map_err(unreadable)?;
    inspect_header(&file)?;
    let overlay = Overlay::new(file).map_err(unreadable)?;
    // redb answers most damage with an error, but some of its assertions are reachable from a bad file.
    catch_unwind(AssertUnwindSafe(|| inspect_content(overlay)))
        .unwrap_or_else(|_| Err(Finding::Damaged("its structure is inconsistent".into())))
}

fn inspect_header(file: &File) -> Result<(), Finding> {
    let mut header = [0; 320];
    file.read_exact_at(&mut header, 0)
        .map_err(|_| Finding::Damaged("it is too short".into()))?;
    if header[..REDB_MAGIC.len()] != REDB_MAGIC {
        return Err(Finding::Damaged("it does not begin like a store".into()));
    }
    // One odd slot is damage; a later format would be in both.
    let [first, second] = REDB_SLOTS.map(|slot| header[slot]);
    if first > REDB_FORMAT && first == second {
        return Err(Finding::Newer {
            found: format!("redb file format {first}"),
            supported: format!("{REDB_FORMAT}"),
        });
    }
    Ok(())
}

fn inspect_content(overlay: Overlay) -> Result<(), Finding> {
    let mut database = Database::builder()
        .set_cache_size(CACHE_BYTES)
        .create_with_backend(overlay)
        .map_err(damaged)?;
    if !database.check_integrity().map_err(damaged)? {
        return Err(Finding::Damaged("its checksums do not match".into()));
    }
    let transaction = database.begin_read().map_err(damaged)?;
    match tables::format(&transaction).map_err(damaged)? {
        Some(tables::FORMAT) => {}
        Some(format) if format > tables::FORMAT => {
            return Err(Finding::Newer {
                found: format!("store format {format}"),
                supported: tables::FORMAT.to_string(),
            });
        }
        Some(format) => {
            return Err(Finding::Damaged(format!(
                "it says that its store format is {format}"
            )));
        }
        None => return Err(Finding::Damaged("it does not say its store format".into())),
    }
    let snapshot = Snapshot::new(&transaction).map_err(damaged)?;
    snapshot.revision().map_err(damaged)?;
    Ok(())
}

fn damaged(error: impl std::fmt::Display) -> Finding {
    Finding::Damaged(error.to_string())
}
