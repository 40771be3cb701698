//! Where proxy modes come from.

use std::fmt::Debug;

use tidegate_dataplane::{Dataplane, DataplaneError};

/// Opens proxy modes, so that the proxy can change its mode while it runs.
pub trait ModeFactory: Send {
    /// A mode with its options, as the operator chose it. Equal choices are the same mode with the
    /// same options: nothing needs to be opened anew.
    type Choice: Clone + Debug + PartialEq + Send + Sync + 'static;

    /// Opens a mode, without changing anything in the kernel yet. May block.
    ///
    /// # Errors
    /// The mode can't work here: what is missing, and what would bring it.
    fn open(&self, choice: &Self::Choice) -> Result<OpenedMode, DataplaneError>;

    /// Has a mode at work take over what another choice of the same mode asks for, without disturbing
    /// a connection; a reconcile follows. Whether it could: if not, nothing has changed, and the mode
    /// is opened anew.
    fn adjust(
        &self,
        _serving: &mut dyn Dataplane,
        _before: &Self::Choice,
        _after: &Self::Choice,
    ) -> bool {
        false
    }

    /// Opens every mode but the one named, as far as they can be opened here. Once the first mode
    /// serves, they are asked to remove what an earlier run in another mode may have left.
    fn others(&self, _serving: &'static str) -> Vec<Box<dyn Dataplane>> {
        Vec::new()
    }
}

/// A mode that is ready to work.
pub struct OpenedMode {
    /// The mode.
    pub dataplane: Box<dyn Dataplane>,
    /// Why it is this one, in a sentence for the operator.
    pub reason: String,
}

/// A factory for proxies that never change their mode.
#[derive(Debug)]
pub struct OneMode;

impl ModeFactory for OneMode {
    type Choice = ();

    fn open(&self, (): &()) -> Result<OpenedMode, DataplaneError> {
        Err(DataplaneError::Failed {
            step: "opening another mode".to_owned(),
            reason: "this proxy was made for one mode".to_owned(),
        })
    }
}
