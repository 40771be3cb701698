//! Names and addresses from a hosts file (CoreDNS's `hosts`).

use std::collections::HashMap;
use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use tidegate_dns_wire::{Code, Data, Kind, LowerName, Owner, Query, Reply, Section};
use tokio::runtime::Handle;

/// The longest hosts file that is read, in octets.
const LONGEST_FILE: u64 = 64 << 20;

/// The entries of a file and those of the configuration.
#[derive(Debug)]
pub(crate) struct Hosts {
    settings: HostsSettings,
    table: ArcSwap<Table>,
    /// The file's size and time when it was read last.
    seen: Mutex<Option<(u64, SystemTime)>>,
}

/// What the configuration says.
#[derive(Debug)]
pub(crate) struct HostsSettings {
    pub(crate) file: PathBuf,
    /// The zones that are answered.
    pub(crate) zones: Vec<LowerName>,
    pub(crate) entries: Vec<(IpAddr, Vec<LowerName>)>,
    pub(crate) ttl: u32,
    /// How often to look whether the file has changed; never with zero.
    pub(crate) look_every: Duration,
    pub(crate) has_reverse: bool,
    pub(crate) fallthrough: Vec<LowerName>,
    pub(crate) passes_other_types: bool,
}

#[derive(Debug, Default)]
struct Table {
    addresses: HashMap<LowerName, Vec<IpAddr>>,
    names: HashMap<IpAddr, Vec<LowerName>>,
}

impl Hosts {
    pub(crate) fn new(settings: HostsSettings) -> Arc<Self> {
        let hosts = Self {
            settings,
            table: ArcSwap::default(),
            seen: Mutex::new(None),
        };
        hosts.table.store(Arc::new(hosts.build("")));
        hosts.look();
        Arc::new(hosts)
    }

    /// Reads the file again if it has changed. One that isn't there has no entries.
    pub(crate) fn look(&self) {
        let file = &self.settings.file;
        let found = fs::metadata(file)
            .ok()
            .filter(|found| found.len() <= LONGEST_FILE);
        let state = found.and_then(|found| Some((found.len(), found.modified().ok()?)));
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == state {
            return;
        }
        *seen = state;
        let text = fs::read(file).unwrap_or_default();
        let table = self.build(&String::from_utf8_lossy(&text));
        tracing::debug!(file = %file.display(), names = table.addresses.len(), "read hosts");
        self.table.store(Arc::new(table));
    }

    /// Looks again and again, for as long as somebody else holds this.
    pub(crate) fn keep_looking(self: &Arc<Self>, runtime: &Handle) {
        let every = self.settings.look_every;
        if every.is_zero() {
            return;
        }
        let hosts = Arc::downgrade(self);
        runtime.spawn(async move {
            loop {
                tokio::time::sleep(every).await;
                let Some(hosts) = hosts.upgrade() else {
                    return;
                };
                // Large files take a while. A task that panics is told of by the runtime.
                let _ = tokio::task::spawn_blocking(move || hosts.look()).await;
            }
        });
    }

    /// How many entries there are: addresses of names, and names of addresses.
    pub(crate) fn entries(&self) -> usize {
        let table = self.table.load();
        let addresses: usize = table.addresses.values().map(Vec::len).sum();
        addresses + table.names.values().map(Vec::len).sum::<usize>()
    }

    /// Answers a question, or leaves it to others.
    ///
    /// A name that isn't here gets SERVFAIL if it doesn't fall through, as from CoreDNS: a file has
    /// no SOA record, without which "no such name" can't be told.
    pub(super) fn answer(&self, query: &Query<'_>, turn: usize, out: &mut Vec<u8>) -> bool {
        let settings = &self.settings;
        let table = self.table.load();
        if query.kind == Kind::PTR
            && let Some(names) = address_of(&query.name).and_then(|ip| table.names.get(&ip))
        {
            let mut reply = Reply::to(query, out);
            reply.set_authoritative();
            for name in names {
                let data = Data::Ptr(name.as_wire().into());
                reply.add(Section::Answer, Owner::Question, settings.ttl, &data);
            }
            reply.finish();
            return true;
        }
        let is_in = |zone: &LowerName| query.name.labels_before(zone).is_some();
        if query.kind == Kind::PTR || !settings.zones.iter().any(is_in) {
            return false;
        }
        let falls = settings.fallthrough.iter().any(is_in);
        let found = table.find(&query.name);
        let is_address = matches!(query.kind, Kind::A | Kind::AAAA);
        if falls && (found.is_none() || !is_address && settings.passes_other_types) {
            return false;
        }
        let mut reply = Reply::to(query, out);
        match found {
            None => reply.set_code(Code::SERVER_FAILURE),
            Some(addresses) => {
                reply.set_authoritative();
                let all = || addresses.iter().copied();
                reply.answer_addresses(query.kind, Owner::Question, settings.ttl, turn, all);
            }
        }
        reply.finish();
        true
    }

