//! A machine to test on: a network namespace, a data directory, and `tidegate up` in it.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

use crate::wait::until;

pub(crate) const TIDEGATE: &str = env!("CARGO_BIN_EXE_tidegate");

/// A network namespace with an address and a default route, and a directory for data.
///
/// The namespace lives as long as its holder, which ends when this process ends, however.
pub(crate) struct Machine {
    holder: Child,
    folder: TempDir,
}

/// A running `tidegate up`.
pub(crate) struct Up {
    process: Child,
    log: PathBuf,
}

impl Machine {
    pub(crate) fn new() -> Self {
        // The dummy-like veth pair gives the machine an address of its own and a default route.
        let script = "ip link set lo up && ip link add eth0 type veth peer name eth0-peer \
            && ip addr add 192.0.2.10/24 dev eth0 && ip addr add 2001:db8::10/64 dev eth0 nodad \
            && ip link set eth0 up && ip link set eth0-peer up \
            && ip route add default via 192.0.2.1 && echo up && read -r _";
        let mut holder = Command::new("unshare")
            .args(["--net", "--", "sh", "-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare runs");
        let mut line = String::new();
        let out = holder.stdout.take().expect("is piped");
        BufReader::new(out).read_line(&mut line).expect("reads");
        assert_eq!(line.trim(), "up", "the namespace could not be set up");
        let folder = tempfile::Builder::new()
            .prefix("tidegate-test-")
            .tempdir()
            .expect("a folder");
        Self { holder, folder }
    }

    /// A command that runs on this machine and ends when the test does.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "TERM", "nsenter"])
            .arg(format!("--net={}", self.namespace()));
        command.arg("--").arg(program);
        command
            .env("KUBECONFIG", self.kubeconfig())
            .env_remove("RUST_LOG");
        command
    }

    /// A `tidegate` command with this machine's data directory where the command knows one.
    pub(crate) fn tidegate(&self, args: &[&str]) -> Output {
        let mut command = self.command(TIDEGATE);
        command.args(args);
        if matches!(
            args.first(),
            Some(&("up" | "cleanup" | "apply" | "get" | "delete" | "logs" | "demo"))
        ) {
            command.arg("--data-dir").arg(self.data_dir());
        }
        command.env_remove("KUBECONFIG").output().expect("runs")
    }

    /// Starts `tidegate up` and waits until it says that it is ready.
    pub(crate) fn up(&self, flags: &[&str]) -> Up {
        let mut up = self.begin_up(flags);
        let log = up.log.clone();
        until("tidegate up is ready", || {
            let text = fs::read_to_string(&log).expect("the log is there");
            if let Some(status) = up.process.try_wait().expect("is our child") {
                panic!("tidegate up ended with {status}:\n{text}");
            }
            if text.contains("ready in") {
                Ok(())
            } else {
                Err(text)
            }
        });
        up
    }

