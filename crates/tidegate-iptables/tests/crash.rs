//! A proxy that is killed in the middle of its work: nobody's calls suffer, and the next start
//! finds out what is missing.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tidegate_dataplane::Dataplane;
use tidegate_iptables::Variant;
use tidegate_plan::Delta;
use tidegate_testnet::{Answer, Cluster, Protocol, World, ask};

mod support;

use support::open;

/// Set for the process that is to be killed, to the variant that it uses.
const VICTIM: &str = "TIDEGATE_TEST_VICTIM";
/// How many Services come and go around the one that is called all the time.
const SERVICES: u8 = 200;
/// How often the proxy is killed.
const KILLS: u64 = 12;

/// A plan with one Service that is always there and many that differ from step to step.
fn cluster(step: usize) -> Cluster {
    let mut cluster = Cluster::new();
    cluster.set(Cluster::service("steady", 1));
    cluster.set_pods("steady", &[0]);
    for number in 2..SERVICES {
        let name = format!("service-{number}");
        let index = usize::from(number);
        if (index + step).is_multiple_of(5) {
            continue;
        }
        cluster.set(Cluster::with_node_ports(
            Cluster::service(&name, number),
            30_000 + 2 * u16::from(number),
        ));
        let pods: Vec<usize> = (0..(index + step) % 4).map(|pod| pod + step % 3).collect();
        cluster.set_pods(&name, &pods);
    }
    cluster
}

/// The process that is killed: programs one plan after another, as a whole or by changes, until it
/// dies.
#[test]
fn victim() {
    let variant = match std::env::var(VICTIM).as_deref() {
        Ok("legacy") => Variant::Legacy,
        Ok(_) => Variant::Nft,
        Err(_) => return,
    };
    let plans: Vec<_> = (0..4).map(|step| cluster(step).plan().clone()).collect();
    let mut mode = open(variant);
    mode.reconcile(&plans[0]).expect("it can be programmed");
    for (step, plan) in plans.iter().enumerate().cycle() {
        if step == 0 {
            mode.reconcile(plan).expect("it can be programmed");
        } else {
            let delta = Delta::between(&plans[step - 1], plan);
            mode.apply(&delta).expect("it can be programmed");
        }
    }
}

#[test]
fn killed_at_any_point_legacy_disturbs_nobody_and_the_next_start_repairs() {
    killed_at_any_point("legacy", Variant::Legacy);
}

#[test]
fn killed_at_any_point_nft_disturbs_nobody_and_the_next_start_repairs() {
    killed_at_any_point("nft", Variant::Nft);
}

fn killed_at_any_point(name: &'static str, variant: Variant) {
    let world = World::new(1);
    let steady = cluster(0);
    let plan = steady.plan().clone();
    world.node.with(move || {
        let mut mode = open(variant);
        mode.reconcile(&plan).expect("it can be programmed");
    });
    let done = Arc::new(AtomicBool::new(false));
    let is_done = Arc::clone(&done);
    let client = world.client.start(move || {
        let mut calls = 0;
        while !is_done.load(Ordering::Relaxed) {
            let to = "10.96.0.1:80".parse().expect("an address");
            let answer = ask(Protocol::Tcp, to);
            assert!(
                matches!(answer, Answer::From(..)),
                "{answer:?} after {calls} calls"
            );
            calls += 1;
        }
        calls
    });
    for kill in 0..KILLS {
        world.node.with(move || {
            let mut victim = Command::new(std::env::current_exe().expect("this test"))
                .args(["victim", "--exact"])
                .env(VICTIM, name)
                .stdout(Stdio::null())
                .spawn()
                .expect("the victim starts");
            std::thread::sleep(Duration::from_millis(50 + 53 * kill));
            victim.kill().expect("the victim lives until now");
            victim.wait().expect("the victim dies");
        });
    }
    done.store(true, Ordering::Relaxed);
    let calls = client.recv().expect("the client's calls are all answered");
    assert!(calls > 0);
    let plan = steady.plan().clone();
    world.node.with(move || {
        // What the victim had started may still be at work, and has the lock until it is done.
        let mut mode = open(variant);
        let mut outcome = mode.reconcile(&plan).expect("it can be programmed");
        for _ in 0..5 {
            assert!(outcome.refused.is_empty(), "{:?}", outcome.refused);
            if outcome.drift.is_empty() {
                break;
            }
            outcome = mode.reconcile(&plan).expect("it can be programmed");
        }
        assert_eq!((outcome.changed, outcome.drift), (0, vec![]));
    });
}
