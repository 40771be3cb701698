//! Programs for the kernel's packet filter, written, read and printed as `nft` does.
//!
//! A program is made of [`Table`]s, [`Set`]s with [`Element`]s, and [`Chain`]s with [`Rule`]s. A
//! [`Batch`] of changes is committed as one transaction by [`Nftables`]: packets see all of it or
//! nothing of it.

mod batch;
mod chain;
mod commit;
mod compile;
mod constants;
mod covers;
mod datatype;
mod element;
mod encode;
mod expression;
mod field;
mod found;
mod list;
mod parse;
mod parse_element;
mod read;
mod rule;
mod set;
mod statement;
mod table;
mod tuple;

pub use batch::Batch;
pub use chain::{BaseChain, Chain, ChainType, Hook};
pub use commit::{CommitError, Nftables, Refused};
pub use datatype::Datatype;
pub use element::{Data, Element};
pub use expression::{Expression, concat, random};
pub use field::Field;
pub use found::{ChainFound, Generation, RuleFound, SetFound, TableFound};
pub use list::TableListing;
pub use rule::{Rule, rule};
pub use set::{MapOf, Set};
pub use statement::{Reject, Statement, Test, Verdict};
pub use table::{Family, Table};
pub use tuple::Tuple;
