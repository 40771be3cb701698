//! From the kernel's answers to the errors that every mode has.

use nix::errno::Errno;
use tidegate_dataplane::DataplaneError;
use tidegate_netlink::SocketError;
use tidegate_netlink::nftables::CommitError;

/// The mode's name.
pub(crate) const MODE: &str = "userspace";

/// Puts a failed commit into the words of the dataplane.
pub(crate) fn of_commit(step: &str, error: CommitError) -> DataplaneError {
    let errno = match &error {
        CommitError::Socket(_) | CommitError::Overtaken => None,
        CommitError::Whole(reason) => Some(reason.errno),
        CommitError::Refused(refused) => refused.first().map(|first| first.reason.errno),
    };
    errno.and_then(known).unwrap_or_else(|| failed(step, error))
}

/// Puts a failed attempt to write chains and rules into the words of the dataplane. There the kernel
/// says that something doesn't exist when it lacks a type of chain or an expression.
pub(crate) fn of_frame(step: &str, error: CommitError) -> DataplaneError {
    let lacks_a_part = matches!(
        &error,
        CommitError::Refused(refused)
            if refused.first().is_some_and(|first| first.reason.errno == Errno::ENOENT)
    );
    let lacking = lacks_a_part.then(|| known(Errno::EOPNOTSUPP)).flatten();
    lacking.unwrap_or_else(|| of_commit(step, error))
}

/// Puts a failed reading into the words of the dataplane.
pub(crate) fn of_socket(step: &str, error: SocketError) -> DataplaneError {
    let errno = match &error {
        SocketError::Open(errno) | SocketError::Receive(errno) => Some(*errno),
        SocketError::Send { errno, .. } => Some(*errno),
        SocketError::Refused(reason) => Some(reason.errno),
        _ => None,
    };
    errno.and_then(known).unwrap_or_else(|| failed(step, error))
}

/// A step that failed for a reason of its own.
pub(crate) fn failed(step: &str, reason: impl std::fmt::Display) -> DataplaneError {
    DataplaneError::Failed {
        step: step.to_owned(),
        reason: reason.to_string(),
    }
}

/// The kernel's errors that an operator can do something about.
pub(crate) fn known(errno: Errno) -> Option<DataplaneError> {
    let missing = |missing: &str, remedy: &str| DataplaneError::Missing {
        mode: MODE,
        missing: missing.to_owned(),
        remedy: remedy.to_owned(),
    };
    match errno {
        Errno::EPERM | Errno::EACCES => Some(DataplaneError::NotPermitted { mode: MODE }),
        Errno::EPROTONOSUPPORT | Errno::EAFNOSUPPORT => Some(missing(
            "nf_tables in the kernel",
            "load the module nf_tables, or choose another mode",
        )),
        Errno::EOPNOTSUPP => Some(missing(
            "a part of nf_tables in the kernel (nat, fib, ct or reject)",
            "load the modules nft_nat, nft_fib, nft_ct and nft_reject, or use a kernel of 5.13 or \
             newer",
        )),
        _ => None,
    }
}
