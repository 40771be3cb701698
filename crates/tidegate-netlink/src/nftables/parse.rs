//! Reads what the kernel tells about its packet filter, with suspicion.

use super::chain::{BaseChain, ChainType, Hook};
use super::constants::{chain, rule, set, table};
use super::parse_element::comment;
use super::{ChainFound, Family, Generation, RuleFound, SetFound, Table};
use crate::attribute::{Attribute, Attributes, Malformed};

pub(crate) fn generation(attributes: &Attributes<'_>) -> Result<Generation, Malformed> {
    const ID: u16 = 1;
    let id = attributes.require(ID, "a generation has no number")?;
    Ok(Generation(id.be32()?))
}

pub(crate) fn table(family: Family, attributes: &Attributes<'_>) -> Result<Table, Malformed> {
    let name = attributes.require(table::NAME, "a table has no name")?;
    let comment = attributes.find(table::USERDATA)?.and_then(comment);
    Ok(Table {
        family,
        name: name.string()?,
        comment,
    })
}

pub(crate) fn chain(
    table: &str,
    attributes: &Attributes<'_>,
) -> Result<Option<ChainFound>, Malformed> {
    if !belongs(table, attributes, chain::TABLE)? {
        return Ok(None);
    }
    let name = attributes
        .require(chain::NAME, "a chain has no name")?
        .string()?;
    let Some(hook) = attributes.find(chain::HOOK)? else {
        return Ok(Some(ChainFound {
            name,
            base: None,
            foreign: false,
        }));
    };
    let hook = hook.attributes();
    let number = hook.require(chain::HOOK_NUMBER, "a hook has no number")?;
    let priority = hook.require(chain::HOOK_PRIORITY, "a hook has no priority")?;
    let chain_type = attributes.require(chain::TYPE, "a base chain has no type")?;
    let policy = attributes.require(chain::POLICY, "a base chain has no policy")?;
    let chain_type = match chain_type.string()?.as_str() {
        "filter" => Some(ChainType::Filter),
        "nat" => Some(ChainType::Nat),
        _ => None,
    };
    let hook = match number.be32()? {
        0 => Some(Hook::Prerouting),
        1 => Some(Hook::Input),
        2 => Some(Hook::Forward),
        3 => Some(Hook::Output),
        4 => Some(Hook::Postrouting),
        _ => None,
    };
    let priority = priority.be32()?.cast_signed();
    let base = chain_type.zip(hook).map(|(chain_type, hook)| BaseChain {
        chain_type,
        hook,
        priority,
    });
    Ok(Some(ChainFound {
        name,
        foreign: base.is_none() || policy.be32()? != chain::ACCEPT,
        base,
    }))
}

pub(crate) fn rule(
    table: &str,
    attributes: &Attributes<'_>,
) -> Result<Option<RuleFound>, Malformed> {
    if !belongs(table, attributes, rule::TABLE)? {
        return Ok(None);
    }
    let chain = attributes.require(rule::CHAIN, "a rule has no chain")?;
    let expressions = attributes.find(rule::EXPRESSIONS)?;
    Ok(Some(RuleFound {
        chain: chain.string()?,
        expressions: expressions.map_or_else(Vec::new, |list| list.value.to_vec()),
    }))
}

pub(crate) fn set(table: &str, attributes: &Attributes<'_>) -> Result<Option<SetFound>, Malformed> {
    /// `NFT_SET_ANONYMOUS`: part of a rule, without a name of its own.
    const ANONYMOUS: u32 = 1;
    let flags = match attributes.find(set::FLAGS)? {
        Some(flags) => flags.be32()?,
        None => 0,
    };
    if !belongs(table, attributes, set::TABLE)? || flags & ANONYMOUS != 0 {
        return Ok(None);
    }
    let number = |attribute: Option<Attribute<'_>>| attribute.map(|one| one.be32()).transpose();
    let description = attributes.find(set::DESCRIPTION)?;
    let size = match description {
        Some(description) => number(description.attributes().find(set::DESCRIBED_SIZE)?)?,
        None => None,
    };
    Ok(Some(SetFound {
        name: attributes
            .require(set::NAME, "a set has no name")?
            .string()?,
        flags,
        key_type: number(attributes.find(set::KEY_TYPE)?)?.unwrap_or_default(),
        key_length: number(attributes.find(set::KEY_LENGTH)?)?.unwrap_or_default(),
        data_type: number(attributes.find(set::DATA_TYPE)?)?,
        size: size.filter(|size| *size != 0),
    }))
}

fn belongs(table: &str, attributes: &Attributes<'_>, kind: u16) -> Result<bool, Malformed> {
    let name = attributes.require(kind, "an object names no table")?;
    Ok(name.string()? == table)
}
