//! From the kernel's answers to the errors that every mode has.

use nix::errno::Errno;
use tidegate_dataplane::DataplaneError;
use tidegate_netlink::SocketError;
use tidegate_netlink::nftables::CommitError;

/// The words in which a mode tells of the kernel's errors.
#[derive(Clone, Copy, Debug)]
pub struct Words {
    /// The mode's name.
    pub mode: &'static str,
    /// The parts of nf_tables that its rules need, as an operator reads them.
    pub parts: &'static str,
    /// The kernel modules of these parts.
    pub modules: &'static str,
}

impl Words {
    /// Puts a failed commit into the words of the dataplane.
    pub fn of_commit(self, step: &str, error: CommitError) -> DataplaneError {
        let errno = match &error {
            CommitError::Socket(_) | CommitError::Overtaken => None,
            CommitError::Whole(reason) => Some(reason.errno),
            CommitError::Refused(refused) => refused.first().map(|first| first.reason.errno),
        };
        let known = errno.and_then(|errno| self.known(errno));
        known.unwrap_or_else(|| failed(step, error))
    }

    /// Puts a failed attempt to write chains and rules into the words of the dataplane. There the
    /// kernel says that something doesn't exist when it lacks a type of chain or an expression.
    pub(crate) fn of_frame(self, step: &str, error: CommitError) -> DataplaneError {
        match &error {
            CommitError::Refused(refused)
                if refused
                    .first()
                    .is_some_and(|first| first.reason.errno == Errno::ENOENT) =>
            {
                self.lacks_a_part()
            }
            _ => self.of_commit(step, error),
        }
    }

    /// Puts a failed reading into the words of the dataplane.
    pub fn of_socket(self, step: &str, error: SocketError) -> DataplaneError {
        let errno = match &error {
            SocketError::Open(errno) | SocketError::Receive(errno) => Some(*errno),
            SocketError::Send { errno, .. } => Some(*errno),
            SocketError::Refused(reason) => Some(reason.errno),
            _ => None,
        };
        let known = errno.and_then(|errno| self.known(errno));
        known.unwrap_or_else(|| failed(step, error))
    }

    /// Puts a failure of the very first request into the words of the dataplane. Netlink for
    /// netfilter is there without nf_tables too, and calls requests for a part that isn't loaded
    /// invalid.
    pub(crate) fn of_first_question(self, error: SocketError) -> DataplaneError {
        match &error {
            SocketError::Refused(reason) if reason.errno == Errno::EINVAL => self.lacks_nf_tables(),
            _ => self.of_socket("listing tables", error),
        }
    }

    /// What an operator can do about an error of the kernel, if anything.
    pub fn known(self, errno: Errno) -> Option<DataplaneError> {
        match errno {
            Errno::EPERM | Errno::EACCES => Some(DataplaneError::NotPermitted { mode: self.mode }),
            Errno::EPROTONOSUPPORT | Errno::EAFNOSUPPORT => Some(self.lacks_nf_tables()),
            Errno::EOPNOTSUPP => Some(self.lacks_a_part()),
            _ => None,
        }
    }

    fn lacks_nf_tables(self) -> DataplaneError {
        DataplaneError::Missing {
            mode: self.mode,
            missing: "nf_tables in the kernel".to_owned(),
            remedy: "load the module nf_tables, or choose another mode".to_owned(),
        }
    }

    fn lacks_a_part(self) -> DataplaneError {
        let Self { parts, modules, .. } = self;
        DataplaneError::Missing {
            mode: self.mode,
            missing: format!("a part of nf_tables in the kernel ({parts})"),
            remedy: format!("load the modules {modules}, or use a kernel of 5.13 or newer"),
        }
    }
}

/// A step that failed for a reason of its own.
pub fn failed(step: &str, reason: impl std::fmt::Display) -> DataplaneError {
    DataplaneError::Failed {
        step: step.to_owned(),
        reason: reason.to_string(),
    }
}
