//! The few questions and requests that the node has for the kernel's routing netlink.

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsRawFd, BorrowedFd};

use futures::TryStreamExt;
use ipnet::IpNet;
use netlink_packet_route::address::AddressHeaderFlags;
use netlink_packet_route::link::{InfoData, InfoVeth, LinkAttribute, LinkMessage};
use netlink_packet_route::route::RouteScope;
use rtnetlink::{
    LinkBridge, LinkBridgePort, LinkMessageBuilder, LinkUnspec, LinkVeth, RouteMessageBuilder,
};
use thiserror::Error;

/// A request that the kernel refused.
#[derive(Debug, Error)]
#[error("{what}: {error}")]
pub struct NetlinkError {
    /// What was attempted, for example `adding the address 10.244.0.1/24`.
    pub what: String,
    /// The kernel's answer.
    pub error: io::Error,
}

/// A connection to the routing netlink of one network namespace.
#[derive(Debug)]
pub(crate) struct Netlink {
    pub(super) handle: rtnetlink::Handle,
    worker: tokio::task::JoinHandle<()>,
}

impl Drop for Netlink {
    fn drop(&mut self) {
        self.worker.abort();
    }
}

/// A network device.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub(crate) index: u32,
    pub(crate) name: String,
    pub(crate) alias: Option<String>,
    /// The bridge that it is a port of.
    pub(crate) controller: Option<u32>,
}

/// A route to add.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Route {
    pub(crate) destination: IpNet,
    pub(crate) link: u32,
    /// Reached directly on the link when there is none.
    pub(crate) gateway: Option<IpAddr>,
    /// The address that the host uses as its own.
    pub(crate) source: Option<IpAddr>,
}

impl Netlink {
    /// Connects to the namespace of the calling thread. Needs a tokio runtime in scope.
    pub(crate) fn connect() -> Result<Self, NetlinkError> {
        let (connection, handle, _) =
            rtnetlink::new_connection().map_err(|error| NetlinkError {
                what: "opening a netlink socket".to_owned(),
                error,
            })?;
        Ok(Self {
            handle,
            worker: tokio::spawn(connection),
        })
    }

    /// All links. One that appears or disappears meanwhile may hide another: whoever needs a
    /// certain one asks for it by name.
    pub(crate) async fn links(&self) -> Result<Vec<Link>, NetlinkError> {
        let links: Vec<_> = self
            .handle
            .link()
            .get()
            .execute()
            .try_collect()
            .await
            .map_err(failed(|| "listing links".to_owned()))?;
        Ok(links.into_iter().filter_map(link).collect())
    }

    pub(crate) async fn link_named(&self, name: &str) -> Result<Option<Link>, NetlinkError> {
        let found = self
            .handle
            .link()
            .get()
            .match_name(name)
            .execute()
            .try_next()
            .await;
        match found {
            Ok(found) => Ok(found.and_then(link)),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(failed(|| format!("looking for the link {name}"))(error)),
        }
    }

    /// A bridge that is up. Its hardware address is fixed: by default it would follow its ports,
    /// and pods would lose their gateway whenever another pod comes or goes.
    pub(crate) async fn add_bridge(
        &self,
        name: &str,
        alias: &str,
        hardware: [u8; 6],
    ) -> Result<Link, NetlinkError> {
        let message = LinkBridge::new(name)
            .address(hardware.to_vec())
            .up()
            .build();
        let what = || format!("creating the bridge {name} (CONFIG_BRIDGE)");
        self.handle
            .link()
            .add(message)
            .execute()
            .await
            .map_err(failed(what))?;
        let link = self.link_named(name).await?.ok_or_else(|| gone(name))?;
        // An alias is accepted on existing links only.
        let message = LinkUnspec::new_with_index(link.index).alias(alias).build();
        self.handle
            .link()
            .set(message)
            .execute()
            .await
            .map_err(failed(what))?;
        Ok(link)
    }

    /// A pair of linked devices: `host` as a port of `bridge` here, `pod` in another namespace, where
    /// it still has to be brought up.
    pub(crate) async fn add_pair(
        &self,
        host: &str,
        bridge: u32,
        pod: &str,
        namespace: BorrowedFd<'_>,
    ) -> Result<(), NetlinkError> {
        let peer = LinkMessageBuilder::<LinkUnspec>::new()
            .name(pod)
            .setns_by_fd(namespace.as_raw_fd())
            .build();
        let message = LinkMessageBuilder::<LinkVeth>::new_with_info_kind(
            netlink_packet_route::link::InfoKind::Veth,
        )
        .name(host)
        .controller(bridge)
        .up()
        .set_info_data(InfoData::Veth(InfoVeth::Peer(peer)))
        .build();
        let what = || format!("creating the link {host} (CONFIG_VETH)");
        self.handle
            .link()
            .add(message)
            .execute()
            .await
            .map_err(failed(what))
    }

