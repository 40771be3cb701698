//! From a configuration to what is served, at the start and while the server runs.

use std::net::SocketAddr;
use std::sync::Arc;

use tidegate_dns_config::DnsConfig;
use tidegate_dns_wire::LowerName;
use tidegate_forward::OwnAddresses;

use super::StartError;
use super::listeners::Listener;
use super::places::{Place, places};
use super::shared::Shared;
use crate::block::{Block, Surroundings, build};

/// For each place the blocks, and a listener where there was none.
type Prepared = (Vec<(Option<Listener>, Place)>, Vec<Arc<Block>>);

impl Shared {
    /// Puts the first configuration in force.
    pub(super) fn take_first(&self, config: &DnsConfig) -> Result<(), StartError> {
        let (listeners, blocks) = self.prepare(config, &[])?;
        let mut state = self.lock();
        state.config = config.clone();
        state.listeners = listeners
            .into_iter()
            .filter_map(|(listener, _)| listener)
            .collect();
        state.blocks = blocks;
        Ok(())
    }

    /// Builds and binds what a configuration needs, and changes nothing.
    pub(super) fn prepare(
        &self,
        config: &DnsConfig,
        known: &[SocketAddr],
    ) -> Result<Prepared, StartError> {
        let places_of_config = places(config, &self.setup.addresses)?;
        let own = OwnAddresses {
            listening: places_of_config.iter().map(|place| place.address).collect(),
            advertised: self.setup.advertised.clone(),
        };
        let around = Surroundings {
            names: Arc::clone(&self.names),
            own,
            workers: self.common.udp_sockets,
            runtime: self.common.runtime.clone(),
            search: self
                .setup
                .search
                .iter()
                .filter_map(|name| LowerName::from_text(name).ok())
                .collect(),
        };
        let mut blocks = Vec::new();
        for block in &config.servers {
            let port = block.zones.first().map_or(53, |zone| zone.port);
            blocks.push(Arc::new(build(block, port, &around)?));
        }
        let mut prepared = Vec::new();
        for mut place in places_of_config {
            place.attach(&blocks);
            let listener = match known.contains(&place.address) {
                true => None,
                false => Some(match place.is_shared {
                    true => Listener::shared(place.address, place.blocks.clone()),
                    false => Listener::bind(place.address, place.blocks.clone(), &self.common)?,
                }),
            };
            prepared.push((listener, place));
        }
        Ok((prepared, blocks))
    }

    /// Puts what was prepared in force, and gives the listeners that nobody needs any more.
    pub(super) fn take_over(
        &self,
        config: &DnsConfig,
        (prepared, blocks): Prepared,
    ) -> Result<Vec<Listener>, StartError> {
        let mut state = self.lock();
        let mut old = std::mem::take(&mut state.listeners);
        for (listener, place) in prepared {
            let listener = match listener {
                Some(listener) => Some(listener),
                None => {
                    let at = old.iter().position(|one| one.wanted == place.address);
                    at.map(|at| old.swap_remove(at))
                }
            };
            if let Some(mut listener) = listener {
                listener.desk.set(place.blocks);
                if state.is_serving && (state.is_known || !listener.is_later()) {
                    listener.serve(&self.common)?;
                }
                state.listeners.push(listener);
            }
        }
        state.config = config.clone();
        state.blocks = blocks;
        drop(state);
        self.check_for_loops();
        Ok(old)
    }
}
