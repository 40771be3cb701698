//! Starting one container: everything between the decision and the running program.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use k8s_openapi::api::core::v1::{ConfigMap, Container as ApiContainer, Pod, Secret, Service};
use kube::ResourceExt;
use kube::api::{Api, ListParams};
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use tokio::process::{ChildStderr, ChildStdout};
use tokio::task::JoinHandle;

use super::context::NodeContext;
use super::pods::PodLogs;
use super::setup;
use crate::internal::spec::{Bind, ContainerSpec, Exit};
use crate::logs::{ContainerLog, LogWriter, Output, pump};
use crate::pod::container_spec::{ContainerPlan, references};
use crate::pod::environment::{EnvContext, Sources};
use crate::pod::host_name::HostName;
use crate::pod::machine::ContainerEvent;
use crate::pod::problem::Problem;
use crate::pod::service_env;
use crate::pod::shape;
use crate::runtime::cgroup::Cgroup;
use crate::runtime::container::{self, Container, End};
use crate::runtime::sandbox::Sandbox;
use crate::runtime::volumes;

/// How long the end of a container may be held back for its log.
const LAST_LINES: Duration = Duration::from_millis(100);

/// Why a container does not run.
#[derive(Debug)]
pub(super) enum LaunchError {
    NotCreated(Problem),
    NotExecuted(String),
}

/// A container that was started.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) id: String,
    pub(super) container: Arc<Container>,
    end: End,
    cgroup: Cgroup,
    log: JoinHandle<()>,
}

impl Running {
    /// Waits for the end, and for the last lines of the log to be written.
    pub(super) async fn wait(self) -> ContainerEvent {
        let exit = self.end.wait().await;
        // With its first process every process of the container is gone, so the pipes have ended;
        // only what is in them is still to be read.
        if tokio::time::timeout(LAST_LINES, self.log).await.is_err() {
            tracing::debug!("a container's last lines take long to write");
        }
        ContainerEvent::Exited {
            code: exit.code(),
            signal: match exit {
                Exit::Signal(signal) => Some(signal),
                Exit::Code(_) => None,
            },
            out_of_memory: self.cgroup.out_of_memory_kills() > 0,
        }
    }
}

/// Starts the container at `index`; `attempt` numbers its log.
pub(super) async fn container(
    context: &NodeContext,
    pod: &Pod,
    index: usize,
    attempt: u32,
    sandbox: &Sandbox,
    logs: &PodLogs,
) -> Result<Box<Running>, LaunchError> {
    let missing = || LaunchError::NotCreated(Problem::config("the container is not described"));
    let spec = pod.spec.as_ref().ok_or_else(missing)?;
    let (_, api) = shape::containers(spec).nth(index).ok_or_else(missing)?;
    let plan = plan(context, pod, api, sandbox)
        .await
        .map_err(LaunchError::NotCreated)?;
    let binds = binds(context, pod, &plan, sandbox).map_err(LaunchError::NotCreated)?;
    let cgroup = cgroup(context, pod, api, &plan, sandbox).map_err(LaunchError::NotCreated)?;
    let log = logs.container(&api.name).ok_or_else(missing)?;
    let writer = log
        .begin(attempt)
        .map_err(|error| failed("opening the log", error))?;

    let started = container::start(
        &context.config.executable,
        ContainerSpec {
            namespaces: sandbox.namespaces(),
            cgroup: cgroup.path().to_owned(),
            program: plan.program,
            environment: plan.environment,
            working_dir: plan.working_dir,
            binds,
            read_only_root: plan.read_only_root,
            privileges: plan.privileges,
        },
    )
    .await
    .map_err(|failure| {
        log.end();
        if failure.in_exec {
            return LaunchError::NotExecuted(failure.message);
        }
        LaunchError::NotCreated(Problem {
            reason: "CreateContainerError",
            message: failure.message,
        })
    })?;
    let log = keep_log(started.stdout, started.stderr, writer, Arc::clone(log));
    Ok(Box::new(Running {
        id: container_id(pod, api, attempt),
        container: started.container,
        end: started.end,
        cgroup,
        log,
    }))
}

async fn plan(
    context: &NodeContext,
    pod: &Pod,
    container: &ApiContainer,
    sandbox: &Sandbox,
) -> Result<ContainerPlan, Problem> {
    let spec = pod.spec.clone().unwrap_or_default();
    let names = HostName::of(pod, &context.config.cluster_domain)
        .map_err(|error| Problem::config(error.to_string()))?;
    let on_host_network = spec.host_network == Some(true);
    let pod_ips = if on_host_network {
        &context.node_ips
    } else {
        sandbox.addresses()
    };
    let host_name = match nix::unistd::gethostname() {
        Ok(of_host) if on_host_network => of_host.to_string_lossy().into_owned(),
        _ => names.name,
    };
    let unreadable =
        |error: kube::Error| Problem::config(format!("asking the API server: {error}"));
    let sources = sources(context, pod).await.map_err(unreadable)?;
    let services = services(context, pod).await.map_err(unreadable)?;
    let namespace = pod.namespace().unwrap_or_default();
    let links = spec.enable_service_links.unwrap_or(true);
    let environment = EnvContext {
        pod,
        host_name: &host_name,
        pod_ips,
        host_ips: &context.node_ips,
        node_name: &context.config.name,
        sources: &sources,
        services: &service_env::variables(&services, &namespace, links),
    };
    ContainerPlan::new(&spec, container, &environment)
}

