//! Probes and lifecycle hooks of a container.

use k8s_openapi::api::core::v1::{
    Container, ExecAction, HTTPGetAction, LifecycleHandler, Probe, TCPSocketAction,
};

use super::super::{Cause, FieldPath, check_port_number, check_port_or_name};
use super::spec::{check_choice, check_not_negative};

/// Checks the three probes and the two hooks.
pub(super) fn check_probes(path: &FieldPath, container: &Container) -> Vec<Cause> {
    let mut causes = Vec::new();
    if let Some(lifecycle) = &container.lifecycle {
        let path = path.child("lifecycle");
        let hooks = [
            ("postStart", &lifecycle.post_start),
            ("preStop", &lifecycle.pre_stop),
        ];
        for (field, hook) in hooks {
            causes.extend(
                hook.iter()
                    .flat_map(|hook| check_hook(&path.child(field), hook)),
            );
        }
    }
    let probes = [
        ("livenessProbe", &container.liveness_probe),
        ("readinessProbe", &container.readiness_probe),
        ("startupProbe", &container.startup_probe),
    ];
    for (field, probe) in probes {
        let Some(probe) = probe else { continue };
        let path = path.child(field);
        causes.extend(check_probe(&path, probe));
        let grace = probe.termination_grace_period_seconds;
        let grace_path = path.child("terminationGracePeriodSeconds");
        if field == "readinessProbe" {
            if let Some(seconds) = grace {
                let complaint = "must not be set for readinessProbes";
                causes.push(Cause::invalid(&grace_path, seconds, complaint));
            }
            continue;
        }
        if probe.success_threshold != Some(1) {
            let threshold = probe.success_threshold.unwrap_or(0);
            let path = path.child("successThreshold");
            causes.push(Cause::invalid(&path, threshold, "must be 1"));
        }
        if let Some(seconds) = grace.filter(|&seconds| seconds <= 0) {
            causes.push(Cause::invalid(
                &grace_path,
                seconds,
                "must be greater than 0",
            ));
        }
    }
    causes
}

fn check_probe(path: &FieldPath, probe: &Probe) -> Vec<Cause> {
    let mut handlers = Handlers::new(path);
    handlers.exec(probe.exec.as_ref());
    handlers.http_get(probe.http_get.as_ref());
    handlers.tcp_socket(probe.tcp_socket.as_ref());
    if let Some(call) = &probe.grpc {
        let path = handlers.next("grpc");
        handlers
            .causes
            .extend(check_port_number(&path.child("port"), call.port));
    }
    let mut causes = handlers.finish();
    let numbers = [
        ("initialDelaySeconds", probe.initial_delay_seconds),
        ("timeoutSeconds", probe.timeout_seconds),
        ("periodSeconds", probe.period_seconds),
        ("successThreshold", probe.success_threshold),
        ("failureThreshold", probe.failure_threshold),
    ];
    for (field, number) in numbers {
        causes.extend(check_not_negative(
            &path.child(field),
            number.map(i64::from),
        ));
    }
    causes
}

fn check_hook(path: &FieldPath, hook: &LifecycleHandler) -> Vec<Cause> {
    let mut handlers = Handlers::new(path);
    handlers.exec(hook.exec.as_ref());
    handlers.http_get(hook.http_get.as_ref());
    handlers.tcp_socket(hook.tcp_socket.as_ref());
    if let Some(sleep) = &hook.sleep {
        let path = handlers.next("sleep").child("seconds");
        handlers
            .causes
            .extend(check_not_negative(&path, Some(sleep.seconds)));
    }
    handlers.finish()
}

/// The ways of asking a container how it is, of which one must be chosen.
struct Handlers<'a> {
    path: &'a FieldPath,
    count: usize,
    causes: Vec<Cause>,
}

impl<'a> Handlers<'a> {
    fn new(path: &'a FieldPath) -> Self {
        Self {
            path,
            count: 0,
            causes: Vec::new(),
        }
    }

    /// Notes a handler that is set, and complains if it isn't the first.
    fn next(&mut self, field: &str) -> FieldPath {
        let path = self.path.child(field);
        if self.count > 0 {
            let complaint = "may not specify more than 1 handler type";
            self.causes.push(Cause::forbidden(&path, complaint));
        }
        self.count += 1;
        path
    }

    fn exec(&mut self, action: Option<&ExecAction>) {
        let Some(action) = action else { return };
        let path = self.next("exec");
        if action.command.iter().all(Vec::is_empty) {
            self.causes
                .push(Cause::required(&path.child("command"), ""));
        }
    }

    fn http_get(&mut self, action: Option<&HTTPGetAction>) {
        let Some(action) = action else { return };
        let path = self.next("httpGet");
        if action.path.as_deref().unwrap_or_default().is_empty() {
            self.causes.push(Cause::required(&path.child("path"), ""));
        }
        self.causes
            .extend(check_port_or_name(&path.child("port"), &action.port));
        let schemes = ["HTTP", "HTTPS"];
        let scheme = action.scheme.as_deref();
        self.causes
            .extend(check_choice(&path.child("scheme"), scheme, &schemes));
    }

    fn tcp_socket(&mut self, action: Option<&TCPSocketAction>) {
        let Some(action) = action else { return };
        let path = self.next("tcpSocket");
        self.causes
            .extend(check_port_or_name(&path.child("port"), &action.port));
    }

    fn finish(mut self) -> Vec<Cause> {
        if self.count == 0 {
            self.causes
                .push(Cause::required(self.path, "must specify a handler type"));
        }
        self.causes
    }
}
