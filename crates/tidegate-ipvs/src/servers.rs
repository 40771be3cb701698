//! Changes of virtual and real servers in the kernel, and what to do about those that it refuses.

use nix::errno::Errno;
use tidegate_dataplane::{DataplaneError, Outcome, Refusal};
use tidegate_netlink::KernelError;
use tidegate_netlink::ipvs::{Change, Ipvs};
use tidegate_plan::PlanKey;

use crate::error::of_socket;

/// A change, and the Service that needs it.
#[derive(Clone, Debug)]
pub(crate) struct Step<'a> {
    pub(crate) change: Change,
    pub(crate) service: Option<&'a PlanKey>,
}

/// How often refused changes are tried in another way.
const ATTEMPTS: usize = 3;

/// Makes changes in order.
///
/// What is there may be other than we think, since everyone may run `ipvsadm`: a change whose aim is
/// reached already is no failure, and what is there already is set instead of added. A Service whose
/// scheduler the kernel hasn't is served with the default one, and named as refused.
pub(crate) fn commit(
    ipvs: &mut Ipvs,
    mut steps: Vec<Step<'_>>,
    default_scheduler: &str,
    outcome: &mut Outcome,
) -> Result<(), DataplaneError> {
    for attempt in 1..=ATTEMPTS {
        let changes: Vec<Change> = steps.iter().map(|step| step.change.clone()).collect();
        let refused = ipvs.change(&changes);
        let refused = refused.map_err(|error| of_socket("changing virtual servers", error))?;
        outcome.changed += changes.len() - refused.len().min(changes.len());
        let mut again = Vec::new();
        for refusal in refused {
            let Some(step) = steps.get(refusal.index) else {
                continue;
            };
            match otherwise(&step.change, &refusal.reason, default_scheduler) {
                Otherwise::Done => {}
                Otherwise::Try(change) if attempt < ATTEMPTS => {
                    if is_for_want_of_scheduler(&step.change, &refusal.reason) {
                        outcome.refused.push(refusal_of(step, &refusal.reason));
                    }
                    again.push(Step {
                        change,
                        service: step.service,
                    });
                }
                Otherwise::Try(_) | Otherwise::Refused => {
                    outcome.refused.push(refusal_of(step, &refusal.reason));
                }
            }
        }
        if again.is_empty() {
            break;
        }
        steps = again;
    }
    Ok(())
}

/// What remains to be done about a refused change.
enum Otherwise {
    /// Its aim is reached.
    Done,
    /// This may reach it.
    Try(Change),
    /// Nothing.
    Refused,
}

fn otherwise(change: &Change, reason: &KernelError, default_scheduler: &str) -> Otherwise {
    match (change, reason.errno) {
        (Change::AddVirtual(server), Errno::EEXIST) => {
            Otherwise::Try(Change::SetVirtual(server.clone()))
        }
        (Change::AddReal(of, server), Errno::EEXIST) => {
            Otherwise::Try(Change::SetReal(*of, *server))
        }
        (Change::SetVirtual(server), Errno::ESRCH) => {
            Otherwise::Try(Change::AddVirtual(server.clone()))
        }
        // Its virtual server was refused before it, and may be there now.
        (Change::AddReal(of, server), Errno::ESRCH) => {
            Otherwise::Try(Change::AddReal(*of, *server))
        }
        // One that drains has weight 0; if it is gone, so are its connections.
        (Change::SetReal(_, server), Errno::ENOENT | Errno::ESRCH) if server.weight == 0 => {
            Otherwise::Done
        }
        (Change::SetReal(of, server), Errno::ENOENT) => {
            Otherwise::Try(Change::AddReal(*of, *server))
        }
        (Change::DeleteReal(..) | Change::DeleteVirtual(_), Errno::ENOENT | Errno::ESRCH) => {
            Otherwise::Done
        }
        (Change::AddVirtual(server) | Change::SetVirtual(server), Errno::ENOENT)
            if server.scheduler != default_scheduler =>
        {
            let mut server = server.clone();
            server.scheduler = default_scheduler.to_owned();
            server.hashing = tidegate_netlink::ipvs::Hashing::default();
            Otherwise::Try(match change {
                Change::AddVirtual(_) => Change::AddVirtual(server),
                _ => Change::SetVirtual(server),
            })
        }
        _ => Otherwise::Refused,
    }
}

fn is_for_want_of_scheduler(change: &Change, reason: &KernelError) -> bool {
    matches!(change, Change::AddVirtual(_) | Change::SetVirtual(_)) && reason.errno == Errno::ENOENT
}

fn refusal_of(step: &Step<'_>, reason: &KernelError) -> Refusal {
    let reason = match (&step.change, reason.errno) {
        (Change::AddVirtual(server) | Change::SetVirtual(server), Errno::ENOENT) => {
            let scheduler = &server.scheduler;
            format!("it has no scheduler {scheduler}: modprobe ip_vs_{scheduler}")
        }
        // The kernel looks whether it could reach a real server at all.
        (Change::AddReal(_, server), Errno::EINVAL) => {
            format!("{reason}: is there a route to {}?", server.address.ip())
        }
        _ => reason.to_string(),
    };
    Refusal {
        service: step.service.cloned(),
        object: format!("ipvsadm {}", step.change),
        reason,
    }
}
