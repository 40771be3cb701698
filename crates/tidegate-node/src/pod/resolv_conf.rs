//! A pod's `/etc/resolv.conf`, by its DNS policy.

use std::net::IpAddr;

use k8s_openapi::api::core::v1::{PodDNSConfig, PodSpec};

/// What the C library reads at most (resolv.conf(5)) and what the API allows.
const MOST_NAME_SERVERS: usize = 3;
const MOST_SEARCHES: usize = 32;
const LONGEST_SEARCH: usize = 2048;

/// The content of a resolver configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ResolvConf {
    pub(crate) name_servers: Vec<String>,
    pub(crate) searches: Vec<String>,
    pub(crate) options: Vec<String>,
}

/// What a pod's configuration is made from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DnsContext<'a> {
    pub(crate) cluster_dns: &'a [IpAddr],
    pub(crate) cluster_domain: &'a str,
    pub(crate) host: &'a ResolvConf,
}

impl ResolvConf {
    /// Reads the host's file; lines that it does not know are left out.
    pub(crate) fn parse(text: &str) -> Self {
        let mut parsed = Self::default();
        for line in text.lines() {
            let mut words = line.split_whitespace();
            let keyword = words.next().unwrap_or_default();
            let words = words.map(str::to_owned);
            match keyword {
                "nameserver" => parsed.name_servers.extend(words.take(1)),
                // The last of these lines counts. A domain with and without its last dot is one.
                "search" => parsed.searches = words.map(without_last_dot).collect(),
                "domain" => parsed.searches = words.take(1).map(without_last_dot).collect(),
                "options" => words.for_each(|option| parsed.set_option(option)),
                _ => {}
            }
        }
        parsed
    }

    /// The configuration for a pod and, where something had to be left out, why.
    pub(crate) fn for_pod(
        spec: &PodSpec,
        namespace: &str,
        context: DnsContext<'_>,
    ) -> (Self, Vec<String>) {
        let mut conf = match effective_policy(spec) {
            Policy::Cluster => Self::of_cluster(namespace, context),
            Policy::Host => context.host.clone(),
            Policy::Nothing => Self::default(),
        };
        if let Some(config) = &spec.dns_config {
            conf.extend(config);
        }
        let dropped = conf.limit();
        (conf, dropped)
    }

    /// Short names go through the search list before they are asked as they are: five dots let even
    /// `_port._tcp.service.namespace.svc` do so.
    fn of_cluster(namespace: &str, context: DnsContext<'_>) -> Self {
        let zone = context.cluster_domain;
        let mut searches = vec![
            format!("{namespace}.svc.{zone}"),
            format!("svc.{zone}"),
            zone.to_owned(),
        ];
        searches.extend(context.host.searches.iter().cloned());
        Self {
            name_servers: context
                .cluster_dns
                .iter()
                .map(ToString::to_string)
                .collect(),
            searches: without_duplicates(searches),
            options: vec!["ndots:5".to_owned()],
        }
    }

    fn extend(&mut self, config: &PodDNSConfig) {
        self.name_servers
            .extend(config.nameservers.iter().flatten().cloned());
        self.name_servers = without_duplicates(std::mem::take(&mut self.name_servers));
        self.searches
            .extend(config.searches.iter().flatten().cloned());
        self.searches = without_duplicates(std::mem::take(&mut self.searches));
        for option in config.options.iter().flatten() {
            let Some(name) = option.name.as_deref().filter(|name| !name.is_empty()) else {
                continue;
            };
            self.set_option(match option.value.as_deref() {
                Some(value) if !value.is_empty() => format!("{name}:{value}"),
                _ => name.to_owned(),
            });
        }
    }

    /// Of two options with the same name the later one counts.
    fn set_option(&mut self, option: String) {
        let name = |option: &str| option.split(':').next().map(str::to_owned);
        let new = name(&option);
        self.options.retain(|existing| name(existing) != new);
        self.options.push(option);
    }

