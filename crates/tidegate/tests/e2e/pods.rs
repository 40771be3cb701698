//! Pods, as far as someone who runs Services notices them.

use crate::machine::Machine;
use crate::wait::until;

fn pod(name: &str, container: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\nspec: {{terminationGracePeriodSeconds: 0, containers: [{container}]}}\n"
    )
}

#[test]
fn a_command_that_does_not_exist_and_an_image_that_is_not_built_in_say_so() {
    let machine = Machine::new();
    let _up = machine.up(&[]);
    machine.apply(&pod(
        "wrong",
        "{name: a, image: any, command: [/no/such/program]}",
    ));
    machine.apply(&pod("image", "{name: a, image: nginx}"));
    for (name, words) in [("wrong", "/no/such/program"), ("image", "command")] {
        until(&format!("pod {name} says why it waits"), || {
            let waiting = machine.field("pods", name, "/status/containerStatuses/0/state/waiting");
            let message = waiting
                .as_ref()
                .and_then(|waiting| waiting["message"].as_str())
                .unwrap_or_default();
            if message.contains(words) {
                Ok(())
            } else {
                Err(waiting)
            }
        });
    }
}

#[test]
fn a_container_that_ends_is_started_again_and_its_former_log_is_kept() {
    let machine = Machine::new();
    let _up = machine.up(&[]);
    machine.apply(&pod(
        "again",
        "{name: a, image: any, command: [sh, -c, 'echo run of $$; sleep 0.2']}",
    ));
    until("a restart is counted", || {
        let restarts = machine.field("pods", "again", "/status/containerStatuses/0/restartCount");
        if restarts.as_ref().and_then(serde_json::Value::as_u64) >= Some(1) {
            Ok(())
        } else {
            Err(restarts)
        }
    });
    let output = machine.tidegate(&["logs", "again", "--previous"]);
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("run of"),
        "{output:?}"
    );
}

#[test]
fn a_pod_is_alone_with_its_processes_and_lacks_the_rights_of_root() {
    let machine = Machine::new();
    let _up = machine.up(&[]);
    let script = "echo first process is $(cat /proc/1/comm), $(ls /proc | grep -c ^[0-9]) processes; hostname; grep -E ^(NoNewPrivs|CapEff) /proc/self/status; id -u; echo done; sleep 1000";
    machine.apply(&pod("alone", &format!("{{name: a, image: any, command: [sh, -c, '{}'], securityContext: {{runAsUser: 1234}}}}", script.replace('\'', "''").replace("^(NoNewPrivs|CapEff)", "\"^(NoNewPrivs|CapEff)\"").replace("^[0-9]", "\"^[0-9]\""))));
    let log = until("the pod is done", || {
        let log = machine.log("alone", "a");
        if log.contains("done") {
            Ok(log)
        } else {
            Err(log)
        }
    });
    assert!(
        log.lines().any(|line| line == "alone"),
        "its host name is the pod's: {log}"
    );
    assert!(log.contains("NoNewPrivs:\t1"), "{log}");
    assert!(
        log.contains("CapEff:\t0000000000000000"),
        "another user has no capabilities: {log}"
    );
    assert!(log.lines().any(|line| line == "1234"), "{log}");
}

#[test]
fn a_liveness_probe_that_fails_restarts_the_container() {
    let machine = Machine::new();
    let _up = machine.up(&[]);
    machine.apply(&pod("sick", "{name: a, image: any, command: [sleep, '1000'], livenessProbe: {exec: {command: ['false']}, periodSeconds: 1, failureThreshold: 1}}"));
    until("it is restarted", || {
        let restarts = machine.field("pods", "sick", "/status/containerStatuses/0/restartCount");
        if restarts.as_ref().and_then(serde_json::Value::as_u64) >= Some(1) {
            Ok(())
        } else {
            Err(restarts)
        }
    });
}
