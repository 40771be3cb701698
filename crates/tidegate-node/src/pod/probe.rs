//! Probes: what is asked, how often, and what the answers mean.

use std::time::Duration;

use k8s_openapi::api::core::v1::{
    Container, HTTPGetAction, LifecycleHandler, Probe, TCPSocketAction,
};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

/// The three questions about a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum ProbeKind {
    Startup,
    Liveness,
    Readiness,
}

impl ProbeKind {
    pub(crate) const ALL: [Self; 3] = [Self::Startup, Self::Liveness, Self::Readiness];

    /// As messages name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Startup => "Startup",
            Self::Liveness => "Liveness",
            Self::Readiness => "Readiness",
        }
    }

    /// This kind of probe as the container describes it.
    pub(crate) fn of(self, container: &Container) -> Option<&Probe> {
        match self {
            Self::Startup => container.startup_probe.as_ref(),
            Self::Liveness => container.liveness_probe.as_ref(),
            Self::Readiness => container.readiness_probe.as_ref(),
        }
    }
}

/// When and how often a probe runs, with the API's defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProbeTiming {
    pub(crate) initial_delay: Duration,
    pub(crate) period: Duration,
    pub(crate) timeout: Duration,
    pub(crate) successes: u32,
    pub(crate) failures: u32,
    /// How long the container may take to end when this probe condemns it.
    pub(crate) grace: Option<Duration>,
}

impl ProbeTiming {
    pub(crate) fn new(probe: &Probe) -> Self {
        let at_least_one = |value: Option<i32>, default: u32| {
            u32::try_from(value.unwrap_or(0))
                .ok()
                .filter(|value| *value > 0)
                .unwrap_or(default)
        };
        let seconds = |value: u32| Duration::from_secs(u64::from(value));
        let delay = u64::try_from(probe.initial_delay_seconds.unwrap_or(0)).unwrap_or(0);
        let grace = probe.termination_grace_period_seconds;
        Self {
            initial_delay: Duration::from_secs(delay),
            period: seconds(at_least_one(probe.period_seconds, 10)),
            timeout: seconds(at_least_one(probe.timeout_seconds, 1)),
            successes: at_least_one(probe.success_threshold, 1),
            failures: at_least_one(probe.failure_threshold, 3),
            grace: grace
                .and_then(|grace| u64::try_from(grace).ok())
                .map(Duration::from_secs),
        }
    }
}

/// Something to do to or with a container: what probes and hooks have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Handler {
    Http {
        /// The pod's own address when empty.
        host: String,
        port: u16,
        path: String,
        headers: Vec<(String, String)>,
    },
    Tcp {
        host: String,
        port: u16,
    },
    Exec(Vec<String>),
    Sleep(Duration),
    /// Cannot be done here, and why.
    Unsupported(String),
}

impl Handler {
    pub(crate) fn of_probe(probe: &Probe, container: &Container) -> Self {
        if let Some(http) = &probe.http_get {
            Self::http(http, container)
        } else if let Some(tcp) = &probe.tcp_socket {
            Self::tcp(tcp, container)
        } else if let Some(exec) = &probe.exec {
            Self::Exec(exec.command.clone().unwrap_or_default())
        } else {
            Self::Unsupported(
                "standalone Tidegate knows httpGet, tcpSocket and exec probes".to_owned(),
            )
        }
    }

    pub(crate) fn of_hook(hook: &LifecycleHandler, container: &Container) -> Self {
        if let Some(http) = &hook.http_get {
            Self::http(http, container)
        } else if let Some(exec) = &hook.exec {
            Self::Exec(exec.command.clone().unwrap_or_default())
        } else if let Some(sleep) = &hook.sleep {
            Self::Sleep(Duration::from_secs(
                u64::try_from(sleep.seconds).unwrap_or(0),
            ))
        } else {
            Self::Unsupported("standalone Tidegate knows httpGet, exec and sleep hooks".to_owned())
        }
    }

    fn http(action: &HTTPGetAction, container: &Container) -> Self {
        if action
            .scheme
            .as_deref()
            .is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
        {
            return Self::Unsupported(
                "httpGet with scheme HTTPS is not supported; use tcpSocket".to_owned(),
            );
        }
        let path = action.path.as_deref().unwrap_or_default();
        match port(&action.port, container) {
            Ok(port) => Self::Http {
                host: action.host.clone().unwrap_or_default(),
                port,
                path: if path.starts_with('/') {
                    path.to_owned()
                } else {
                    format!("/{path}")
                },
                headers: action
                    .http_headers
                    .iter()
                    .flatten()
                    .map(|header| (header.name.clone(), header.value.clone()))
                    .collect(),
            },
            Err(message) => Self::Unsupported(message),
        }
    }

