//! Opens the mode with either variant of iptables, and runs each test with both.

#![allow(dead_code, unused_macros, reason = "not every test needs all of it")]

#[macro_use]
pub(crate) mod rules;

use std::time::Duration;

use tidegate_dataplane::Dataplane;
use tidegate_iptables::{IptablesMode, IptablesOptions, Variant};

/// Opens a mode on the machine that calls it.
pub(crate) type Open = fn() -> Box<dyn Dataplane>;

/// The options of tests: all of them wait for one lock, and none of them for long.
pub(crate) fn options(variant: Variant) -> IptablesOptions {
    IptablesOptions {
        variant,
        lock_wait: Duration::from_secs(300),
        ..IptablesOptions::default()
    }
}

/// Opens the mode with one variant.
pub(crate) fn open(variant: Variant) -> IptablesMode {
    IptablesMode::open(options(variant)).expect("iptables is installed")
}

pub(crate) fn open_legacy() -> Box<dyn Dataplane> {
    Box::new(open(Variant::Legacy))
}

pub(crate) fn open_nft() -> Box<dyn Dataplane> {
    Box::new(open(Variant::Nft))
}

/// Makes a test for each variant of functions that take what opens the mode.
macro_rules! with_both_variants {
    ($($name:ident)*) => {
        mod legacy {
            $(#[test] fn $name() { super::$name(crate::support::open_legacy); })*
        }
        mod nft {
            $(#[test] fn $name() { super::$name(crate::support::open_nft); })*
        }
    };
}
