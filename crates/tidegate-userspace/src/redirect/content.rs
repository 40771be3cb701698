//! From the plan of one Service to the elements that lead to our listeners.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use tidegate_model::{IpFamily, Protocol, ServicePortName};
use tidegate_netlink::nftables::{Element, Tuple};
use tidegate_nft_table::{Key, Placed, ranges, sort_by_place};
use tidegate_plan::{BackendSet, Decision, Frontend, PortPlan, ServicePlan, Sources};

use super::sets::SetId;

/// What one Service needs in the table of its family.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Content {
    /// The elements in the order of their sets and keys, each once.
    pub(crate) elements: Vec<Placed<SetId>>,
    /// What the elements say about UDP, for which the kernel's memory must be cleared when it changes.
    pub(crate) udp: Vec<Redirected>,
}

/// A frontend of UDP and the listener that the kernel leads it to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Redirected {
    /// The address, unless it is a node port.
    pub(crate) address: Option<IpAddr>,
    /// The port.
    pub(crate) port: u16,
    /// The listener.
    pub(crate) listener: SocketAddr,
}

/// Where our listeners are: for each service port, and each of its sets of backends that is in use.
pub(crate) type Addresses = HashMap<(ServicePortName, IpFamily, BackendSet), SocketAddr>;

impl Content {
    /// Everything that a Service's plan asks for. A frontend whose listener couldn't be had refuses.
    pub(crate) fn of(plan: &ServicePlan, listeners: &Addresses) -> Self {
        let mut content = Self::default();
        for ip in &plan.cluster_ips {
            let element = Element::key(Tuple::new().address(ip.0));
            let element = element.with_comment(plan.key.service.to_string());
            content.elements.push((SetId::ClusterIps, element));
        }
        for port in &plan.ports {
            // Nobody forwards SCTP in user space: its frontends are ports that nobody claims.
            if port.name.protocol == Protocol::Sctp {
                continue;
            }
            for frontend in &port.frontends {
                content.add_frontend(port, frontend, plan.key.family, listeners);
            }
        }
        sort_by_place(&mut content.elements);
        content
    }

    fn add_frontend(
        &mut self,
        port: &PortPlan,
        frontend: &Frontend,
        family: IpFamily,
        listeners: &Addresses,
    ) {
        let (key, tuple) = Key::of(frontend, port.name.protocol);
        let listener = |set| listeners.get(&(port.name.clone(), family, set)).copied();
        let outside = match frontend.outside {
            Decision::Balance(set) => Some(listener(set)),
            Decision::Reject => Some(None),
            Decision::Drop => None,
        };
        match outside {
            Some(Some(to)) => self.redirect(SetId::Redirects(key), &tuple, to, port, frontend),
            // What a cluster IP doesn't redirect is refused anyway.
            Some(None) if frontend.address.is_cluster_ip() => {}
            Some(None) => self.add(SetId::Rejected(key), &tuple),
            None => self.add(SetId::Dropped(key), &tuple),
        }
        if let Decision::Balance(set) = frontend.inside
            && frontend.inside != frontend.outside
            && let Some(to) = listener(set)
        {
            self.redirect(SetId::InsideRedirects(key), &tuple, to, port, frontend);
        }
        if let (Some(ip), Sources::Only(admitted)) = (frontend.address.ip(), &frontend.sources) {
            self.add(SetId::Guarded, &tuple);
            let admitted = ranges::joined(&tuple, ranges::family_of(ip), admitted);
            let admitted = admitted.into_iter().map(|one| (SetId::Admitted, one));
            self.elements.extend(admitted);
        }
    }

    fn redirect(
        &mut self,
        map: SetId,
        frontend_key: &Tuple,
        to: SocketAddr,
        port: &PortPlan,
        frontend: &Frontend,
    ) {
        let target = Tuple::new().address(to.ip()).port(to.port());
        self.elements
            .push((map, Element::entry(frontend_key.clone(), target)));
        if port.name.protocol == Protocol::Udp {
            self.udp.push(Redirected {
                address: frontend.address.ip(),
                port: frontend.port,
                listener: to,
            });
        }
    }

    fn add(&mut self, set: SetId, key: &Tuple) {
        self.elements.push((set, Element::key(key.clone())));
    }
}
