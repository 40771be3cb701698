//! What the mode needs of the kernel and the host, looked for before anything is changed.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};

use nix::errno::Errno;
use tidegate_dataplane::DataplaneError;
use tidegate_model::IpFamily;
use tidegate_netlink::ipset::{Ipset, IpsetError};
use tidegate_netlink::ipvs::{Change, Ipvs, VirtualAddress, VirtualServer};
use tidegate_netlink::links::{LinkError, Links};
use tidegate_netlink::{GenericError, Protocol};

use crate::error::{MODE, failed, missing, of_generic, of_ipset, of_link, of_socket};
use crate::iptables::Iptables;
use crate::{DEVICE, IpvsOptions, SCHEDULERS};

/// A dummy device that exists for a moment, to see whether there can be one.
const PROBE_DEVICE: &str = "kube-ipvs-probe";

/// A virtual server that exists for a moment: an address for documentation (RFC 5737).
const PROBE_ADDRESS: (Ipv4Addr, u16) = (Ipv4Addr::new(198, 51, 100, 0), 20_000);

/// The connections to the parts of the kernel that the mode works with.
#[derive(Debug)]
pub(crate) struct Kernel {
    pub(crate) ipvs: Ipvs,
    pub(crate) ipset: Ipset,
    pub(crate) links: Links,
}

impl Kernel {
    /// Finds all parts, having modules loaded where that can be done, or names what is missing.
    pub(crate) fn open(options: &IpvsOptions) -> Result<Self, DataplaneError> {
        if !SCHEDULERS.contains(&options.scheduler.as_str()) {
            let step = format!("choosing the scheduler {:?}", options.scheduler);
            return Err(failed(
                &step,
                format!("it can be {}", SCHEDULERS.join(", ")),
            ));
        }
        let ipvs = match Ipvs::open() {
            Err(GenericError::Missing { .. }) => {
                load_module("ip_vs");
                Ipvs::open()
            }
            opened => opened,
        };
        let ipset = match Ipset::open() {
            Err(IpsetError::Missing) => {
                load_module("ip_set");
                Ipset::open()
            }
            opened => opened,
        };
        let links = Links::open();
        let mut kernel = Self {
            ipvs: ipvs.map_err(of_generic)?,
            ipset: ipset.map_err(|error| of_ipset("opening netlink for ipset", error))?,
            links: links.map_err(|error| of_socket("opening netlink for devices", error))?,
        };
        kernel.try_device()?;
        kernel.try_scheduler(&options.scheduler)?;
        Iptables::find(IpFamily::V4)?;
        Ok(kernel)
    }

    fn try_device(&mut self) -> Result<(), DataplaneError> {
        let found = self.links.find(DEVICE);
        let found = found.map_err(|error| of_socket("looking for kube-ipvs0", error))?;
        if found.is_some() {
            return Ok(());
        }
        let made = match self.links.ensure_dummy(PROBE_DEVICE) {
            Err(LinkError::NoDummies) => {
                load_module("dummy");
                self.links.ensure_dummy(PROBE_DEVICE)
            }
            made => made,
        };
        let made = made.map_err(of_link)?;
        self.links.delete(&made).map_err(of_link)
    }

    fn try_scheduler(&mut self, scheduler: &str) -> Result<(), DataplaneError> {
        let (ip, port) = PROBE_ADDRESS;
        let address = VirtualAddress::Port {
            protocol: Protocol::TCP,
            address: SocketAddr::new(ip.into(), port),
        };
        let module = format!("ip_vs_{scheduler}");
        for is_last in [false, true] {
            let steps = [
                Change::AddVirtual(VirtualServer::new(address, scheduler)),
                Change::DeleteVirtual(address),
            ];
            let refused = self.ipvs.change(&steps);
            let refused = refused.map_err(|error| of_socket("trying a virtual server", error))?;
            match refused.first().map(|refusal| refusal.reason.errno) {
                Some(Errno::ENOENT) if is_last => {
                    let what = format!("the scheduler {scheduler} (module {module})");
                    return Err(missing(&what, &format!("modprobe {module}")));
                }
                Some(Errno::ENOENT) => load_module(&module),
                Some(Errno::EPERM | Errno::EACCES) => {
                    return Err(DataplaneError::NotPermitted { mode: MODE });
                }
                _ => break,
            }
        }
        Ok(())
    }
}

/// Has a module of the kernel loaded. Where there is no `modprobe`, or it may not, the part may be
/// there all the same: that is seen when it is used.
fn load_module(name: &str) {
    let mut modprobe = Command::new("modprobe");
    let quiet = modprobe.arg(name).stdin(Stdio::null()).output();
    match quiet {
        Ok(output) if output.status.success() => {}
        Ok(output) => {
            let reason = String::from_utf8_lossy(&output.stderr);
            tracing::debug!(module = name, reason = reason.trim(), "modprobe failed");
        }
        Err(error) => tracing::debug!(module = name, %error, "modprobe can't be run"),
    }
}
