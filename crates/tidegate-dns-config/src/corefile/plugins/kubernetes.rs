//! `kubernetes [ZONES...] { ... }`

use super::super::line::{Directive, Line};
use super::super::reader::Reader;
use crate::config::{ClientTls, Kubeconfig, Kubernetes, LabelSelector, PodMode};
use crate::problem::Problem;

const PROPERTIES: [&str; 17] = [
    "endpoint",
    "tls",
    "kubeconfig",
    "namespaces",
    "labels",
    "namespace_labels",
    "pods",
    "endpoint_pod_names",
    "ttl",
    "noendpoints",
    "fallthrough",
    "ignore",
    "zonal",
    "startup_timeout",
    "apiserver_qps",
    "apiserver_burst",
    "apiserver_max_inflight",
];

const OF_COREDNS: [&str; 1] = ["multicluster"];

pub(crate) fn read(directive: &Directive, reader: &mut Reader) -> Result<Kubernetes, Problem> {
    let line = &directive.line;
    let mut kubernetes = Kubernetes {
        zones: reader.zones_or_block(line, &line.arguments)?,
        ..Kubernetes::default()
    };
    reader.properties(directive, |line, reader| {
        if !access(line, &mut kubernetes, reader)? {
            property(line, &mut kubernetes, reader)?;
        }
        Ok(())
    });
    reader.check(directive, |report| kubernetes.check(report));
    Ok(kubernetes)
}

/// Reads a property about the API; says if it is one.
fn access(line: &Line, kubernetes: &mut Kubernetes, reader: &mut Reader) -> Result<bool, Problem> {
    match line.name.as_str() {
        "endpoint" => {
            let words = line.some("URL")?;
            if words.len() > 1 {
                reader.warn(line, "of several addresses the first is used");
            }
            kubernetes.endpoint = Some(words[0].text.clone());
        }
        "tls" => {
            let [certificate, key, authority] = line.at_most(3)? else {
                let text = "files are missing; write tls CERT KEY CACERT";
                return Err(line.invalid(text));
            };
            kubernetes.tls = Some(ClientTls {
                certificate: certificate.text.clone(),
                key: key.text.clone(),
                authority: authority.text.clone(),
            });
        }
        "kubeconfig" => {
            let words = line.some("FILE [CONTEXT]")?;
            line.at_most(2)?;
            kubernetes.kubeconfig = Some(Kubeconfig {
                file: words[0].text.clone(),
                context: words.get(1).map(|word| word.text.clone()),
            });
        }
        // These hold back a client that asks for much; ours has a few watches.
        "apiserver_qps" | "apiserver_burst" | "apiserver_max_inflight" => {
            let text = line.one("NUMBER")?;
            if !text.parse().is_ok_and(|value: f64| value >= 0.0) {
                let text = format!("{text:?} is no number from 0; give one");
                return Err(line.invalid(text));
            }
            reader.warn(
                line,
                "the API is asked for a few watches only; this changes nothing",
            );
        }
        "resyncperiod" => {
            line.duration(line.one("DURATION")?)?;
            reader.warn(
                line,
                "nothing is fetched again periodically; this changes nothing",
            );
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn property(line: &Line, kubernetes: &mut Kubernetes, reader: &mut Reader) -> Result<(), Problem> {
    match line.name.as_str() {
        "namespaces" => {
            (kubernetes.namespaces).extend(Line::texts(line.some("NAMESPACE...")?));
        }
        "labels" => kubernetes.labels = Some(selector(line)?),
        "namespace_labels" => kubernetes.namespace_labels = Some(selector(line)?),
        "pods" => {
            let modes = [
                ("disabled", PodMode::Disabled),
                ("insecure", PodMode::Insecure),
                ("verified", PodMode::Verified),
            ];
            kubernetes.pods = line.choice(line.one("disabled|insecure|verified")?, &modes)?;
        }
        "endpoint_pod_names" => {
            line.no_arguments()?;
            kubernetes.endpoint_pod_names = true;
        }
        "ttl" => kubernetes.ttl = line.number(line.one("SECONDS")?)?,
        "zonal" => {
            line.no_arguments()?;
            kubernetes.zonal = true;
        }
        "noendpoints" => {
            line.no_arguments()?;
            kubernetes.no_endpoints = true;
        }
        "fallthrough" => kubernetes.fallthrough = reader.zones_or_root(line, &line.arguments)?,
        "ignore" => {
            line.choice(line.one("empty_service")?, &[("empty_service", ())])?;
            kubernetes.ignore_empty_service = true;
        }
        "startup_timeout" => kubernetes.startup_timeout = line.duration(line.one("DURATION")?)?,
        "transfer" | "upstream" => {
            let text = "CoreDNS has no such property any more; remove it";
            return Err(line.unsupported(text));
        }
        _ => return Err(line.unknown(&PROPERTIES, &OF_COREDNS)),
    }
    Ok(())
}

/// A selector may have spaces, which made several words of it.
fn selector(line: &Line) -> Result<LabelSelector, Problem> {
    let words = Line::texts(line.some("SELECTOR")?);
    line.parse(&words.join(" "))
}
