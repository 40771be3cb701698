//! Making a pod's surroundings: sandbox, `/etc/hosts`, `/etc/resolv.conf`, `/etc/hostname`.

use std::fs;
use std::net::IpAddr;
use std::path::Path;

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

use super::context::NodeContext;
use crate::internal::spec::Bind;
use crate::pod::files;
use crate::pod::host_name::HostName;
use crate::pod::resolv_conf::{DnsContext, ResolvConf};
use crate::pod::shape;
use crate::runtime::sandbox::{Sandbox, SandboxRequest};

const FILES: [&str; 3] = ["hosts", "hostname", "resolv.conf"];

/// Makes the sandbox; the error is what the pod's status shows.
pub(super) async fn sandbox(context: &NodeContext, pod: &Pod) -> Result<Sandbox, String> {
    let uid = pod.uid().unwrap_or_default();
    let spec = pod.spec.clone().unwrap_or_default();
    let host_network = spec.host_network == Some(true);
    let names = HostName::of(pod, &context.config.cluster_domain);
    let names = names.map_err(|error| error.to_string())?;
    let request = SandboxRequest {
        directory: context.paths.pod(&uid),
        uid,
        host_name: names.name.clone(),
        host_network,
        instance_cgroup: context.cgroup.clone(),
    };
    let sandbox = Sandbox::create(&context.network, request)
        .await
        .map_err(|error| error.to_string())?;
    if let Err(error) = write_files(
        context,
        pod,
        &names,
        sandbox.addresses(),
        sandbox.directory(),
    ) {
        for problem in sandbox.remove().await {
            tracing::warn!(%problem, "removing a pod that could not be set up");
        }
        return Err(error);
    }
    if has_host_ports(pod) {
        let message = "hostPort is not supported by standalone Tidegate and is ignored; \
                       use a Service of type NodePort or hostNetwork";
        context.events.record(pod, true, "HostPortIgnored", message);
    }
    Ok(sandbox)
}

/// What every container of the pod gets to see of those files.
pub(super) fn binds(sandbox: &Sandbox) -> Vec<Bind> {
    let bind = |name: &str| Bind {
        source: sandbox.directory().join("etc").join(name),
        target: Path::new("/etc").join(name),
        read_only: false,
        skip_without_target: true,
    };
    FILES.into_iter().map(bind).collect()
}

fn write_files(
    context: &NodeContext,
    pod: &Pod,
    names: &HostName,
    addresses: &[IpAddr],
    directory: &Path,
) -> Result<(), String> {
    let spec = pod.spec.clone().unwrap_or_default();
    let config = &context.config;
    let host = fs::read_to_string(&config.host_resolv_conf).unwrap_or_default();
    let dns = DnsContext {
        cluster_dns: &config.cluster_dns,
        cluster_domain: &config.cluster_domain,
        host: &ResolvConf::parse(&host),
    };
    let namespace = pod.namespace().unwrap_or_default();
    let (resolv_conf, dropped) = ResolvConf::for_pod(&spec, &namespace, dns);
    for message in dropped {
        context
            .events
            .record(pod, true, "DNSConfigForming", message);
    }
    let aliases = spec.host_aliases.unwrap_or_default();
    let on_host_network = spec.host_network == Some(true);
    let (hosts, host_name) = if on_host_network {
        let of_host = fs::read_to_string("/etc/hosts").unwrap_or_default();
        let host_name = fs::read_to_string("/etc/hostname").unwrap_or_default();
        (files::hosts_on_host_network(&of_host, &aliases), host_name)
    } else {
        (
            files::hosts(names, addresses, &aliases),
            format!("{}\n", names.name),
        )
    };
    let etc = directory.join("etc");
    let failed = |error| format!("{}: {error}", etc.display());
    crate::runtime::create_private_dir(&etc).map_err(failed)?;
    for (name, text) in FILES
        .into_iter()
        .zip([hosts, host_name, resolv_conf.render()])
    {
        fs::write(etc.join(name), text).map_err(failed)?;
    }
    Ok(())
}

fn has_host_ports(pod: &Pod) -> bool {
    let on_host_network = pod.spec.as_ref().and_then(|spec| spec.host_network) == Some(true);
    let mut containers = pod.spec.iter().flat_map(shape::containers);
    !on_host_network
        && containers.any(|(_, container)| {
            container
                .ports
                .iter()
                .flatten()
                .any(|port| port.host_port.unwrap_or(0) > 0)
        })
}