    fn limit(&mut self) -> Vec<String> {
        let mut dropped = Vec::new();
        if self.name_servers.len() > MOST_NAME_SERVERS {
            self.name_servers.truncate(MOST_NAME_SERVERS);
            dropped.push(format!(
                "Nameserver limits were exceeded, some nameservers have been omitted, \
                 the applied nameserver line is: {}",
                self.name_servers.join(" ")
            ));
        }
        let before = self.searches.len();
        self.searches.truncate(MOST_SEARCHES);
        while self.searches.join(" ").len() > LONGEST_SEARCH {
            self.searches.pop();
        }
        if self.searches.len() < before {
            dropped.push(format!(
                "Search Line limits were exceeded, some search paths have been omitted, \
                 the applied search line is: {}",
                self.searches.join(" ")
            ));
        }
        dropped
    }

    /// The file's text.
    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        if !self.searches.is_empty() {
            text.push_str(&format!("search {}\n", self.searches.join(" ")));
        }
        for server in &self.name_servers {
            text.push_str(&format!("nameserver {server}\n"));
        }
        if !self.options.is_empty() {
            text.push_str(&format!("options {}\n", self.options.join(" ")));
        }
        text
    }
}

enum Policy {
    Cluster,
    Host,
    Nothing,
}

/// A pod on the host's network uses the host's resolvers unless it says otherwise.
fn effective_policy(spec: &PodSpec) -> Policy {
    match spec.dns_policy.as_deref() {
        Some("Default") => Policy::Host,
        Some("None") => Policy::Nothing,
        Some("ClusterFirstWithHostNet") => Policy::Cluster,
        _ if spec.host_network == Some(true) => Policy::Host,
        _ => Policy::Cluster,
    }
}

/// The root domain alone keeps its dot, which is all that it has.
fn without_last_dot(domain: String) -> String {
    match domain.strip_suffix('.') {
        Some(rest) if !rest.is_empty() => rest.to_owned(),
        _ => domain,
    }
}

