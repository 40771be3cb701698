//! The measurements, from the machines to the figures.
//!
//! Every competitor at every number of Services has a site of its own, and all sites are there at
//! once: the rounds go from one to the next, so that whatever else the machine does disturbs all
//! of them alike, and what one of them leaves behind is nobody else's burden.

mod competitor;
mod rounds;

use crate::machine::Machine;
use crate::options::{Effort, Options};
use crate::progress::tell;
use crate::results::{Refused, Results};
use crate::services::Size;
use competitor::Competitor;

/// Measures everything that the options ask for.
pub(crate) fn measure(options: &Options) -> anyhow::Result<Results> {
    let machine = Machine::here();
    let effort = match options.quick {
        true => Effort::QUICK,
        false => Effort::FULL,
    };
    let mut sizes = options.services.clone();
    sizes.sort_unstable();
    sizes.dedup();
    let sizes = sizes.iter().map(|services| Size {
        services: *services,
        endpoints: options.endpoints,
    });
    let sizes: Vec<Size> = sizes.collect();
    let mut plain_tools = Vec::new();
    for size in sizes.iter().filter(|_| !options.without_plain_tools) {
        plain_tools.extend(crate::plain_tools::measure(options, *size)?);
    }
    let mut competitors = vec![
        Competitor::direct(machine.host.cores)?,
        Competitor::tracked(machine.host.cores)?,
    ];
    if machine.haproxy.is_some() {
        for size in &sizes {
            competitors.push(Competitor::haproxy(*size, machine.host.cores)?);
        }
    }
    let mut refused = Vec::new();
    for mode in &options.modes {
        for size in &sizes {
            match Competitor::mode(*mode, *size, machine.host.cores) {
                Ok(competitor) => competitors.push(competitor),
                Err(error) => {
                    tell(&format!("{} can't take part: {error:#}", mode.name()));
                    refused.push(Refused {
                        mode: mode.name().to_owned(),
                        reason: format!("{error:#}"),
                    });
                    break;
                }
            }
        }
    }
    let others_busy = rounds::others_busy(&effort)?;
    rounds::run(&mut competitors, &effort, machine.host.cores, others_busy)?;
    let peers = competitors.into_iter().map(Competitor::finish);
    Ok(Results {
        peers: peers.collect::<anyhow::Result<_>>()?,
        machine,
        others_busy,
        effort,
        endpoints: options.endpoints,
        plain_tools,
        refused,
    })
}