    /// Lets a bridge send a frame back out of the port that it came in by.
    pub(crate) async fn let_return(&self, port: u32) -> Result<(), NetlinkError> {
        let message = LinkBridgePort::new(port).hairpin(true).build();
        let what = || format!("setting the hairpin mode of bridge port {port}");
        let request = self.handle.link().set_port(message);
        request.execute().await.map_err(failed(what))
    }

    pub(crate) async fn set_up(&self, index: u32) -> Result<(), NetlinkError> {
        let message = LinkUnspec::new_with_index(index).up().build();
        let what = || format!("bringing up link {index}");
        self.handle
            .link()
            .set(message)
            .execute()
            .await
            .map_err(failed(what))
    }

    /// A link that is gone already is deleted: a pod's links vanish with its namespace.
    /// Returns whether the link was still there.
    pub(crate) async fn delete_link(&self, link: &Link) -> Result<bool, NetlinkError> {
        match self.handle.link().del(link.index).execute().await {
            Ok(()) => Ok(true),
            Err(error) if is_missing(&error) => Ok(false),
            Err(error) => Err(failed(|| format!("removing the link {}", link.name))(error)),
        }
    }

    /// Adds an address that is usable at once: IPv6 duplicate detection is skipped.
    pub(crate) async fn add_address(&self, link: u32, net: IpNet) -> Result<(), NetlinkError> {
        let mut request = self
            .handle
            .address()
            .add(link, net.addr(), net.prefix_len());
        request.message_mut().header.flags |= AddressHeaderFlags::Nodad;
        let what = || format!("adding the address {net}");
        request.execute().await.map_err(failed(what))
    }

    pub(crate) async fn add_route(&self, route: Route) -> Result<(), NetlinkError> {
        let what = || format!("adding a route to {}", route.destination);
        let mut message = RouteMessageBuilder::<IpAddr>::new()
            .destination_prefix(route.destination.network(), route.destination.prefix_len())
            .map_err(|error| refused(what(), error))?
            .output_interface(route.link);
        if let Some(gateway) = route.gateway {
            message = message
                .gateway(gateway)
                .map_err(|error| refused(what(), error))?
                .onlink();
        } else if route.destination.addr().is_ipv4() {
            message = message.scope(RouteScope::Link);
        }
        if let Some(source) = route.source {
            message = message
                .pref_source(source)
                .map_err(|error| refused(what(), error))?;
        }
        let request = self.handle.route().add(message.build()).replace();
        request.execute().await.map_err(failed(what))
    }
}

fn link(message: LinkMessage) -> Option<Link> {
    let mut name = None;
    let mut alias = None;
    let mut controller = None;
    for attribute in message.attributes {
        match attribute {
            LinkAttribute::IfName(value) => name = Some(value),
            LinkAttribute::IfAlias(value) => alias = Some(value),
            LinkAttribute::Controller(value) => controller = Some(value),
            _ => {}
        }
    }
    Some(Link {
        index: message.header.index,
        name: name?,
        alias,
        controller,
    })
}

/// A route whose address families do not fit together.
fn refused(what: String, error: impl std::error::Error + Send + Sync + 'static) -> NetlinkError {
    NetlinkError {
        what,
        error: io::Error::other(error),
    }
}

fn is_missing(error: &rtnetlink::Error) -> bool {
    matches!(error, rtnetlink::Error::NetlinkError(answer)
        if answer.to_io().raw_os_error() == Some(nix::libc::ENODEV))
}

fn gone(name: &str) -> NetlinkError {
    NetlinkError {
        what: format!("finding the link {name} that was just created"),
        error: io::ErrorKind::NotFound.into(),
    }
}

pub(super) fn failed(what: impl Fn() -> String) -> impl Fn(rtnetlink::Error) -> NetlinkError {
    move |error| NetlinkError {
        what: what(),
        error: match error {
            rtnetlink::Error::NetlinkError(message) => message.to_io(),
            other => io::Error::other(other),
        },
    }
}
