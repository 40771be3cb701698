//! From the answers of the kernel and of programs to the errors that every mode has.

use nix::errno::Errno;
use tidegate_dataplane::DataplaneError;
use tidegate_netlink::ipset::IpsetError;
use tidegate_netlink::links::LinkError;
use tidegate_netlink::{GenericError, SocketError};

/// The mode's name.
pub(crate) const MODE: &str = "ipvs";

/// Puts a failed attempt to find IPVS into the words of the dataplane.
pub(crate) fn of_generic(error: GenericError) -> DataplaneError {
    match error {
        GenericError::Missing { .. } => missing("ip_vs in the kernel", "modprobe ip_vs"),
        GenericError::Socket(error) => of_socket("opening netlink for IPVS", error),
    }
}

/// Puts a failed request about sets into the words of the dataplane.
pub(crate) fn of_ipset(step: &str, error: IpsetError) -> DataplaneError {
    match error {
        IpsetError::Missing => missing("ipset in the kernel", "modprobe ip_set"),
        IpsetError::MissingType { set_type, module } => missing(
            &format!("the ipset type {set_type} in the kernel"),
            &format!("modprobe {module}"),
        ),
        IpsetError::Socket(error) => of_socket(step, error),
        error @ (IpsetError::Refused { .. } | IpsetError::OtherProtocol { .. }) => {
            failed(step, error)
        }
    }
}

/// Puts a failed request about devices into the words of the dataplane.
pub(crate) fn of_link(error: LinkError) -> DataplaneError {
    const STEP: &str = "making the device kube-ipvs0";
    match error {
        LinkError::NoDummies => missing("dummy devices in the kernel", "modprobe dummy"),
        LinkError::Socket(error) => of_socket(STEP, error),
        LinkError::Refused { reason, .. }
            if matches!(reason.errno, Errno::EPERM | Errno::EACCES) =>
        {
            DataplaneError::NotPermitted { mode: MODE }
        }
        error @ (LinkError::NotDummy { .. } | LinkError::Refused { .. }) => failed(STEP, error),
    }
}

/// Puts a failed exchange into the words of the dataplane.
pub(crate) fn of_socket(step: &str, error: SocketError) -> DataplaneError {
    let errno = match &error {
        SocketError::Open(errno) | SocketError::Receive(errno) => Some(*errno),
        SocketError::Send { errno, .. } => Some(*errno),
        SocketError::Refused(reason) => Some(reason.errno),
        _ => None,
    };
    match errno {
        Some(Errno::EPERM | Errno::EACCES) => DataplaneError::NotPermitted { mode: MODE },
        _ => failed(step, error),
    }
}

/// Something that the mode can't do without.
pub(crate) fn missing(what: &str, remedy: &str) -> DataplaneError {
    DataplaneError::Missing {
        mode: MODE,
        missing: what.to_owned(),
        remedy: format!("{remedy}, or choose another mode"),
    }
}

/// A step that failed for whatever reason.
pub(crate) fn failed(step: &str, reason: impl std::fmt::Display) -> DataplaneError {
    DataplaneError::Failed {
        step: step.to_owned(),
        reason: reason.to_string(),
    }
}
