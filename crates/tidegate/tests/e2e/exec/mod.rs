//! Commands in containers, with kubectl and without.

mod streams;

use std::process::{Command, Output, Stdio};

use crate::clients::has_kubectl;
use crate::machine::{Machine, TIDEGATE, text};
use crate::wait::until;

const POD: &str = "
apiVersion: v1
kind: Pod
metadata: {name: box, labels: {app: box}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: any
    command: [sleep, '1000']
    workingDir: /usr
    env: [{name: COLOUR, value: blue}]
    securityContext: {runAsUser: 1234}
  - name: other
    image: any
    command: [sleep, '1000']
";

/// The ways to run a command: kubectl where there is one, and our own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Client {
    Kubectl,
    Tidegate,
}

fn clients() -> Vec<Client> {
    let kubectl = has_kubectl().then_some(Client::Kubectl);
    kubectl.into_iter().chain([Client::Tidegate]).collect()
}

impl Client {
    /// The words of a command line before the pod's name.
    fn words(self, machine: &Machine) -> Vec<String> {
        let data_dir = machine.data_dir();
        let data_dir = data_dir.to_str().expect("is text");
        let words: &[&str] = match self {
            Self::Kubectl => &["kubectl", "exec"],
            Self::Tidegate => &[TIDEGATE, "exec", "--data-dir", data_dir],
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    fn command(self, machine: &Machine, args: &[&str]) -> Command {
        let words = self.words(machine);
        let mut command = machine.command(&words[0]);
        command
            .args(&words[1..])
            .args(args)
            .env("HOME", machine.folder())
            .stdin(Stdio::null());
        command
    }

    fn run(self, machine: &Machine, args: &[&str]) -> Output {
        self.command(machine, args).output().expect("runs")
    }

    /// A shell line in the first container.
    fn sh(self, machine: &Machine, flags: &[&str], line: &str) -> Command {
        let mut args = vec!["box", "-c", "main"];
        args.extend(flags);
        args.extend(["--", "sh", "-c", line]);
        self.command(machine, &args)
    }
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_command_runs_as_the_containers_own_and_its_outcome_is_told() {
    let machine = Machine::new();
    let _up = machine.up(&[]);
    machine.apply(POD);
    machine.ready_pods("app=box", 1);
    for client in clients() {
        let mut seen = client.sh(&machine, &[], "echo out; echo err >&2; exit 7");
        let seen = seen.output().expect("runs");
        assert_eq!(seen.status.code(), Some(7), "{client:?}: {}", text(&seen));
        assert_eq!(out(&seen), "out\n", "{client:?}");
        let complaint = err(&seen);
        assert!(complaint.starts_with("err\n"), "{client:?}: {complaint}");
        assert!(
            complaint.contains("command terminated with exit code 7"),
            "{complaint}"
        );

        let line = "id -u; pwd; echo $COLOUR; hostname; cat /proc/1/comm; cat; tty";
        let inside = client.sh(&machine, &[], line).output().expect("runs");
        let expected = "1234\n/usr\nblue\nbox\nsleep\nnot a tty\n";
        assert_eq!(out(&inside), expected, "{client:?}: {}", text(&inside));
        let cgroup = |container: &str, path: &str| {
            let args = ["box", "-c", container, "--", "cat", path];
            out(&client.run(&machine, &args))
        };
        let (own, first) = (
            cgroup("main", "/proc/self/cgroup"),
            cgroup("main", "/proc/1/cgroup"),
        );
        assert!(own.contains("/main") && own == first, "{own} {first}");
        assert_ne!(own, cgroup("other", "/proc/self/cgroup"));

        for (command, code, complaint) in [
            ("/no/such/program", 127, "no such file or directory"),
            ("no-such-program", 127, "executable file not found in $PATH"),
            ("/etc/hostname", 126, "permission denied"),
        ] {
            let refused = client.run(&machine, &["box", "-c", "main", "--", command]);
            assert_eq!(
                refused.status.code(),
                Some(code),
                "{client:?}: {}",
                text(&refused)
            );
            assert!(
                err(&refused).contains(complaint),
                "{client:?}: {}",
                text(&refused)
            );
        }
    }
}

#[test]
fn what_cannot_be_entered_is_refused_with_the_reason() {
    let machine = Machine::new();
    let _up = machine.up(&[]);
    machine.apply(POD);
    let waiting = POD.replace("box", "waiting");
    machine.apply(&waiting.replace("sleep, '1000'", "/no/such/program"));
    machine.ready_pods("app=box", 1);
    until("the other pod waits", || {
        let path = "/status/containerStatuses/0/state/waiting";
        machine.field("pods", "waiting", path).ok_or(())
    });
    for client in clients() {
        for (args, reason) in [
            (
                ["nobody", "-c", "main", "--", "true"],
                "pods \"nobody\" not found",
            ),
            (["box", "-c", "none", "--", "true"], "none"),
            (["waiting", "-c", "main", "--", "true"], "not running"),
        ] {
            let refused = client.run(&machine, &args);
            let said = text(&refused);
            assert_eq!(refused.status.code(), Some(1), "{client:?}: {said}");
            assert!(
                err(&refused).contains(reason),
                "{client:?} {args:?}: {said}"
            );
        }
    }
    // kubectl chooses a container by itself; without it the server asks for one.
    let several = Client::Tidegate.run(&machine, &["box", "--", "true"]);
    let reason = "a container name must be specified for pod box";
    assert!(err(&several).contains(reason), "{}", text(&several));

    let server = machine.sh("sed -n 's/.*server: //p' $KUBECONFIG");
    let server = server.trim();
    let url = format!(
        "{server}/api/v1/namespaces/default/pods/box/exec?command=true&stdout=1&container=main"
    );
    let anonymous = machine.sh(&format!(
        "curl -sk -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' \
         -H 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==' -H 'Sec-WebSocket-Protocol: v5.channel.k8s.io' '{url}'"
    ));
    assert!(
        anonymous.contains("\"reason\":\"Unauthorized\""),
        "{anonymous}"
    );
    if has_kubectl() {
        let spdy = machine
            .command("kubectl")
            .args(["exec", "box", "-c", "main", "--", "true"])
            .env("KUBECTL_REMOTE_COMMAND_WEBSOCKETS", "false")
            .env("HOME", machine.folder())
            .output()
            .expect("runs");
        assert!(
            err(&spdy).contains("kubectl 1.31 or newer"),
            "{}",
            text(&spdy)
        );
    }
}
