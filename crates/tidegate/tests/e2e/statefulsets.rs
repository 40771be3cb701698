//! StatefulSets, as their pods, their clients and kubectl see them.

use std::collections::BTreeSet;
use std::fs;

use crate::clients::has_kubectl;
use crate::machine::Machine;
use crate::wait::until;

/// Three pods that are ready as soon as the file `go` is there, and a headless Service.
fn manifests(machine: &Machine) -> String {
    let go = machine.folder().join("go");
    let go = go.display();
    format!(
        "
apiVersion: v1
kind: Service
metadata: {{name: web}}
spec: {{clusterIP: None, selector: {{app: web}}, ports: [{{name: http, port: 9376}}]}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: web}}
spec:
  serviceName: web
  replicas: 3
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: serve
        image: serve_hostname
        readinessProbe: {{periodSeconds: 1, exec: {{command: [test, -e, {go}]}}}}
      - name: names
        image: any
        command: [sh, -c, 'hostname; hostname -f; cat /etc/hostname; exec sleep 1000']
"
    )
}

fn pods(machine: &Machine) -> BTreeSet<String> {
    let output = machine.tidegate(&["get", "pods", "-l", "app=web", "-o", "json"]);
    let list: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let items = list["items"].as_array().cloned().unwrap_or_default();
    let names = items
        .iter()
        .map(|pod| pod["metadata"]["name"].as_str().unwrap_or_default());
    names.map(str::to_owned).collect()
}

#[test]
fn pods_start_and_end_in_order_and_are_found_by_their_names() {
    let machine = Machine::new();
    let _up = machine.up(&[]);
    machine.apply(&manifests(&machine));
    until("web-0 runs and is not ready", || {
        let ready = machine.field("pods", "web-0", "/status/containerStatuses/0/ready");
        let started = machine.field("pods", "web-0", "/status/containerStatuses/0/started");
        if ready == Some(false.into()) && started == Some(true.into()) {
            Ok(())
        } else {
            Err((ready, started))
        }
    });
    assert_eq!(pods(&machine), BTreeSet::from(["web-0".to_owned()]));
    fs::write(machine.folder().join("go"), "").expect("writes");
    let ready = machine.ready_pods("app=web", 3);

    // The client may look before the third one is ready: it looks until it finds what it expects.
    let script = "until getent hosts web-2.web; do sleep 0.2; done; getent hosts web-0.web; \
                  dig +search +short SRV _http._tcp.web; exec sleep 1000";
    machine.apply(&format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: client}}\nspec:\n  terminationGracePeriodSeconds: 0\n  \
         containers: [{{name: a, image: any, command: [sh, -c, '{script}']}}]\n"
    ));
    let domain = "web.default.svc.cluster.local";
    let log = until("the client has found everybody", || {
        let log = machine.log("client", "a");
        if log.matches(&format!(".{domain}.")).count() == 3 {
            Ok(log)
        } else {
            Err(log)
        }
    });
    for (name, address) in &ready {
        let srv = format!("9376 {name}.{domain}.");
        assert!(
            log.lines().any(|line| line.ends_with(&srv)),
            "{srv} in\n{log}"
        );
        if name != "web-1" {
            let found = |line: &str| {
                line.starts_with(address.as_str()) && line.contains(&format!(" {name}.{domain}"))
            };
            assert!(log.lines().any(found), "{address} {name} in\n{log}");
        }
        let own = until("the pod has told its names", || {
            let log = machine.log(name, "names");
            if log.lines().count() == 3 {
                Ok(log)
            } else {
                Err(log)
            }
        });
        assert_eq!(own, format!("{name}\n{name}.{domain}\n{name}\n"));
    }

    let uid = machine.field("pods", "web-1", "/metadata/uid");
    assert!(
        machine
            .tidegate(&["delete", "pod", "web-1"])
            .status
            .success()
    );
    until("web-1 comes back", || {
        let new = machine.field("pods", "web-1", "/metadata/uid");
        if new.is_some() && new != uid {
            Ok(())
        } else {
            Err(new)
        }
    });
    let address = machine.ready_pods("app=web", 3)[1].1.clone();
    until("its name leads to its new address", || {
        let answer = machine.sh(&format!(
            "dig +time=5 +tries=1 @10.96.0.10 +short web-1.{domain}"
        ));
        if answer.trim() == address {
            Ok(())
        } else {
            Err(answer)
        }
    });
}

