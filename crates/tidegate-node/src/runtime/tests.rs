//! Real namespaces, devices and processes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::cgroup::Cgroup;
use super::container::{self, Started};
use super::exec;
use super::sandbox::{Sandbox, SandboxRequest};
use crate::internal::spec::{Bind, ContainerSpec, Exit, Privileges, Program, StartFailure};
use crate::network::{HostNetwork, Netlink, NetworkSettings};
use crate::test_support::{in_own_network, program};

/// Long enough for the slowest machine; nothing waits for it to pass.
const GENEROUS: Duration = Duration::from_secs(60);

/// A host network, a directory and a cgroup that go away with the test.
struct Host {
    network: Arc<HostNetwork>,
    directory: tempfile::TempDir,
    cgroup: Cgroup,
}

impl Host {
    async fn new(pods: &[&str], services: &[&str]) -> Self {
        let instance = format!("test{}", std::process::id());
        let ranges = |texts: &[&str]| texts.iter().map(|t| t.parse().expect("a range")).collect();
        let settings = NetworkSettings {
            instance: instance.clone(),
            bridge: "tidegate0".to_owned(),
            pod_ranges: ranges(pods),
            service_ranges: ranges(services),
        };
        let netlink = Netlink::connect().expect("netlink");
        crate::network::check(&netlink, &settings)
            .await
            .expect("free ranges");
        let network = HostNetwork::create(netlink, &settings)
            .await
            .expect("a bridge");
        Self {
            network: Arc::new(network),
            directory: tempfile::tempdir().expect("a directory"),
            cgroup: Cgroup::of_instance(&instance).expect("a cgroup2 hierarchy"),
        }
    }

    async fn sandbox(&self, name: &str) -> Sandbox {
        let request = SandboxRequest {
            uid: name.to_owned(),
            host_name: name.to_owned(),
            host_network: false,
            directory: self.directory.path().join(name),
            instance_cgroup: self.cgroup.clone(),
        };
        Sandbox::create(&self.network, request)
            .await
            .expect("a sandbox")
    }

    /// Ends the sandboxes and checks that nothing of them is left.
    async fn end(self, sandboxes: Vec<Sandbox>) {
        for sandbox in sandboxes {
            let problems = sandbox.remove().await;
            assert!(problems.is_empty(), "{problems:?}");
        }
        let pods = std::fs::read_dir(self.cgroup.path()).expect("readable");
        let left = pods
            .filter_map(Result::ok)
            .filter(|entry| entry.path().is_dir())
            .count();
        assert_eq!(left, 0, "cgroups of pods");
    }
}

/// A failed test leaves no cgroup behind either.
impl Drop for Host {
    fn drop(&mut self) {
        let cgroup = self.cgroup.clone();
        let remove = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime
                .expect("a runtime")
                .block_on(cgroup.remove(GENEROUS))
        });
        assert!(remove.join().is_ok_and(|removed| removed.is_ok()) || std::thread::panicking());
    }
}

fn spec(sandbox: &Sandbox, program: Program) -> ContainerSpec {
    let cgroup = sandbox.container_cgroup("main").expect("a cgroup");
    ContainerSpec {
        namespaces: sandbox.namespaces(),
        cgroup: cgroup.path().to_owned(),
        program,
        environment: vec![
            (
                "PATH".to_owned(),
                "/usr/sbin:/usr/bin:/sbin:/bin".to_owned(),
            ),
            ("GREETING".to_owned(), "hello".to_owned()),
        ],
        working_dir: PathBuf::from("/"),
        binds: Vec::new(),
        read_only_root: false,
        privileges: Privileges {
            user: 0,
            group: 0,
            supplementary_groups: Vec::new(),
            capabilities: vec!["CAP_NET_BIND_SERVICE".to_owned(), "CAP_CHOWN".to_owned()],
            no_new_privileges: true,
            privileged: false,
        },
    }
}

fn shell(script: &str) -> Program {
    Program::Command(["sh", "-c", script].map(str::to_owned).to_vec())
}

async fn start(spec: ContainerSpec) -> Result<Started, StartFailure> {
    container::start(&program(), spec).await
}

/// Runs to the end and returns what it wrote.
async fn output(spec: ContainerSpec) -> (String, Exit) {
    let started = start(spec).await.expect("starts");
    let mut text = String::new();
    let mut stdout = started.stdout.expect("piped");
    stdout.read_to_string(&mut text).await.expect("readable");
    let mut stderr = started.stderr.expect("piped");
    stderr.read_to_string(&mut text).await.expect("readable");
    (text, started.end.wait().await)
}

async fn http_get(address: std::net::SocketAddr) -> std::io::Result<String> {
    let mut stream = tokio::net::TcpStream::connect(address).await?;
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    Ok(text.rsplit("\r\n").next().unwrap_or_default().to_owned())
}