/// The services that the pod's variables can speak of, as they are now.
async fn services(context: &NodeContext, pod: &Pod) -> Result<Vec<Service>, kube::Error> {
    let namespaced =
        |namespace: &str| Api::<Service>::namespaced(context.client.clone(), namespace);
    let mut services: Vec<Service> = Vec::new();
    if pod
        .spec
        .as_ref()
        .and_then(|spec| spec.enable_service_links)
        .unwrap_or(true)
    {
        let namespace = pod.namespace().unwrap_or_default();
        services = namespaced(&namespace)
            .list(&ListParams::default())
            .await?
            .items;
    }
    services.extend(namespaced("default").get_opt("kubernetes").await?);
    Ok(services)
}

async fn sources(context: &NodeContext, pod: &Pod) -> Result<Sources, kube::Error> {
    let references = references(pod);
    Ok(Sources {
        config_maps: read::<ConfigMap>(context, pod, references.config_maps).await?,
        secrets: read::<Secret>(context, pod, references.secrets).await?,
    })
}

async fn read<K>(
    context: &NodeContext,
    pod: &Pod,
    names: Vec<String>,
) -> Result<HashMap<String, K>, kube::Error>
where
    K: kube::Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
        + Clone
        + std::fmt::Debug
        + DeserializeOwned,
{
    let api: Api<K> = Api::namespaced(context.client.clone(), &pod.namespace().unwrap_or_default());
    let mut found = HashMap::new();
    for name in names {
        if let Some(object) = api.get_opt(&name).await? {
            found.insert(name, object);
        }
    }
    Ok(found)
}

fn binds(
    context: &NodeContext,
    pod: &Pod,
    plan: &ContainerPlan,
    sandbox: &Sandbox,
) -> Result<Vec<Bind>, Problem> {
    let security = pod
        .spec
        .as_ref()
        .and_then(|spec| spec.security_context.as_ref());
    let fs_group = security.and_then(|security| security.fs_group);
    let fs_group = fs_group.and_then(|group| u32::try_from(group).ok());
    let mut binds = setup::binds(sandbox);
    for mount in &plan.mounts {
        let bind =
            volumes::prepare(sandbox.directory(), mount, fs_group).map_err(|error| Problem {
                reason: "FailedMount",
                message: error.to_string(),
            })?;
        context
            .ensure_mount_point(&bind.target, bind.source.is_dir())
            .map_err(|error| Problem {
                reason: "FailedMount",
                message: format!("making the mount point {}: {error}", bind.target.display()),
            })?;
        // A volume wins over what the pod gets by itself.
        binds.retain(|other| other.target != bind.target);
        binds.push(bind);
    }
    Ok(binds)
}

fn cgroup(
    context: &NodeContext,
    pod: &Pod,
    container: &ApiContainer,
    plan: &ContainerPlan,
    sandbox: &Sandbox,
) -> Result<Cgroup, Problem> {
    let failed = |error: &dyn Display| Problem {
        reason: "CreateContainerError",
        message: error.to_string(),
    };
    let cgroup = sandbox
        .container_cgroup(&container.name)
        .map_err(|error| failed(&error))?;
    for limit in &plan.limits {
        if !cgroup.limit(*limit).map_err(|error| failed(&error))? {
            let message = format!(
                "container {}: this machine's cgroup2 hierarchy offers no controller for {limit}; \
                 the limit is ignored",
                container.name
            );
            context.events.record(pod, true, "LimitIgnored", message);
        }
    }
    Ok(cgroup)
}

/// Copies both outputs into the log and closes it after the last writer is gone.
fn keep_log(
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    writer: LogWriter,
    log: Arc<ContainerLog>,
) -> JoinHandle<()> {
    let writer = Mutex::new(writer);
    tokio::spawn(async move {
        let stdout = async {
            if let Some(pipe) = stdout {
                pump(pipe, Output::Stdout, &writer, &log).await;
            }
        };
        let stderr = async {
            if let Some(pipe) = stderr {
                pump(pipe, Output::Stderr, &writer, &log).await;
            }
        };
        tokio::join!(stdout, stderr);
        log.end();
    })
}

fn container_id(pod: &Pod, container: &ApiContainer, attempt: u32) -> String {
    let uid = pod.uid().unwrap_or_default();
    let hash = Sha256::digest(format!("{uid}/{}/{attempt}", container.name));
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn failed(step: &str, error: impl Display) -> LaunchError {
    LaunchError::NotCreated(Problem {
        reason: "CreateContainerError",
        message: format!("{step}: {error}"),
    })
}
