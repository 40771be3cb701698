//! Why sets could not be listed or changed.

use nix::errno::Errno;

use super::SetType;
use crate::kernel_error::KernelError;
use crate::socket::SocketError;

/// Why sets could not be listed or changed.
#[derive(Debug, thiserror::Error)]
pub enum IpsetError {
    /// The kernel has no sets.
    #[error("the kernel has no ipset (the module ip_set isn't there or isn't loaded)")]
    Missing,
    /// The kernel's sets speak another version of the protocol.
    #[error("the kernel's ipset speaks versions {oldest} to {newest} of its protocol, not 6 or 7")]
    OtherProtocol {
        /// The oldest version that the kernel speaks.
        oldest: u8,
        /// The newest version that the kernel speaks.
        newest: u8,
    },
    /// The kernel has no sets of a type.
    #[error("the kernel has no sets of the type {set_type} (the module {module} isn't there)")]
    MissingType {
        /// The type.
        set_type: SetType,
        /// The module that has it.
        module: &'static str,
    },
    /// The kernel refused a request. Nothing was changed by it.
    #[error("the kernel refused `{request}`: {reason}")]
    Refused {
        /// The request in `ipset`'s notation.
        request: String,
        /// The kernel's reason.
        reason: KernelError,
    },
    /// The kernel could not be asked.
    #[error(transparent)]
    Socket(#[from] SocketError),
}

impl IpsetError {
    /// The error of a request that was refused.
    pub(super) fn refused(request: impl Into<String>, reason: KernelError) -> Self {
        Self::Refused {
            request: request.into(),
            reason: explain(reason),
        }
    }

    pub(super) fn missing_type(set_type: SetType) -> Self {
        let module = match set_type {
            SetType::HashIp => "ip_set_hash_ip",
            SetType::HashIpPort => "ip_set_hash_ipport",
            SetType::HashIpPortIp => "ip_set_hash_ipportip",
            SetType::HashIpPortNet => "ip_set_hash_ipportnet",
            SetType::BitmapPort => "ip_set_bitmap_port",
        };
        Self::MissingType { set_type, module }
    }
}

/// `IPSET_ERR_FIND_TYPE`: there is no such type, or not for that family, or not that revision.
pub(super) const NO_SUCH_TYPE: i32 = 4098;

/// Puts an error number of ipset's own (`IPSET_ERR_*`) into words, and gives it the common error
/// number that comes nearest. Those from 4352 on depend on the set's type.
pub(super) fn explain(reason: KernelError) -> KernelError {
    let (errno, words) = match reason.code {
        4097 => (Errno::EPROTO, "it doesn't fit the set"),
        NO_SUCH_TYPE => (Errno::EOPNOTSUPP, "the type of set isn't in the kernel"),
        4099 => (Errno::ENOSPC, "there are as many sets as can be"),
        4100 => (Errno::EBUSY, "the set is in use by a rule"),
        4101 => (Errno::EEXIST, "a set of the new name is there already"),
        4102 => (Errno::EINVAL, "the sets are of different types"),
        4103 => (
            Errno::EEXIST,
            "it is there already, or isn't there to be deleted",
        ),
        4104 => (Errno::EINVAL, "the prefix length isn't possible"),
        4106 => (
            Errno::EAFNOSUPPORT,
            "the family isn't possible for the type",
        ),
        4108 => (Errno::EBUSY, "another set refers to the set"),
        4109 => (Errno::EAFNOSUPPORT, "the set is for IPv4 addresses"),
        4110 => (Errno::EAFNOSUPPORT, "the set is for IPv6 addresses"),
        4114 => (Errno::EINVAL, "the set has no marks"),
        4352 => (Errno::ENOSPC, "the set is full"),
        4353 => (Errno::EINVAL, "the element can't be in a set"),
        4354 => (
            Errno::EPROTONOSUPPORT,
            "the protocol isn't possible in the set",
        ),
        _ => return reason,
    };
    KernelError {
        errno,
        code: reason.code,
        words: Some(words.to_owned()),
    }
}
