//! The rules of Services, which are `tidegate-model`'s, on stored objects.

use k8s_openapi::api::core::v1::Service;
use rand::Rng;
use serde::Deserialize;
use serde_json::Value;
use tidegate_model::service_api::{
    Allocator, ClaimChange, Rejection, create, defaults, held_by, update, update_status, warnings,
};

use super::ClusterView;
use crate::kinds::{Admitted, DecodeError, Decoded, Refusal, Rules, decode_with};

/// Defaults, allocation and validation in upstream's order.
pub(crate) struct ServiceRules;

impl Rules for ServiceRules {
    fn decode(&self, object: Value) -> Result<Decoded, DecodeError> {
        decode_with::<Service>(object, defaults)
    }

    fn create(&self, object: Value, cluster: &ClusterView<'_>) -> Result<Admitted, Refusal> {
        let mut service: Service = serde_json::from_value(object)?;
        let claims = with_allocator(cluster, |allocator| create(&mut service, allocator))?;
        Ok(Admitted {
            object: serde_json::to_value(service)?,
            claims,
        })
    }

    fn update(
        &self,
        old: &Value,
        new: Value,
        cluster: &ClusterView<'_>,
    ) -> Result<Admitted, Refusal> {
        let old = Service::deserialize(old)?;
        let mut new: Service = serde_json::from_value(new)?;
        let claims = with_allocator(cluster, |allocator| update(&old, &mut new, allocator))?;
        Ok(Admitted {
            object: serde_json::to_value(new)?,
            claims,
        })
    }

    fn update_status(&self, old: &Value, new: Value) -> Result<Value, Refusal> {
        let mut new: Service = serde_json::from_value(new)?;
        update_status(&Service::deserialize(old)?, &mut new)?;
        Ok(serde_json::to_value(new)?)
    }

    fn warnings(&self, object: &Value) -> Result<Vec<String>, DecodeError> {
        Ok(warnings(&Service::deserialize(object)?))
    }

    fn held_by(&self, object: &Value) -> Result<ClaimChange, DecodeError> {
        Ok(held_by(&Service::deserialize(object)?))
    }
}

fn with_allocator(
    cluster: &ClusterView<'_>,
    work: impl FnOnce(&mut Allocator<'_>) -> Result<ClaimChange, Rejection>,
) -> Result<ClaimChange, Refusal> {
    let mut random = |bound: u64| rand::rng().random_range(0..bound.max(1));
    let mut allocator = Allocator {
        network: cluster.network,
        claims: cluster.taken,
        random: &mut random,
        dry_run: cluster.dry_run,
    };
    work(&mut allocator).map_err(|rejection| match rejection {
        Rejection::Invalid(invalid) => Refusal::Invalid(invalid),
        Rejection::Internal(message) => Refusal::Cluster(message),
    })
}
