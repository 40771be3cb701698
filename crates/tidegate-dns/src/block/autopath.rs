//! Server-side search completion (CoreDNS's autopath).
//!
//! With `ndots:5` a client asks for `example.org.NAMESPACE.svc.cluster.local` first, and then goes
//! through the rest of its search path. Whoever knows the path can answer the first question with
//! what the last one would find.

use std::sync::Arc;

use hickory_proto::op::{Message, ResponseCode};
use tidegate_dns_wire::{Data, LowerName, Owner, Query};
use tidegate_zone::ZoneIndex;

use super::compose::{ask_instead, reply_with};
use super::{Asked, Block};

/// Completion for the clients of one server block.
#[derive(Debug)]
pub(super) struct Autopath {
    /// The zones whose questions may be the first of a search.
    pub(super) zones: Vec<LowerName>,
    pub(super) search: Search,
    /// For how many seconds the alias may be kept that leads to what was found.
    pub(super) ttl: u32,
}

/// Where the search path of a client comes from.
#[derive(Debug)]
pub(super) enum Search {
    /// From the namespace of the pod that has the client's address: `NAMESPACE.svc.DOMAIN`,
    /// `svc.DOMAIN`, `DOMAIN`, and then what the nodes' own resolvers search.
    Pods {
        index: Arc<ZoneIndex>,
        domain: Box<LowerName>,
        more: Vec<LowerName>,
    },
    /// The same for all clients.
    Fixed(Vec<LowerName>),
}

impl Autopath {
    /// Whether a question may be the first of a search.
    pub(super) fn concerns(&self, asked: &Asked<'_>) -> bool {
        let name = &asked.query.name;
        let mut zones = self.zones.iter();
        zones.any(|zone| name.labels_before(zone).is_some())
            && self
                .search
                .first(asked)
                .and_then(|first| name.labels_before(&first))
                .is_some_and(|labels| labels > 0)
    }

    /// What the whole search finds; `None` if this question isn't the first of one.
    pub(super) async fn answer(&self, asked: &Asked<'_>, block: &Block) -> Option<Vec<u8>> {
        if !self.concerns(asked) {
            return None;
        }
        let path = self.search.path(asked);
        let query = asked.query;
        let labels = query.name.labels_before(path.first()?)?;
        let mut first_reply = None;
        for (step, suffix) in path.iter().enumerate() {
            let Some(name) = completed(query, labels, suffix) else {
                continue;
            };
            let reply = match step {
                // The name as it was asked for, in its own letters.
                0 => block.resolve(asked).await,
                _ => {
                    let packet = ask_instead(query, &name);
                    let Ok(next) = Query::read(&packet, query.transport) else {
                        continue;
                    };
                    let next = Asked {
                        query: &next,
                        ..*asked
                    };
                    block.resolve(&next).await
                }
            };
            let message = Message::from_vec(&reply).ok()?;
            if step == 0 {
                first_reply = Some(reply);
            }
            let code = message.metadata.response_code;
            if code == ResponseCode::NXDomain {
                continue;
            }
            if step == 0 {
                break;
            }
            let alias = Data::Cname(name.as_wire().into());
            let before = [(Owner::Question, self.ttl, alias)];
            let is_found = code == ResponseCode::NoError && !message.answers.is_empty();
            let before = if is_found { &before[..] } else { &[] };
            return Some(reply_with(query, &message, before, |_| {}));
        }
        first_reply
    }
}

impl Search {
    /// What a client's resolver puts behind a name first.
    fn first(&self, asked: &Asked<'_>) -> Option<LowerName> {
        match self {
            Self::Pods { index, domain, .. } => {
                let namespace = index.namespace_of_pod(asked.origin.client.ip().to_canonical())?;
                let mut first = LowerName::ROOT;
                first.push(&namespace).ok()?;
                first.push(b"svc").ok()?;
                first.append(domain.as_wire()).ok()?;
                Some(first)
            }
            Self::Fixed(path) => path.first().copied(),
        }
    }

    /// The whole path, with the name itself as its end.
    fn path(&self, asked: &Asked<'_>) -> Vec<LowerName> {
        let mut path = match self {
            Self::Pods { domain, more, .. } => {
                let mut services = LowerName::ROOT;
                // Two labels and a domain that has room for more always make a name.
                let _ = services
                    .push(b"svc")
                    .and_then(|()| services.append(domain.as_wire()));
                let own = self.first(asked).into_iter().chain([services, **domain]);
                own.chain(more.iter().copied()).collect()
            }
            Self::Fixed(path) => path.clone(),
        };
        path.push(LowerName::ROOT);
        path
    }
}

/// The first labels of a question's name with something else behind them.
fn completed(query: &Query<'_>, labels: usize, suffix: &LowerName) -> Option<LowerName> {
    let mut name = LowerName::ROOT;
    for index in 0..labels {
        name.push(query.name.label(index)).ok()?;
    }
    name.append(suffix.as_wire()).ok()?;
    Some(name)
}
