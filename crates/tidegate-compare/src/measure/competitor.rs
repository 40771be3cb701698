//! Who takes part: a site, and what serves on it.

use std::net::SocketAddr;

use crate::haproxy::Haproxy;
use crate::modes::Mode;
use crate::process::{self, Running};
use crate::progress::tell;
use crate::results::{DIRECT, HAPROXY, Peer, TRACKED, Traffic};
use crate::services::{Size, pod};
use crate::site::Site;

/// A competitor with its site.
pub(super) struct Competitor {
    pub(super) site: Site,
    /// What was found so far.
    pub(super) peer: Peer,
    /// Where clients call, first and, if it is another place, last.
    pub(super) places: Vec<SocketAddr>,
    pub(super) server: Server,
}

/// What serves, until the competitor is dropped.
pub(super) enum Server {
    /// The pods alone.
    Pods,
    Haproxy(Haproxy),
    Mode(Running),
}

impl Competitor {
    /// Connections to a pod, over a node that does nothing but route.
    pub(super) fn direct(threads: usize) -> anyhow::Result<Self> {
        let size = Size {
            services: 1,
            endpoints: 1,
        };
        Ok(Self {
            site: Site::new(size, threads)?,
            peer: peer(DIRECT, None),
            places: vec![pod(0)],
            server: Server::Pods,
        })
    }

    /// Connections to a pod, over a node that tracks connections: the floor of all modes that
    /// translate addresses in the kernel.
    pub(super) fn tracked(threads: usize) -> anyhow::Result<Self> {
        let competitor = Self::direct(threads)?;
        let table = "table ip tracking { chain forward { type filter hook forward priority 0; ct state invalid counter; }; }";
        let rules = format!("{table}\n");
        competitor
            .site
            .node
            .with(move || crate::plain_tools::feed("nft", &["-f", "-"], &rules))?;
        Ok(Self {
            peer: peer(TRACKED, None),
            ..competitor
        })
    }

    /// HAProxy with a listener for each Service.
    pub(super) fn haproxy(size: Size, threads: usize) -> anyhow::Result<Self> {
        let site = Site::new(size, threads)?;
        let haproxy = Haproxy::start(&site, size, threads)?;
        told(HAPROXY, size, haproxy.program_seconds);
        Ok(Self {
            peer: Peer {
                start_seconds: Some(haproxy.program_seconds),
                change_seconds: haproxy.change_seconds.clone(),
                memory: Some([haproxy.memory; 2]),
                ..peer(HAPROXY, Some(size))
            },
            places: places(size),
            site,
            server: Server::Haproxy(haproxy),
        })
    }

    /// A proxy mode in a process of its own.
    pub(super) fn mode(mode: Mode, size: Size, threads: usize) -> anyhow::Result<Self> {
        let site = Site::new(size, threads)?;
        let (running, programming) = Running::start_mode(&site.node, mode, size)?;
        told(mode.name(), size, programming.program_seconds);
        Ok(Self {
            peer: Peer {
                memory: Some([programming.memory; 2]),
                programming: Some(programming),
                ..peer(mode.name(), Some(size))
            },
            places: places(size),
            site,
            server: Server::Mode(running),
        })
    }

    /// The process that serves, if there is one besides the pods.
    pub(super) fn process(&self) -> Option<u32> {
        match &self.server {
            Server::Pods => None,
            Server::Haproxy(haproxy) => Some(haproxy.running.id()),
            Server::Mode(running) => Some(running.id()),
        }
    }

    /// What was found about a place.
    pub(super) fn traffic(&mut self, place: usize) -> &mut Traffic {
        match place {
            0 => &mut self.peer.first,
            _ => self.peer.last.get_or_insert_default(),
        }
    }

    /// Takes a last look at the process, and ends it.
    pub(super) fn finish(mut self) -> anyhow::Result<Peer> {
        if let (Some(process), Some([_, after])) = (self.process(), &mut self.peer.memory) {
            *after = process::memory(process)?;
        }
        Ok(self.peer)
    }
}

fn places(size: Size) -> Vec<SocketAddr> {
    let mut places = vec![Size::frontend(0), Size::frontend(size.last())];
    places.dedup();
    places
}

fn peer(name: &str, size: Option<Size>) -> Peer {
    Peer {
        name: name.to_owned(),
        services: size.map(|size| size.services),
        programming: None,
        start_seconds: None,
        change_seconds: Vec::new(),
        memory: None,
        first: Traffic::default(),
        last: None,
    }
}

fn told(name: &str, size: Size, seconds: f64) {
    let services = size.services;
    tell(&format!(
        "{name}: {services} Services programmed in {seconds:.3} s"
    ));
}
