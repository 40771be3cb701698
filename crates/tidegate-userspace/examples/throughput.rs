//! Compares the userspace mode with HAProxy on one machine: connections a second, requests a second
//! over connections that stay, bytes a second, and the CPU time that the forwarding took.
//!
//! `cargo run --release -p tidegate-userspace --example throughput [ROUNDS [SECONDS]]`, as root.
//! Both forward from a client's network namespace to pods in theirs, in turns.

#![allow(clippy::print_stdout, reason = "it is what the program is for")]

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tidegate_dataplane::Dataplane;
use tidegate_testnet::{Cluster, World, endpoint};
use tidegate_userspace::{UserspaceMode, UserspaceOptions};

const PODS: usize = 3;
const CLIENTS: usize = 16;
const BULK_CLIENTS: usize = 4;
const PORT: u16 = 9300;
const OURS: &str = "10.96.0.1:80";
const THEIRS: &str = "192.0.2.1:8080";

/// What a client does over and over.
#[derive(Clone, Copy)]
enum Load {
    /// A connection with one request and one answer.
    Connections,
    /// A request and an answer on a connection that stays.
    Requests,
    /// A mebibyte on a connection that stays.
    Mebibytes,
}

fn main() {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let rounds = numbers.next().and_then(Result::ok).unwrap_or(3);
    let seconds = numbers.next().and_then(Result::ok).unwrap_or(3);
    let world = World::new(PODS);
    for pod in &world.pods {
        pod.with(serve);
    }
    let mut mode = open_mode(&world);
    let haproxy = start_haproxy(&world);
    let pid = haproxy.0.id();
    let loads = [Load::Connections, Load::Requests, Load::Mebibytes];
    for load in loads
        .into_iter()
        .skip(numbers.next().and_then(Result::ok).unwrap_or(0) as usize)
    {
        let mut results: [Vec<(f64, f64)>; 2] = Default::default();
        for _ in 0..rounds {
            for (to, result) in [OURS, THEIRS].into_iter().zip(&mut results) {
                let cpu = || if to == OURS { own_cpu() } else { cpu_of(pid) };
                let before = cpu();
                let rate = run(&world, load, to, Duration::from_secs(seconds));
                let each = (cpu() - before) / (rate * seconds as f64);
                result.push((rate, each * 1e6));
            }
        }
        let name = match load {
            Load::Connections => "connections/s",
            Load::Requests => "requests/s",
            Load::Mebibytes => "MiB/s",
        };
        for (who, result) in ["tidegate", "haproxy"].iter().zip(&results) {
            let median = |pick: fn(&(f64, f64)) -> f64| {
                let mut values: Vec<f64> = result.iter().map(pick).collect();
                values.sort_by(f64::total_cmp);
                values[values.len() / 2]
            };
            let (rate, cpu) = (median(|one| one.0), median(|one| one.1));
            println!("{name:<14} {who:<9} {rate:>9.0}   {cpu:>7.1} µs CPU each");
        }
    }
    mode.remove().expect("the mode can be removed");
}

fn open_mode(world: &World) -> UserspaceMode {
    world.node.with(|| {
        let mut cluster = Cluster::new();
        cluster.set(Cluster::service("web", 1));
        let pods = (0..PODS).map(|pod| endpoint(World::pod_addresses(pod)[0], "node-a"));
        let family = tidegate_model::IpFamily::V4;
        let mut slice = Cluster::slice("web", family, pods.collect());
        for port in &mut slice.ports {
            port.port = PORT;
        }
        cluster.set_slice(slice);
        let mode = UserspaceMode::open(UserspaceOptions::default());
        let mut mode = mode.expect("the kernel has all it needs");
        let outcome = mode.reconcile(cluster.plan()).expect("it can be served");
        assert!(outcome.refused.is_empty(), "{:?}", outcome.refused);
        mode
    })
}

/// A process that ends with this value.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start_haproxy(world: &World) -> Process {
    let servers: String = (0..PODS)
        .map(|pod| format!("  server s{pod} {}:{PORT}\n", World::pod_addresses(pod)[0]))
        .collect();
    let threads = UserspaceOptions::default().threads;
    let config = format!(
        "global\n  nbthread {threads}\n  maxconn 4000\ndefaults\n  mode tcp\n  \
         timeout connect 2s\n  timeout client 1m\n  timeout server 1m\n  \
         option splice-auto\nlisten l\n  bind {THEIRS}\n  balance roundrobin\n{servers}"
    );
    world.node.with(move || {
        let child = Command::new("haproxy")
            .args(["-db", "-q", "-f", "/dev/stdin"])
            .stdin(Stdio::piped())
            .spawn();
        let mut process = Process(child.expect("haproxy is installed"));
        let mut input = process.0.stdin.take().expect("it is a pipe");
        input.write_all(config.as_bytes()).expect("haproxy reads");
        drop(input);
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(THEIRS).is_err() {
            assert!(Instant::now() < deadline, "haproxy doesn't listen");
            thread::sleep(Duration::from_millis(50));
        }
        process
    })
}