#[test]
fn the_highest_ends_first() {
    let machine = Machine::new();
    let _up = machine.up(&[]);
    fs::write(machine.folder().join("go"), "").expect("writes");
    let set = manifests(&machine);
    machine.apply(&set);
    machine.ready_pods("app=web", 3);
    machine.apply(&set.replace("replicas: 3", "replicas: 0"));
    let mut seen = Vec::new();
    until("all are gone", || {
        let left = pods(&machine);
        if seen.last() != Some(&left) {
            seen.push(left.clone());
        }
        if left.is_empty() { Ok(()) } else { Err(left) }
    });
    for left in seen {
        let first: BTreeSet<_> = (0..left.len()).map(|n| format!("web-{n}")).collect();
        assert_eq!(left, first, "the others end before these");
    }
}

#[test]
fn kubectl_rolls_a_stateful_set_on_and_back() {
    if !has_kubectl() {
        return;
    }
    let machine = Machine::new();
    let _up = machine.up(&[]);
    fs::write(machine.folder().join("go"), "").expect("writes");
    let file = machine.file("web.yaml", &manifests(&machine));
    let applied = machine.kubectl(&["apply", "-f", &file]);
    assert!(
        applied.contains("statefulset.apps/web created"),
        "{applied}"
    );
    let again = machine.kubectl(&["apply", "-f", &file]);
    assert_eq!(again.matches("unchanged").count(), 2, "{again}");
    let status = ["rollout", "status", "sts/web", "--timeout=60s"];
    let said = machine.kubectl(&status);
    assert!(said.contains("roll out complete: 3 new pods"), "{said}");
    let shown = machine.kubectl(&["get", "statefulset"]);
    assert!(
        shown.starts_with("NAME   READY   AGE\nweb    3/3     "),
        "{shown}"
    );

    machine.kubectl(&["scale", "sts", "web", "--replicas=2"]);
    machine.kubectl(&[
        "wait",
        "--for=jsonpath={.status.replicas}=2",
        "sts/web",
        "--timeout=60s",
    ]);
    machine.kubectl(&["set", "image", "sts/web", "names=other"]);
    machine.kubectl(&status);
    let image = [
        "get",
        "pod",
        "web-1",
        "-o",
        "jsonpath={.spec.containers[1].image}",
    ];
    assert_eq!(machine.kubectl(&image), "other");
    let history = machine.kubectl(&["rollout", "history", "sts/web"]);
    assert!(
        history.contains("\n1 ") && history.contains("\n2 "),
        "{history}"
    );
    let undone = machine.kubectl(&["rollout", "undo", "sts/web"]);
    assert!(undone.contains("rolled back"), "{undone}");
    machine.kubectl(&status);
    assert_eq!(machine.kubectl(&image), "any");
    let uid = machine.field("pods", "web-0", "/metadata/uid");
    machine.kubectl(&["rollout", "restart", "sts/web"]);
    machine.kubectl(&status);
    assert_ne!(machine.field("pods", "web-0", "/metadata/uid"), uid);
    let described = machine.kubectl(&["describe", "sts", "web"]);
    for part in [
        "2 desired | 2 total",
        "Update Strategy:",
        "SuccessfulCreate",
    ] {
        assert!(described.contains(part), "{part} in\n{described}");
    }
    machine.kubectl(&["delete", "sts", "web"]);
    machine.kubectl(&["wait", "--for=delete", "pod/web-0", "--timeout=60s"]);

    let claims = manifests(&machine).replace(
        "  serviceName: web\n",
        "  serviceName: web\n  volumeClaimTemplates: [{metadata: {name: data}}]\n",
    );
    let refused = machine.try_kubectl(&["apply", "-f", &machine.file("claims.yaml", &claims)]);
    let refused = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        refused.contains("claim \"data\": standalone Tidegate has no"),
        "{refused}"
    );
}