fn without_duplicates(entries: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    entries
        .into_iter()
        .filter(|entry| seen.insert(entry.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "# a comment\nnameserver 192.0.2.1\ndomain old.example\n\
                        search corp.example svc.cluster.local\noptions rotate ndots:2\n";

    fn render(spec: serde_json::Value) -> (String, Vec<String>) {
        let mut spec = spec;
        spec["containers"] = serde_json::json!([]);
        let spec: PodSpec = serde_json::from_value(spec).expect("a pod spec");
        let host = ResolvConf::parse(HOST);
        let context = DnsContext {
            cluster_dns: &[IpAddr::from([10, 96, 0, 10])],
            cluster_domain: "cluster.local",
            host: &host,
        };
        let (conf, dropped) = ResolvConf::for_pod(&spec, "shop", context);
        (conf.render(), dropped)
    }

    const CLUSTER: &str = "search shop.svc.cluster.local svc.cluster.local cluster.local corp.example\n\
                           nameserver 10.96.0.10\noptions ndots:5\n";
    const OF_HOST: &str = "search corp.example svc.cluster.local\nnameserver 192.0.2.1\n\
                           options rotate ndots:2\n";

    #[test]
    fn policies() {
        use serde_json::json;
        for (spec, expected) in [
            (json!({}), CLUSTER),
            (json!({"dnsPolicy": "ClusterFirst"}), CLUSTER),
            (
                json!({"dnsPolicy": "ClusterFirst", "hostNetwork": true}),
                OF_HOST,
            ),
            (
                json!({"dnsPolicy": "ClusterFirstWithHostNet", "hostNetwork": true}),
                CLUSTER,
            ),
            (json!({"dnsPolicy": "Default"}), OF_HOST),
            (json!({"dnsPolicy": "None"}), ""),
        ] {
            assert_eq!(render(spec.clone()).0, expected, "{spec}");
        }
    }

    #[test]
    fn the_pod_s_own_configuration_is_added_and_its_options_win() {
        let (text, dropped) = render(serde_json::json!({"dnsConfig": {
            "nameservers": ["192.0.2.9", "10.96.0.10"],
            "searches": ["cluster.local", "own.example"],
            "options": [{"name": "ndots", "value": "1"}, {"name": "edns0"}],
        }}));
        assert_eq!(
            text,
            "search shop.svc.cluster.local svc.cluster.local cluster.local corp.example own.example\n\
             nameserver 10.96.0.10\nnameserver 192.0.2.9\noptions ndots:1 edns0\n"
        );
        assert!(dropped.is_empty());
    }

    #[test]
    fn the_hosts_file_is_read_as_the_c_library_reads_it() {
        for (text, expected) in [
            ("", ""),
            ("; none\nsearch\nnameserver\nfoo bar\n", ""),
            ("search a.example. .\n", "search a.example .\n"),
            ("search a.example\nsearch b.example\n", "search b.example\n"),
            (
                "search a.example\ndomain b.example c\n",
                "search b.example\n",
            ),
            (
                "options ndots:1 rotate\noptions ndots:3 edns0\n",
                "options rotate ndots:3 edns0\n",
            ),
            (
                "\tnameserver 192.0.2.1 # the first\nnameserver fe80::1%eth0\n",
                "nameserver 192.0.2.1\nnameserver fe80::1%eth0\n",
            ),
        ] {
            assert_eq!(ResolvConf::parse(text).render(), expected, "{text:?}");
        }
    }

    #[test]
    fn what_a_pod_adds_comes_after_what_its_policy_gives() {
        use serde_json::json;
        let own = json!({
            "nameservers": ["192.0.2.9"], "searches": ["own.example"],
            "options": [{"name": "ndots", "value": "7"}, {"name": "", "value": "1"}],
        });
        for (policy, expected) in [
            (
                "ClusterFirst",
                "search shop.svc.cluster.local svc.cluster.local cluster.local corp.example \
                 own.example\nnameserver 10.96.0.10\nnameserver 192.0.2.9\noptions ndots:7\n",
            ),
            (
                "Default",
                "search corp.example svc.cluster.local own.example\nnameserver 192.0.2.1\n\
                 nameserver 192.0.2.9\noptions rotate ndots:7\n",
            ),
            (
                "None",
                "search own.example\nnameserver 192.0.2.9\noptions ndots:7\n",
            ),
        ] {
            let (text, dropped) = render(json!({"dnsPolicy": policy, "dnsConfig": own}));
            assert_eq!(text, expected, "{policy}");
            assert!(dropped.is_empty());
        }
    }

    #[test]
    fn a_limit_that_is_just_reached_is_none() {
        let searches: Vec<_> = (0..32).map(|n| format!("s{n}.example")).collect();
        // Eight domains of 255 characters and the spaces between them, and one of a single letter.
        let long: Vec<_> = (0..8)
            .map(|n| format!("{n:0>255}"))
            .chain(["x".to_owned()])
            .collect();
        for (config, dropped_searches) in [
            (
                serde_json::json!({"nameservers": ["1.1.1.1", "2.2.2.2", "3.3.3.3"], "searches": searches}),
                false,
            ),
            (serde_json::json!({"searches": &long[..8]}), false),
            (serde_json::json!({"searches": long}), true),
        ] {
            let (_, dropped) =
                render(serde_json::json!({"dnsPolicy": "None", "dnsConfig": config}));
            assert_eq!(dropped.len(), usize::from(dropped_searches), "{dropped:?}");
        }
    }

    #[test]
    fn limits_are_kept_and_said() {
        let servers: Vec<_> = (1..6).map(|n| format!("192.0.2.{n}")).collect();
        let searches: Vec<_> = (0..40).map(|n| format!("s{n}.example")).collect();
        let (text, dropped) = render(serde_json::json!({
            "dnsPolicy": "None", "dnsConfig": {"nameservers": servers, "searches": searches},
        }));
        assert_eq!(text.matches("nameserver").count(), 3);
        assert_eq!(
            text.lines().next().map(|line| line.split(' ').count()),
            Some(33)
        );
        assert_eq!(dropped.len(), 2);
        let long: Vec<_> = (0..20).map(|n| format!("{n:0>199}.example")).collect();
        let (text, _) =
            render(serde_json::json!({"dnsPolicy": "None", "dnsConfig": {"searches": long}}));
        let line = text.lines().next().unwrap_or_default();
        assert!(line.len() <= LONGEST_SEARCH + "search ".len());
    }
}
