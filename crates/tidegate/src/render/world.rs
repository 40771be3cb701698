//! The imagined cluster.

use anyhow::{Context, anyhow};
use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use serde::de::DeserializeOwned;
use tidegate_client::manifest::Manifest;
use tidegate_model::Snapshot;

use super::pods::{self, Addresses};
use super::services::Allocations;

/// Services with their endpoints, and what had to be assumed to have them.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) snapshot: Snapshot,
    /// A line for each address or port that a real cluster would choose by itself.
    pub(crate) assumptions: Vec<String>,
}

impl World {
    /// Imagines a cluster in which the manifests were applied and every pod is ready.
    ///
    /// # Errors
    /// A manifest that no cluster would take: with its place, in the words of the API server.
    pub(crate) fn imagine(manifests: &[Manifest]) -> anyhow::Result<Self> {
        let mut world = Self::default();
        let mut services = Vec::new();
        let mut pods = Vec::new();
        let mut addresses = Addresses::default();
        for manifest in manifests {
            let namespace = manifest.namespace().unwrap_or("default");
            match manifest.kind.as_str() {
                "Service" => services.push((manifest, typed::<Service>(manifest, namespace)?)),
                "EndpointSlice" => {
                    let slice = typed::<EndpointSlice>(manifest, namespace)?;
                    if let Some(slice) = tidegate_model::EndpointSlice::from_api(&slice) {
                        world.snapshot.set_slice(&slice);
                    }
                }
                "Pod" => pods.push(typed::<Pod>(manifest, namespace)?),
                "Deployment" | "ReplicaSet" | "StatefulSet" => {
                    pods.extend(pods::of_workload(
                        &typed(manifest, namespace)?,
                        manifest.name(),
                        namespace,
                    ));
                }
                _ => {}
            }
        }
        for pod in &mut pods {
            addresses.assign(pod, &mut world.assumptions);
        }
        world.add_services(services, &pods)?;
        Ok(world)
    }

    fn add_services(
        &mut self,
        mut services: Vec<(&Manifest, Service)>,
        pods: &[Pod],
    ) -> anyhow::Result<()> {
        let mut allocations = Allocations::new()?;
        // Those that name their addresses come first, so that no other is given one of them.
        services.sort_by_key(|(_, service)| {
            service
                .spec
                .as_ref()
                .is_none_or(|spec| spec.cluster_ip.is_none())
        });
        for (manifest, mut service) in services {
            let assumed = allocations
                .admit(&mut service)
                .map_err(|error| anyhow!("{}: {error}", manifest.place))?;
            self.assumptions.extend(assumed);
            for slice in pods::slices(&service, pods) {
                self.snapshot.set_slice(&slice);
            }
            if let Some(service) = tidegate_model::Service::from_api(&service) {
                self.snapshot.set_service(&service);
            }
        }
        Ok(())
    }
}

fn typed<T: DeserializeOwned>(manifest: &Manifest, namespace: &str) -> anyhow::Result<T> {
    let mut object = manifest.object.clone();
    object["metadata"]["namespace"] = namespace.into();
    serde_json::from_value(object)
        .with_context(|| format!("{}: not a valid {}", manifest.place, manifest.kind))
}
