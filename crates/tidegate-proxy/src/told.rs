//! What the owners of Services should hear, and what they have heard already.

use std::collections::{BTreeSet, HashMap};

use tidegate_dataplane::{Dataplane, Outcome, Unsupported, unsupported};
use tidegate_model::{IpFamily, ServiceKey};
use tidegate_plan::{Plan, PlanKey, Problem};

/// Something that a Service asks for and doesn't get.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Complaint {
    /// In one word, for machines.
    pub(crate) reason: &'static str,
    /// In a sentence, for its owner.
    pub(crate) note: String,
}

/// Complaints that nobody has heard yet.
pub(crate) type News = Vec<(ServiceKey, Complaint)>;

/// The complaints that hold at this moment. One that ended and comes again is news again.
#[derive(Debug, Default)]
pub(crate) struct Told {
    by_plan: Memory,
    by_kernel: Memory,
}

#[derive(Debug, Default)]
struct Memory(HashMap<ServiceKey, BTreeSet<Complaint>>);

impl Told {
    /// Judges the plans of some Services by what a mode offers; gives what is news.
    pub(crate) fn judge(
        &mut self,
        services: BTreeSet<ServiceKey>,
        plan: &Plan,
        problems: &[Problem],
        dataplane: &dyn Dataplane,
    ) -> News {
        let mut found: HashMap<ServiceKey, BTreeSet<Complaint>> = HashMap::new();
        for problem in problems {
            let (service, complaint) = of_problem(problem);
            found.entry(service).or_default().insert(complaint);
        }
        for service in &services {
            for family in IpFamily::ALL {
                let key = PlanKey {
                    service: service.clone(),
                    family,
                };
                let Some(plan) = plan.services.get(&key) else {
                    continue;
                };
                let missing = unsupported(plan, dataplane);
                let missing = missing.iter().map(of_unsupported);
                found.entry(service.clone()).or_default().extend(missing);
            }
        }
        let mut news = News::new();
        for service in services {
            let holds = found.remove(&service).unwrap_or_default();
            self.by_plan.renew(service, holds, &mut news);
        }
        for (service, holds) in found {
            self.by_plan.renew(service, holds, &mut news);
        }
        news
    }

    /// Takes what the kernel refused; gives what is news. `full` says that what it doesn't name
    /// went in.
    pub(crate) fn refused(&mut self, outcome: &Outcome, full: bool) -> News {
        let mut found: HashMap<ServiceKey, BTreeSet<Complaint>> = HashMap::new();
        for refusal in &outcome.refused {
            if let Some(key) = &refusal.service {
                let complaint = Complaint {
                    reason: "KernelRefused",
                    note: format!("{refusal}; it is tried again"),
                };
                let of_service = found.entry(key.service.clone()).or_default();
                of_service.insert(complaint);
            }
        }
        let mut news = News::new();
        let known: Vec<ServiceKey> = self.by_kernel.0.keys().cloned().collect();
        for service in known.into_iter().filter(|_| full) {
            found.entry(service).or_default();
        }
        for (service, mut holds) in found {
            if !full {
                holds.extend(
                    self.by_kernel
                        .0
                        .get(&service)
                        .into_iter()
                        .flatten()
                        .cloned(),
                );
            }
            self.by_kernel.renew(service, holds, &mut news);
        }
        news
    }
}

impl Memory {
    fn renew(&mut self, service: ServiceKey, holds: BTreeSet<Complaint>, news: &mut News) {
        let known = match holds.is_empty() {
            true => self.0.remove(&service),
            false => self.0.insert(service.clone(), holds.clone()),
        };
        let known = known.unwrap_or_default();
        let unheard = holds
            .into_iter()
            .filter(|complaint| !known.contains(complaint));
        news.extend(unheard.map(|complaint| (service.clone(), complaint)));
    }
}

fn of_problem(problem: &Problem) -> (ServiceKey, Complaint) {
    let Problem::FrontendTaken { loser, .. } = problem;
    let complaint = Complaint {
        reason: "FrontendTaken",
        note: problem.to_string(),
    };
    (loser.service.clone(), complaint)
}

fn of_unsupported(missing: &Unsupported) -> Complaint {
    Complaint {
        reason: match missing {
            Unsupported::Scheduler { .. } => "UnsupportedScheduler",
            Unsupported::Capability { .. } => "Unsupported",
        },
        note: format!("{missing}; it is served without"),
    }
}

#[cfg(test)]
mod tests {
    use tidegate_dataplane::Refusal;

    use super::*;

    fn refusing(name: &str) -> Outcome {
        Outcome {
            refused: vec![Refusal {
                service: Some(PlanKey {
                    service: ServiceKey::new("default", name),
                    family: IpFamily::V4,
                }),
                object: "element".to_owned(),
                reason: "File exists".to_owned(),
            }],
            ..Outcome::default()
        }
    }

    #[test]
    fn a_refusal_is_news_once_for_as_long_as_it_holds() {
        let mut told = Told::default();
        assert_eq!(told.refused(&refusing("web"), true).len(), 1);
        assert_eq!(told.refused(&refusing("web"), true), []);
        // A change of other Services says nothing about this one.
        assert_eq!(told.refused(&Outcome::default(), false), []);
        assert_eq!(told.refused(&refusing("web"), false), []);
        assert_eq!(told.refused(&Outcome::default(), true), []);
        assert_eq!(told.refused(&refusing("web"), true).len(), 1);
    }
}