    fn build(&self, text: &str) -> Table {
        let mut table = Table::default();
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or_default();
            let mut words = line.split_whitespace();
            let address = words
                .next()
                .and_then(|word| word.split('%').next()?.parse().ok());
            if let Some(address) = address {
                let names = words.filter_map(|word| LowerName::from_text(word).ok());
                table.add(address, names, self.settings.has_reverse);
            }
        }
        for (address, names) in &self.settings.entries {
            table.add(*address, names.iter().copied(), self.settings.has_reverse);
        }
        table
    }
}

impl Table {
    fn add(&mut self, address: IpAddr, names: impl Iterator<Item = LowerName>, reverse: bool) {
        for name in names {
            let addresses = self.addresses.entry(name).or_default();
            if !addresses.contains(&address) {
                addresses.push(address);
            }
            if reverse {
                self.names.entry(address).or_default().push(name);
            }
        }
    }

    /// The addresses of a name, or of the wildcard that stands for its first label.
    fn find(&self, name: &LowerName) -> Option<&Vec<IpAddr>> {
        let own = self.addresses.get(name);
        own.or_else(|| {
            let mut wildcard = LowerName::ROOT;
            wildcard.push(b"*").ok()?;
            wildcard.append(name.from_label(1)).ok()?;
            self.addresses.get(&wildcard).filter(|_| name.count() > 0)
        })
    }
}

/// The address that a reverse name stands for.
fn address_of(name: &LowerName) -> Option<IpAddr> {
    tidegate_zone::address_of_reverse_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(file: &str) -> (tempfile::TempDir, Arc<Hosts>) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("hosts");
        fs::write(&path, file).expect("written");
        let inline = LowerName::from_text("inline.example").expect("a name");
        let hosts = Hosts::new(HostsSettings {
            file: path,
            zones: vec![LowerName::ROOT],
            entries: vec![("192.0.2.9".parse().expect("an address"), vec![inline])],
            ttl: 60,
            look_every: Duration::ZERO,
            has_reverse: true,
            fallthrough: vec![LowerName::from_text("org").expect("a name")],
            passes_other_types: false,
        });
        (folder, hosts)
    }

    fn addresses(hosts: &Hosts, name: &str) -> Option<Vec<String>> {
        let name = LowerName::from_text(name).expect("a name");
        let table = hosts.table.load();
        let found = table.find(&name)?;
        Some(found.iter().map(IpAddr::to_string).collect())
    }

    #[test]
    fn a_file_is_read_as_everybody_writes_it() {
        let (_folder, hosts) = hosts(
            "127.0.0.1 localhost # us\n\n::1\tlocalhost ip6-localhost\nfe80::1%eth0 link\nnonsense x\n192.0.2.1 *.wild.example A.Example\n192.0.2.2 a.example\n192.0.2.1 a.example",
        );
        let found = |name| addresses(&hosts, name).map(|all| all.join(" "));
        assert_eq!(found("localhost").as_deref(), Some("127.0.0.1 ::1"));
        assert_eq!(found("link").as_deref(), Some("fe80::1"));
        assert_eq!(found("a.example").as_deref(), Some("192.0.2.1 192.0.2.2"));
        assert_eq!(found("any.wild.example").as_deref(), Some("192.0.2.1"));
        assert_eq!(found("two.any.wild.example"), None);
        assert_eq!(found("inline.example").as_deref(), Some("192.0.2.9"));
        assert_eq!(found("x"), None);
    }

    #[test]
    fn a_changed_file_is_read_again_and_a_lost_one_is_empty() {
        let (folder, hosts) = hosts("192.0.2.1 a.example\n");
        let path = folder.path().join("hosts");
        fs::write(&path, "192.0.2.22 a.example b.example\n").expect("written");
        hosts.look();
        assert_eq!(
            addresses(&hosts, "b.example"),
            Some(vec!["192.0.2.22".to_owned()])
        );
        fs::remove_file(&path).expect("removed");
        hosts.look();
        assert_eq!(addresses(&hosts, "b.example"), None);
        assert!(addresses(&hosts, "inline.example").is_some());
    }
}