    fn tcp(action: &TCPSocketAction, container: &Container) -> Self {
        match port(&action.port, container) {
            Ok(port) => Self::Tcp {
                host: action.host.clone().unwrap_or_default(),
                port,
            },
            Err(message) => Self::Unsupported(message),
        }
    }
}

/// A port by number, or by the name of one of the container's ports.
fn port(port: &IntOrString, container: &Container) -> Result<u16, String> {
    let number = match port {
        IntOrString::Int(number) => Some(*number),
        IntOrString::String(name) => container
            .ports
            .iter()
            .flatten()
            .find(|port| port.name.as_deref() == Some(name))
            .map(|port| port.container_port)
            .or_else(|| name.parse().ok()),
    };
    number
        .and_then(|number| u16::try_from(number).ok())
        .filter(|number| *number > 0)
        .ok_or_else(|| match port {
            IntOrString::Int(number) => format!("{number} is no valid port"),
            IntOrString::String(name) => format!("the container has no port called {name:?}"),
        })
}

/// What one answer changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passed,
    Failed,
}

/// Counts answers until there are enough of one kind in a row.
#[derive(Debug, Clone, Default)]
pub(crate) struct ProbeCounter {
    last: Option<bool>,
    in_a_row: u32,
}

impl ProbeCounter {
    /// The verdict that this answer completes or confirms; `None` while it is too early to say.
    pub(crate) fn count(&mut self, success: bool, timing: &ProbeTiming) -> Option<Verdict> {
        if self.last != Some(success) {
            self.last = Some(success);
            self.in_a_row = 0;
        }
        self.in_a_row = self.in_a_row.saturating_add(1);
        match success {
            true if self.in_a_row >= timing.successes => Some(Verdict::Passed),
            false if self.in_a_row >= timing.failures => Some(Verdict::Failed),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(probe: serde_json::Value) -> Container {
        serde_json::from_value(serde_json::json!({
            "name": "c", "readinessProbe": probe,
            "ports": [{"name": "web", "containerPort": 8080}],
        }))
        .expect("a container")
    }

    fn handler(probe: serde_json::Value) -> Handler {
        let container = container(probe);
        let probe = ProbeKind::Readiness.of(&container).expect("a probe");
        Handler::of_probe(probe, &container)
    }

    #[test]
    fn defaults_and_given_times() {
        let of =
            |probe| ProbeTiming::new(container(probe).readiness_probe.as_ref().expect("a probe"));
        let timing = of(serde_json::json!({}));
        assert_eq!(timing.initial_delay, Duration::ZERO);
        assert_eq!(timing.period, Duration::from_secs(10));
        assert_eq!(timing.timeout, Duration::from_secs(1));
        assert_eq!((timing.successes, timing.failures), (1, 3));
        let timing = of(
            serde_json::json!({"periodSeconds": 1, "failureThreshold": 1, "initialDelaySeconds": -5}),
        );
        assert_eq!(timing.period, Duration::from_secs(1));
        assert_eq!(timing.failures, 1);
        assert_eq!(timing.initial_delay, Duration::ZERO);
    }

    #[test]
    fn handlers() {
        use serde_json::json;
        let header = json!([{"name": "X-Check", "value": "1"}]);
        assert_eq!(
            handler(json!({"httpGet": {"port": "web", "path": "healthz", "httpHeaders": header}})),
            Handler::Http {
                host: String::new(),
                port: 8080,
                path: "/healthz".to_owned(),
                headers: vec![("X-Check".to_owned(), "1".to_owned())],
            }
        );
        assert_eq!(
            handler(json!({"tcpSocket": {"port": 5432}})),
            Handler::Tcp {
                host: String::new(),
                port: 5432
            }
        );
        assert_eq!(
            handler(json!({"exec": {"command": ["true"]}})),
            Handler::Exec(vec!["true".to_owned()])
        );
        for probe in [
            json!({"grpc": {"port": 1}}),
            json!({"httpGet": {"port": "nope"}}),
            json!({"httpGet": {"port": 0}}),
            json!({"tcpSocket": {"port": 70000}}),
            json!({"httpGet": {"port": 1, "scheme": "HTTPS"}}),
        ] {
            assert!(
                matches!(handler(probe.clone()), Handler::Unsupported(_)),
                "{probe}"
            );
        }
    }

    #[test]
    fn verdicts_need_enough_answers_in_a_row() {
        let mut timing = ProbeTiming::new(&Probe::default());
        timing.successes = 2;
        timing.failures = 3;
        let mut counter = ProbeCounter::default();
        let answers = [
            true, true, true, false, false, true, false, false, false, false,
        ];
        let verdicts: Vec<_> = answers
            .map(|answer| counter.count(answer, &timing))
            .to_vec();
        let (passed, failed) = (Some(Verdict::Passed), Some(Verdict::Failed));
        assert_eq!(
            verdicts,
            [
                None, passed, passed, None, None, None, None, None, failed, failed
            ]
        );
    }
}
