//! No call fails while pods change.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crate::machine::Machine;
use crate::services::HOSTNAMES;
use crate::wait::until;

/// Calls without a pause while `change` runs; every call must be answered.
pub(crate) fn call_during(machine: &Machine, url: &str, change: impl FnOnce()) -> usize {
    let done = AtomicBool::new(false);
    let calls = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let caller = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                machine
                    .call(url)
                    .unwrap_or_else(|complaint| panic!("a call failed: {complaint}"));
                calls.fetch_add(1, Ordering::Relaxed);
            }
        });
        change();
        // A little longer, for what comes after the last step.
        std::thread::sleep(Duration::from_millis(500));
        done.store(true, Ordering::Relaxed);
        caller.join().expect("every call was answered");
    });
    calls.load(Ordering::Relaxed)
}

#[test]
fn no_call_fails_while_a_deployment_rolls() {
    let machine = Machine::new();
    let _up = machine.up(&[]);
    machine.apply(HOSTNAMES);
    let old = machine.ready_pods("app=hostnames", 3);
    let url = format!("http://{}/", machine.cluster_ip("hostnames"));
    let calls = call_during(&machine, &url, || {
        machine.apply(&HOSTNAMES.replace(
            "    metadata:\n      labels:",
            "    metadata:\n      annotations: {release: second}\n      labels:",
        ));
        until("all pods are new", || {
            let new = machine.ready_pods("app=hostnames", 3);
            if new.iter().any(|pod| old.contains(pod)) {
                Err(new)
            } else {
                Ok(())
            }
        });
    });
    assert!(calls > 3, "{calls} calls are too few to show anything");
}

#[test]
fn a_pod_that_is_deleted_gets_no_new_call() {
    let machine = Machine::new();
    let _up = machine.up(&[]);
    machine.apply(HOSTNAMES);
    let pods = machine.ready_pods("app=hostnames", 3);
    let url = format!("http://{}/", machine.cluster_ip("hostnames"));
    call_during(&machine, &url, || {
        let output = machine.tidegate(&["delete", "pod", &pods[0].0]);
        assert!(output.status.success());
        until("the pod is gone from the rules", || {
            let rules = machine.sh("nft list table ip tidegate");
            if rules.contains(&pods[0].1) {
                Err(rules)
            } else {
                Ok(())
            }
        });
    });
}

#[test]
fn a_pod_that_turns_unready_leaves_the_service_and_comes_back() {
    let machine = Machine::new();
    let _up = machine.up(&[]);
    let flag = machine.folder().join("ready");
    std::fs::write(&flag, "").expect("writes");
    machine.apply(&format!(
        "apiVersion: v1
kind: Pod
metadata: {{name: sick, labels: {{app: two}}}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - name: serve
      image: serve_hostname
      readinessProbe: {{exec: {{command: [test, -e, {}]}}, periodSeconds: 1, failureThreshold: 1}}
---
apiVersion: v1
kind: Pod
metadata: {{name: well, labels: {{app: two}}}}
spec: {{terminationGracePeriodSeconds: 0, containers: [{{name: serve, image: serve_hostname}}]}}
---
apiVersion: v1
kind: Service
metadata: {{name: two}}
spec: {{selector: {{app: two}}, ports: [{{port: 80, targetPort: 9376}}]}}
",
        flag.display()
    ));
    machine.ready_pods("app=two", 2);
    let url = format!("http://{}/", machine.cluster_ip("two"));
    std::fs::remove_file(&flag).expect("removes");
    until("only the well pod answers", || {
        let answers: Vec<_> = (0..8).map(|_| machine.call(&url)).collect();
        if answers.iter().all(|answer| answer.as_deref() == Ok("well")) {
            Ok(())
        } else {
            Err(answers)
        }
    });
    std::fs::write(&flag, "").expect("writes");
    until("the other pod answers again", || match machine.call(&url) {
        Ok(name) if name == "sick" => Ok(()),
        other => Err(other),
    });
}
