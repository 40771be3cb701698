//! Checks of everything, and the zones that are not set.

use super::{DnsConfig, ServerBlock};
use crate::check::{MOST_ZONES, Report, join};
use crate::pattern;
use crate::zone_name::ZoneName;

impl DnsConfig {
    /// Checks how much there is, so that nothing that follows takes long.
    pub(crate) fn check_amounts(&self, report: Report<'_>) {
        let zones = self.servers.iter().map(ServerBlock::count_zones);
        if zones.fold(0, usize::saturating_add) > MOST_ZONES {
            let text = format!("they have more than {MOST_ZONES} zones; remove some");
            report("servers", text);
        }
        let rules = self.servers.iter().map(ServerBlock::count_patterns);
        if rules.fold(0, usize::saturating_add) > pattern::MOST {
            let most = pattern::MOST;
            let text = format!("they have more than {most} rules to rewrite or consolidate");
            report("servers", format!("{text}; remove some"));
        }
    }

    /// Checks every part. The zones of two server blocks are compared elsewhere.
    pub(crate) fn check(&self, report: Report<'_>) {
        if self.servers.is_empty() {
            let text = "there is no server block; give one with zones, as in [\".\"]";
            report("servers", text.to_owned());
        }
        for (index, server) in self.servers.iter().enumerate() {
            let part = format!("servers[{index}]");
            server.check(&mut |field, text| report(&join(&part, field), text));
        }
        if let Some(node_local) = &self.node_local {
            node_local.check(&mut |field, text| report(&join("nodeLocal", field), text));
        }
        (self.tcp).check(&mut |field, text| report(&join("tcp", field), text));
        if self
            .udp_sockets
            .is_some_and(|count| !(1..=1024).contains(&count))
        {
            let text = "can't be so many; give a number from 1 to 1024, or leave it out";
            report("udpSockets", text.to_owned());
        }
    }
}

impl ServerBlock {
    fn check(&self, report: Report<'_>) {
        if self.zones.is_empty() {
            let text = "there is no zone; give one, as in \".\"";
            report("zones", text.to_owned());
        }
        macro_rules! check {
            (each $list:ident) => {
                for (index, part) in self.$list.iter().enumerate() {
                    let place = format!("{}[{index}]", stringify!($list));
                    part.check(&mut |field, text| report(&join(&place, field), text));
                }
            };
            ($part:ident as $name:literal) => {
                if let Some(part) = &self.$part {
                    part.check(&mut |field, text| report(&join($name, field), text));
                }
            };
        }
        check!(each bind);
        check!(errors as "errors");
        check!(kubernetes as "kubernetes");
        check!(hosts as "hosts");
        check!(each rewrite);
        check!(each forward);
        check!(cache as "cache");
        check!(reload as "reload");
        check!(each transfer);
        check!(tsig as "tsig");
        check!(rate_limit as "rateLimit");
        self.check_parts(report);
    }

    /// How many rules may have a regular expression each.
    fn count_patterns(&self) -> usize {
        let rules = self.rewrite.iter().map(|rule| 1 + rule.answers.len());
        let errors = self.errors.as_ref();
        rules.sum::<usize>() + errors.map_or(0, |errors| errors.consolidate.len())
    }

    /// How many zones there are with those that other parts take over.
    fn count_zones(&self) -> usize {
        let empty = self.part_zones().filter(|list| list.is_empty()).count();
        self.zones.len().saturating_mul(1 + empty)
    }

    /// The zones of each part that takes over those of the block where it has none.
    fn part_zones(&self) -> impl Iterator<Item = &Vec<ZoneName>> {
        let parts = [
            self.kubernetes.as_ref().map(|part| &part.zones),
            self.autopath.as_ref().map(|part| &part.zones),
            self.hosts.as_ref().map(|part| &part.zones),
            self.cache.as_ref().map(|part| &part.zones),
            self.tsig.as_ref().map(|part| &part.zones),
        ];
        let transfers = self.transfer.iter().map(|part| &part.zones);
        parts.into_iter().flatten().chain(transfers)
    }

    /// Gives each part without zones those of the block, and each rule the form that it is
    /// compared in.
    pub(crate) fn normalized(mut self) -> Self {
        let zones = self.zone_names();
        let parts = [
            self.kubernetes.as_mut().map(|part| &mut part.zones),
            self.autopath.as_mut().map(|part| &mut part.zones),
            self.hosts.as_mut().map(|part| &mut part.zones),
            self.cache.as_mut().map(|part| &mut part.zones),
            self.tsig.as_mut().map(|part| &mut part.zones),
        ];
        let transfers = self.transfer.iter_mut().map(|part| &mut part.zones);
        let is_empty = |list: &&mut Vec<ZoneName>| list.is_empty();
        for list in parts
            .into_iter()
            .flatten()
            .chain(transfers)
            .filter(is_empty)
        {
            list.clone_from(&zones);
        }
        let rules = std::mem::take(&mut self.rewrite);
        self.rewrite = rules.into_iter().map(|rule| rule.normalized()).collect();
        self.reload = self.reload.map(|reload| reload.with_bounded_jitter());
        self
    }
}
