//! From the kernel's answers to the errors that every mode has.

use nix::errno::Errno;
use tidegate_dataplane::DataplaneError;
use tidegate_netlink::SocketError;
use tidegate_netlink::nftables::CommitError;

/// The mode's name.
pub(crate) const MODE: &str = "nftables";

/// Puts a failed commit into the words of the dataplane.
pub(crate) fn of_commit(step: &str, error: CommitError) -> DataplaneError {
    let reason = match &error {
        CommitError::Socket(_) | CommitError::Overtaken => return failed(step, error),
        CommitError::Whole(reason) => reason,
        CommitError::Refused(refused) => match refused.first() {
            Some(first) => &first.reason,
            None => return failed(step, error),
        },
    };
    of_errno(reason.errno).unwrap_or_else(|| failed(step, error))
}

/// Puts a failed attempt to write chains and rules into the words of the dataplane. There the kernel
/// says that something doesn't exist when it lacks a type of chain or an expression.
pub(crate) fn of_frame(step: &str, error: CommitError) -> DataplaneError {
    match &error {
        CommitError::Refused(refused)
            if refused
                .first()
                .is_some_and(|first| first.reason.errno == Errno::ENOENT) =>
        {
            of_errno(Errno::EOPNOTSUPP).unwrap_or_else(|| failed(step, error))
        }
        _ => of_commit(step, error),
    }
}

/// Puts a failed reading into the words of the dataplane.
pub(crate) fn of_socket(step: &str, error: SocketError) -> DataplaneError {
    let known = match &error {
        SocketError::Open(errno) | SocketError::Receive(errno) => of_errno(*errno),
        SocketError::Send { errno, .. } => of_errno(*errno),
        SocketError::Refused(reason) => of_errno(reason.errno),
        _ => None,
    };
    known.unwrap_or_else(|| failed(step, error))
}

/// Puts a failure of the very first request into the words of the dataplane. Netlink for netfilter is
/// there without nf_tables too, and calls requests for a part that isn't loaded invalid.
pub(crate) fn of_first_question(error: SocketError) -> DataplaneError {
    match &error {
        SocketError::Refused(reason) if reason.errno == Errno::EINVAL => {
            of_errno(Errno::EPROTONOSUPPORT).unwrap_or_else(|| failed("listing tables", error))
        }
        _ => of_socket("listing tables", error),
    }
}

fn of_errno(errno: Errno) -> Option<DataplaneError> {
    match errno {
        Errno::EPERM | Errno::EACCES => Some(DataplaneError::NotPermitted { mode: MODE }),
        Errno::EPROTONOSUPPORT | Errno::EAFNOSUPPORT => Some(DataplaneError::Missing {
            mode: MODE,
            missing: "nf_tables in the kernel".to_owned(),
            remedy: "load the module nf_tables, or choose another mode".to_owned(),
        }),
        Errno::EOPNOTSUPP => Some(DataplaneError::Missing {
            mode: MODE,
            missing: "a part of nf_tables in the kernel (nat, masq, numgen, fib, ct or reject)"
                .to_owned(),
            remedy: "load the modules nft_nat, nft_masq, nft_numgen, nft_fib, nft_ct and \
                     nft_reject, or use a kernel of 5.13 or newer"
                .to_owned(),
        }),
        _ => None,
    }
}

fn failed(step: &str, error: impl std::fmt::Display) -> DataplaneError {
    DataplaneError::Failed {
        step: step.to_owned(),
        reason: error.to_string(),
    }
}
