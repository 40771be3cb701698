//! Packets that nobody in their right mind sends, by the hundred thousand.
//!
//! They are crafted (`packets`) and given to the whole handler with everything switched on
//! (`handler`), and what comes back has to be what any client can read (`verdict`). The replies of
//! other servers are treated in the same way (`upstream`).
//!
//! Every test run takes 200,000 packets and a tenth as many replies. Ten million and one million:
//!
//! ```text
//! TIDEGATE_FUZZ_INPUTS=10000000 cargo nextest run --release -p tidegate-dns fuzz
//! ```
//!
//! A failure prints the seed and the number of the input; with `TIDEGATE_FUZZ_SEED` set to that seed
//! the same inputs come again.

mod handler;
mod memory;
mod mutations;
mod names;
mod packets;
mod upstream;
mod verdict;

use std::env;

/// How many packets there are, and which.
#[derive(Clone, Copy, Debug)]
struct Plan {
    inputs: u64,
    seed: u64,
}

impl Plan {
    fn from_env() -> Self {
        let number = |name: &str| {
            let text = env::var(name).ok()?;
            let number = text.parse().ok();
            Some(number.unwrap_or_else(|| panic!("{name} is {text:?}, which is no number")))
        };
        Self {
            inputs: number("TIDEGATE_FUZZ_INPUTS").unwrap_or(200_000),
            seed: number("TIDEGATE_FUZZ_SEED").unwrap_or_else(rand::random),
        }
    }
}