/// How often a second the clients did it.
fn run(world: &World, load: Load, to: &str, time: Duration) -> f64 {
    let to: SocketAddr = to.parse().expect("an address");
    world.client.with(move || {
        let done = Arc::new(AtomicU64::new(0));
        let is_over = Arc::new(AtomicBool::new(false));
        let count = match load {
            Load::Mebibytes => BULK_CLIENTS,
            Load::Connections | Load::Requests => CLIENTS,
        };
        let clients: Vec<_> = (0..count)
            .map(|_| {
                let (done, is_over) = (Arc::clone(&done), Arc::clone(&is_over));
                thread::spawn(move || client(load, to, &done, &is_over))
            })
            .collect();
        let start = Instant::now();
        thread::sleep(time);
        let count = done.load(Ordering::Relaxed);
        let rate = count as f64 / start.elapsed().as_secs_f64();
        is_over.store(true, Ordering::Relaxed);
        for client in clients {
            client.join().expect("the client ends");
        }
        rate
    })
}

fn client(load: Load, to: SocketAddr, done: &AtomicU64, is_over: &AtomicBool) {
    let mut buffer = vec![0; 1 << 18];
    let connect = || TcpStream::connect(to).expect("someone listens");
    let mut staying = connect();
    while !is_over.load(Ordering::Relaxed) {
        match load {
            Load::Connections => {
                let mut stream = connect();
                stream.write_all(b"c").expect("it is open");
                while stream.read(&mut buffer).expect("it is open") > 0 {}
            }
            Load::Requests => {
                staying.write_all(b"r").expect("it is open");
                staying.read_exact(&mut buffer[..64]).expect("it is open");
            }
            Load::Mebibytes => {
                staying.write_all(b"m").expect("it is open");
                let mut left = 1 << 20;
                while left > 0 {
                    let length = staying.read(&mut buffer).expect("it is open");
                    assert!(length > 0, "the answer was cut off");
                    left -= length;
                }
            }
        }
        done.fetch_add(1, Ordering::Relaxed);
    }
}

/// Answers with what a client's letter asks for.
fn serve() {
    let any: IpAddr = Ipv6Addr::UNSPECIFIED.into();
    let listener = TcpListener::bind((any, PORT)).expect("the port is free");
    for _ in 0..CLIENTS {
        let listener = listener.try_clone().expect("there are descriptors");
        thread::spawn(move || {
            let mebibyte = vec![7; 1 << 20];
            for mut stream in listener.incoming().flatten() {
                let mut letter = [0];
                while stream.read(&mut letter).is_ok_and(|length| length > 0) {
                    let (answer, is_last) = match letter[0] {
                        b'c' => (&mebibyte[..64], true),
                        b'r' => (&mebibyte[..64], false),
                        _ => (&mebibyte[..], false),
                    };
                    if stream.write_all(answer).is_err() || is_last {
                        break;
                    }
                }
            }
        });
    }
}

/// The CPU seconds of our own threads that forward.
fn own_cpu() -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").expect("/proc is there");
    let of_task = |task: std::fs::DirEntry| {
        let name = std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
        match name.starts_with("forward-") {
            true => cpu_in(&task.path().join("stat")),
            false => 0.0,
        }
    };
    tasks.flatten().map(of_task).sum()
}

fn cpu_of(pid: u32) -> f64 {
    cpu_in(format!("/proc/{pid}/stat").as_ref())
}

fn cpu_in(stat: &std::path::Path) -> f64 {
    let text = std::fs::read_to_string(stat).unwrap_or_default();
    let behind_name = text.rsplit(')').next().unwrap_or_default();
    let mut fields = behind_name.split_whitespace().skip(11);
    let mut ticks = || {
        let field = fields.next().and_then(|field| field.parse::<f64>().ok());
        field.unwrap_or_default()
    };
    (ticks() + ticks()) / 100.0
}