async fn http_get_eventually(address: std::net::SocketAddr) -> String {
    let attempts = async {
        loop {
            match http_get(address).await {
                Ok(text) => return text,
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    };
    tokio::time::timeout(GENEROUS, attempts)
        .await
        .expect("answers")
}

#[test]
fn a_pod_is_reached_at_its_addresses_and_answers_with_its_name() {
    in_own_network(|| async {
        let host = Host::new(&["10.244.0.0/24", "fd00:10:244::/64"], &["10.96.0.0/16"]).await;
        let sandbox = host.sandbox("web-1").await;
        let program = Program::BuiltIn(vec!["serve_hostname".to_owned()]);
        let started = start(spec(&sandbox, program)).await.expect("starts");
        assert_eq!(sandbox.addresses().len(), 2);
        for address in sandbox.addresses() {
            let name = http_get_eventually((*address, 9376).into()).await;
            assert_eq!(name, "web-1", "at {address}");
        }
        started
            .container
            .signal(Signal::SIGKILL)
            .expect("signalled");
        assert_eq!(started.end.wait().await, Exit::Signal(9));
        host.end(vec![sandbox]).await;
    });
}

#[test]
fn pods_reach_each_other_through_the_node() {
    in_own_network(|| async {
        crate::network::sysctl::write("ipv4/ip_forward", "1").expect("writable");
        let host = Host::new(&["10.244.0.0/24"], &[]).await;
        let (one, two) = (host.sandbox("one").await, host.sandbox("two").await);
        let server = start(spec(
            &one,
            Program::BuiltIn(vec!["serve_hostname".to_owned()]),
        ));
        let server = server.await.expect("starts");
        let address = one.addresses()[0];
        http_get_eventually((address, 9376).into()).await;
        let script = format!(
            "exec 3<>/dev/tcp/{address}/9376; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3; \
             cat /proc/net/arp"
        );
        let words = ["bash", "-c", &script].map(str::to_owned).to_vec();
        let (text, exit) = output(spec(&two, Program::Command(words))).await;
        assert_eq!(exit, Exit::Code(0), "{text}");
        assert!(text.contains("one"), "{text}");
        assert!(
            !text.contains(&format!("{address} ")),
            "the other pod is no neighbour: {text}"
        );
        server.container.signal(Signal::SIGKILL).expect("signalled");
        server.end.wait().await;
        host.end(vec![one, two]).await;
    });
}

#[test]
fn a_container_sees_its_own_processes_devices_host_name_and_files() {
    in_own_network(|| async {
        let host = Host::new(&["10.244.0.0/24"], &[]).await;
        let sandbox = host.sandbox("inside").await;
        let hosts = host.directory.path().join("hosts");
        std::fs::write(&hosts, "10.1.1.1 elsewhere\n").expect("written");
        let script = "echo pid $$; ls /proc | grep -c '^[0-9]'; uname -n; cat /etc/hosts; \
                      echo $GREETING; ls -d /dev/sd* /dev/vd* 2>&1 | grep -c '^/dev'; \
                      grep -E 'CapBnd|CapEff|NoNewPrivs' /proc/self/status; \
                      touch /proc/sys/kernel/x 2>&1; echo 1 > /proc/sys/net/ipv4/ip_forward; \
                      ls /sys/class/net | tr '\\n' ' '";
        let mut spec = spec(&sandbox, shell(script));
        spec.binds.push(Bind {
            source: hosts,
            target: PathBuf::from("/etc/hosts"),
            read_only: true,
            skip_without_target: false,
        });
        let (text, _) = output(spec).await;
        for expected in [
            "pid 1\n",
            "\ninside\n",
            "10.1.1.1 elsewhere",
            "\nhello\n",
            "CapBnd:\t0000000000000401",
            "CapEff:\t0000000000000401",
            "NoNewPrivs:\t1",
            "Read-only file system",
            "eth0 lo",
        ] {
            assert!(
                text.contains(expected),
                "{expected:?} is missing in:\n{text}"
            );
        }
        assert!(!Path::new("/proc/sys/kernel/x").exists());
        host.end(vec![sandbox]).await;
    });
}

#[test]
fn a_user_without_rights_runs_as_itself() {
    in_own_network(|| async {
        let host = Host::new(&["10.244.0.0/24"], &[]).await;
        let sandbox = host.sandbox("nobody").await;
        let mut spec = spec(
            &sandbox,
            shell("id -u; id -g; id -G; grep CapEff /proc/self/status"),
        );
        spec.privileges.user = 65534;
        spec.privileges.group = 65533;
        spec.privileges.supplementary_groups = vec![2000];
        let (text, exit) = output(spec).await;
        assert_eq!(exit, Exit::Code(0), "{text}");
        assert_eq!(
            text,
            "65534\n65533\n65533 2000\nCapEff:\t0000000000000000\n"
        );
        host.end(vec![sandbox]).await;
    });
}

#[test]
fn a_read_only_root_cannot_be_written() {
    in_own_network(|| async {
        let host = Host::new(&["10.244.0.0/24"], &[]).await;
        let sandbox = host.sandbox("frozen").await;
        let mut spec = spec(
            &sandbox,
            shell("touch /tidegate-test-file; echo > /dev/null && echo fine"),
        );
        spec.read_only_root = true;
        let (text, _) = output(spec).await;
        assert!(text.contains("Read-only file system"), "{text}");
        assert!(text.contains("fine"), "{text}");
        host.end(vec![sandbox]).await;
    });
}

#[test]
fn a_container_that_ends_at_once_has_run_nevertheless() {
    in_own_network(|| async {
        let host = Host::new(&["10.244.0.0/24"], &[]).await;
        let sandbox = host.sandbox("short").await;
        for _ in 0..30 {
            let command = Program::Command(vec!["true".to_owned()]);
            let started = start(spec(&sandbox, command)).await.expect("starts");
            assert_eq!(started.end.wait().await, Exit::Code(0));
        }
        host.end(vec![sandbox]).await;
    });
}

#[test]
fn a_missing_command_is_named() {
    in_own_network(|| async {
        let host = Host::new(&["10.244.0.0/24"], &[]).await;
        let sandbox = host.sandbox("typo").await;
        let command = Program::Command(vec!["no-such-program".to_owned()]);
        let failure = start(spec(&sandbox, command)).await.err().expect("fails");
        assert!(failure.in_exec);
        assert_eq!(
            failure.message,
            "exec: \"no-such-program\": executable file not found in $PATH"
        );
        let mut spec = spec(&sandbox, shell("true"));
        spec.working_dir = PathBuf::from("/no/such/place");
        let failure = start(spec).await.err().expect("fails");
        assert!(!failure.in_exec);
        assert!(
            failure.message.contains("workingDir /no/such/place"),
            "{}",
            failure.message
        );
        host.end(vec![sandbox]).await;
    });
}

#[test]
fn commands_run_inside_a_container_and_are_killed_when_they_take_too_long() {
    in_own_network(|| async {
        let host = Host::new(&["10.244.0.0/24"], &[]).await;
        let sandbox = host.sandbox("exec").await;
        let started = start(spec(&sandbox, shell("sleep 1000")))
            .await
            .expect("starts");
        let words = |text: &str| ["sh", "-c", text].map(str::to_owned).to_vec();
        let run = |command, deadline| {
            let container = Arc::clone(&started.container);
            async move { exec::run(&program(), &container, command, deadline).await }
        };
        let output = run(
            words("echo $GREETING from $(uname -n); ls /proc/1/exe; exit 3"),
            GENEROUS,
        );
        let output = output.await.expect("runs");
        assert_eq!(output.exit, Exit::Code(3));
        assert!(
            output.text.starts_with("hello from exec\n"),
            "{}",
            output.text
        );
        let error = run(words("sleep 2000"), Duration::from_millis(100))
            .await
            .expect_err("too long");
        assert!(error.to_string().contains("timed out"), "{error}");
        let left = run(words("cat /proc/*/cmdline | tr '\\0' ' '"), GENEROUS)
            .await
            .expect("runs");
        assert!(!left.text.contains("sleep 2000"), "{}", left.text);
        let error = run(vec!["no-such-program".to_owned()], GENEROUS)
            .await
            .expect_err("fails");
        assert!(error.to_string().contains("no-such-program"), "{error}");
        started
            .container
            .signal(Signal::SIGKILL)
            .expect("signalled");
        started.end.wait().await;
        host.end(vec![sandbox]).await;
    });
}

#[test]
fn a_container_dies_with_everything_it_forked() {
    in_own_network(|| async {
        let host = Host::new(&["10.244.0.0/24"], &[]).await;
        let sandbox = host.sandbox("family").await;
        let script =
            "(setsid sleep 1000 &) ; trap 'exit 7' TERM; echo up; while :; do sleep 0.01; done";
        let mut started = start(spec(&sandbox, shell(script))).await.expect("starts");
        let mut stdout = started.stdout.take().expect("piped");
        let mut line = [0; 3];
        stdout.read_exact(&mut line).await.expect("comes up");
        started
            .container
            .signal(Signal::SIGTERM)
            .expect("signalled");
        assert_eq!(started.end.wait().await, Exit::Code(7));
        // The pipe ends when the last process that holds it is gone.
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(GENEROUS, stdout.read_to_end(&mut rest)).await;
        ended
            .expect("the forked process is gone")
            .expect("readable");
        host.end(vec![sandbox]).await;
    });
}

#[test]
fn closing_the_socket_ends_the_container() {
    in_own_network(|| async {
        let host = Host::new(&["10.244.0.0/24"], &[]).await;
        let sandbox = host.sandbox("orphan").await;
        let started = start(spec(&sandbox, shell("sleep 1000")))
            .await
            .expect("starts");
        let mut stdout = started.stdout.expect("piped");
        // What the kernel does to the node's sockets when the node is killed.
        drop(started.end);
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(GENEROUS, stdout.read_to_end(&mut rest)).await;
        ended.expect("the container is gone").expect("readable");
        host.end(vec![sandbox]).await;
    });
}