    /// Starts `tidegate up` and waits for nothing. Unless the flags say otherwise, the machine has
    /// no resolver: whatever the host's file names can't be reached from here.
    fn begin_up(&self, flags: &[&str]) -> Up {
        let log = self.folder.path().join("up.log");
        let file = fs::File::create(&log).expect("creates");
        let mut command = self.command(TIDEGATE);
        command
            .args(["up", "-v", "--node-name", "machine", "--data-dir"])
            .arg(self.data_dir());
        if !flags.contains(&"--resolv-conf") {
            command.args(["--resolv-conf", &self.file("no-resolver.conf", "")]);
        }
        let process = command
            .args(flags)
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("clones"))
            .stderr(file)
            .spawn()
            .expect("runs");
        Up { process, log }
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.data_dir().join("admin.kubeconfig")
    }

    /// Writes a file for a command to read.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, text).expect("writes");
        path.to_str().expect("is text").to_owned()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The process that holds the namespace.
    pub(crate) fn holder_pid(&self) -> u32 {
        self.holder.id()
    }

    /// The namespace's handle.
    pub(crate) fn namespace(&self) -> String {
        format!("/proc/{}/ns/net", self.holder.id())
    }

    /// Runs work in a thread that has entered this machine's namespace; sockets that it makes stay
    /// in that namespace.
    pub(crate) fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let namespace = fs::File::open(self.namespace()).expect("opens");
        std::thread::scope(|scope| {
            let thread = scope.spawn(move || {
                nix::sched::setns(namespace, nix::sched::CloneFlags::CLONE_NEWNET).expect("enters");
                work()
            });
            thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Runs a shell line on this machine and gives what it printed; it must succeed.
    pub(crate) fn sh(&self, line: &str) -> String {
        let output = self
            .command("sh")
            .args(["-c", line])
            .output()
            .expect("runs");
        assert!(output.status.success(), "{line}: {}", text(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs kubectl and gives what it printed; it must succeed.
    pub(crate) fn kubectl(&self, args: &[&str]) -> String {
        let output = self.try_kubectl(args);
        assert!(
            output.status.success(),
            "kubectl {args:?}: {}",
            text(&output)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub(crate) fn try_kubectl(&self, args: &[&str]) -> Output {
        // A home of its own keeps kubectl's discovery cache from being shared between tests.
        let home = self.folder.path();
        self.command("kubectl")
            .args(args)
            .env("HOME", home)
            .stdin(Stdio::null())
            .output()
            .expect("runs")
    }

    /// One HTTP call from the machine itself: what answered, or curl's complaint.
    pub(crate) fn call(&self, url: &str) -> Result<String, String> {
        let output = self
            .command("curl")
            .args(["-sS", "--noproxy", "*", "--max-time", "5", url])
            .output()
            .expect("runs");
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
            false => Err(text(&output)),
        }
    }

    /// What a pod's container has printed so far.
    pub(crate) fn log(&self, pod: &str, container: &str) -> String {
        let output = self.tidegate(&["logs", pod, "-c", container]);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Applies manifests with the binary's own client.
    pub(crate) fn apply(&self, manifests: &str) {
        let file = self.file("manifests.yaml", manifests);
        let output = self.tidegate(&["apply", "-f", &file]);
        assert!(output.status.success(), "{}", text(&output));
    }

    /// A field of an object, by `kubectl`-like path through its JSON.
    pub(crate) fn field(&self, kind: &str, name: &str, pointer: &str) -> Option<serde_json::Value> {
        let output = self.tidegate(&["get", kind, name, "-o", "json"]);
        let object: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
        object.pointer(pointer).cloned()
    }

    /// The cluster IP of a Service in the default namespace.
    pub(crate) fn cluster_ip(&self, service: &str) -> String {
        let ip = self
            .field("services", service, "/spec/clusterIP")
            .expect("the Service is there");
        ip.as_str().expect("is text").to_owned()
    }

    /// Waits until so many pods with a label are ready, and gives their names and addresses.
    pub(crate) fn ready_pods(&self, label: &str, count: usize) -> Vec<(String, String)> {
        until(&format!("{count} pods with {label} are ready"), || {
            let output = self.tidegate(&["get", "pods", "-l", label, "-o", "json"]);
            let list: serde_json::Value =
                serde_json::from_slice(&output.stdout).unwrap_or_default();
            let items = list["items"].as_array().cloned().unwrap_or_default();
            let ready = items.iter().filter(|pod| is_ready(pod));
            let pods: Vec<_> = ready
                .map(|pod| {
                    (
                        string(&pod["metadata"]["name"]),
                        string(&pod["status"]["podIP"]),
                    )
                })
                .collect();
            if pods.len() == count && items.len() == count {
                Ok(pods)
            } else {
                Err(list)
            }
        })
    }
}

fn is_ready(pod: &serde_json::Value) -> bool {
    let conditions = pod["status"]["conditions"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    pod["metadata"]["deletionTimestamp"].is_null()
        && conditions
            .iter()
            .any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

fn string(value: &serde_json::Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

impl Up {
    /// The process's number.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Interrupts it as Ctrl-C does, and gives its exit code and everything it said.
    pub(crate) fn interrupt(mut self) -> (Option<i32>, String) {
        self.signal("INT");
        let status = self.process.wait().expect("ends");
        (status.code(), self.said())
    }

    /// Ends it without a chance to clean up.
    pub(crate) fn kill(mut self) {
        self.signal("KILL");
        self.process.wait().expect("ends");
    }

    pub(crate) fn said(&self) -> String {
        let mut text = String::new();
        fs::File::open(&self.log)
            .and_then(|mut file| file.read_to_string(&mut text))
            .expect("reads");
        text
    }

    /// Sends it a signal by its short name.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args(["-s", name, &self.pid().to_string()])
            .status()
            .expect("runs");
        assert!(status.success(), "kill -s {name}");
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        if matches!(self.process.try_wait(), Ok(None)) {
            // A test that fails half-way leaves a running process; a clean end removes its traces.
            self.signal("TERM");
            let _ended = self.process.wait();
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Cleans up after tests that killed their process.
        let cleaned = self.tidegate(&["cleanup"]);
        if !cleaned.status.success() && !std::thread::panicking() {
            panic!("cleanup failed: {}", text(&cleaned));
        }
        drop(self.holder.stdin.take());
        let _ended = self.holder.wait();
    }
}

/// Everything that a command printed, for messages.
pub(crate) fn text(output: &Output) -> String {
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    format!("{}\n{out}{err}", output.status)
}
