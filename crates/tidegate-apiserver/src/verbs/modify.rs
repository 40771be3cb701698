//! Reading, changing and writing back an object: the core of update, patch, status and scale.
//!
//! The change is a function of what is stored. If somebody else writes in between, it is computed
//! again from the newer state, unless the client said which state it means.

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;
use tidegate_model::service_api::ClaimChange;
use tidegate_store::{Expectation, Operation};

use super::{
    Written,
    create::stored_form,
    delete::removal,
    metadata::{carry_over, count_generation, timestamp},
};
use crate::{
    api::Api,
    error::ApiError,
    kinds::{Deletion, Kind},
    object,
    request::ObjectPath,
    services::{ClusterView, Taken, claim_operations},
    storage::{Raw, Stored, WriteError, as_checks, encode, object_key},
};

/// How often a change is computed anew because others have overtaken it.
const ATTEMPTS: usize = 64;

/// Which part of an object a request may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Everything but the status (if that has a path of its own).
    Main,
    /// The status only.
    Status,
    /// `spec.finalizers` of a namespace.
    NamespaceFinalizers,
    /// Whatever the server's own code changes; not validated as a user's change is.
    Server,
}

/// What a client wants to be there.
pub(super) struct Proposal {
    pub(super) object: Value,
    pub(super) warnings: Vec<String>,
}

/// Changes an object. `propose` gets the object as served.
pub(super) async fn modify(
    api: &Api,
    path: &ObjectPath,
    name: &str,
    part: Part,
    dry_run: bool,
    propose: impl Fn(&Value) -> Result<Proposal, ApiError>,
) -> Result<Written, ApiError> {
    let mut taken = Taken::default();
    for _ in 0..ATTEMPTS {
        let stored = read(api, path, name).await?;
        let cluster = ClusterView {
            network: &api.network,
            taken: &taken,
            dry_run,
        };
        let change = compute(path, name, part, &stored, &cluster, &propose)?;
        let (bytes, warnings) = (change.bytes, change.warnings);
        let written = |revision| Written {
            raw: Raw { bytes, revision },
            warnings,
        };
        if change.operations.is_empty() {
            return Ok(written(stored.revision));
        }
        let operations = if dry_run {
            as_checks(change.operations)
        } else {
            change.operations
        };
        match api.objects.commit(operations).await {
            Ok(_) if dry_run => return Ok(written(stored.revision)),
            Ok(revision) => return Ok(written(revision)),
            Err(WriteError::Failed(error)) => return Err(error),
            Err(WriteError::Conflict(conflict)) => {
                taken.learn(&conflict.key, &api.objects).await?;
            }
        }
    }
    Err(ApiError::modified(path.kind, name))
}

/// A change that is ready to be written.
struct Change {
    /// The object as it will be.
    bytes: Bytes,
    warnings: Vec<String>,
    /// Nothing if the object is as it was.
    operations: Vec<Operation>,
}

/// What a proposal means for the stored object: merged with what the client can't change, judged
/// by the rules, with the claims that go along.
fn compute(
    path: &ObjectPath,
    name: &str,
    part: Part,
    stored: &Stored,
    cluster: &ClusterView<'_>,
    propose: impl Fn(&Value) -> Result<Proposal, ApiError>,
) -> Result<Change, ApiError> {
    let kind = path.kind;
    let old = served_form(kind, stored.object.clone());
    let Proposal {
        object: mut new,
        mut warnings,
    } = propose(&old)?;
    check_identity(kind, name, &old, &new)?;
    carry_over(&old, &mut new);
    keep_other_parts(kind, part, &old, &mut new);
    let mut claims = ClaimChange::default();
    match part {
        Part::Main => {
            let admitted = kind.rules.update(&old, new, cluster)?;
            warnings.extend(kind.rules.warnings(&admitted.object)?);
            (new, claims) = (admitted.object, admitted.claims);
        }
        Part::Status => new = kind.rules.update_status(&old, new)?,
        Part::NamespaceFinalizers | Part::Server => {}
    }
    count_generation(kind, &old, &mut new);
    let mut operations = claim_operations(&claims, &new, &timestamp(Timestamp::now()));
    let gone = may_go(kind, &new);
    let bytes = encode(&stored_form(kind, new));
    let namespace = path.namespace_or_empty();
    if gone {
        operations = removal(kind, namespace, name, stored)?;
    } else if !operations.is_empty() || bytes != encode(&stored.object) {
        let unchanged = Expectation::Unchanged(stored.revision);
        let key = object_key(kind, namespace, name);
        operations.insert(0, Operation::put(key, unchanged, bytes.clone()));
    }
    Ok(Change {
        bytes,
        warnings,
        operations,
    })
}

fn served_form(kind: &Kind, object: Value) -> Value {
    match &kind.conversion {
        Some(conversion) => (conversion.to_served)(object),
        None => object,
    }
}

/// The client must mean this object, and if it says so, this state of it.
fn check_identity(kind: &Kind, name: &str, old: &Value, new: &Value) -> Result<(), ApiError> {
    let new_name = object::name(new);
    if !new_name.is_empty() && new_name != name {
        return Err(ApiError::BadRequest(format!(
            "the name of the object ({new_name}) does not match the name on the URL ({name})"
        )));
    }
    let namespace = object::text(new, &["metadata", "namespace"]);
    if !namespace.is_empty() && namespace != object::text(old, &["metadata", "namespace"]) {
        return Err(ApiError::BadRequest(
            "the namespace of the provided object does not match the namespace sent on the request"
                .to_owned(),
        ));
    }
    let uid = object::uid(new);
    if !uid.is_empty() && uid != object::uid(old) {
        let actual = object::uid(old);
        return Err(ApiError::conflict(
            kind,
            name,
            format!(
                "Precondition failed: UID in precondition: {uid}, UID in object meta: {actual}"
            ),
        ));
    }
    let version = object::resource_version(new);
    if !version.is_empty() && version != "0" && version != object::resource_version(old) {
        return Err(ApiError::modified(kind, name));
    }
    Ok(())
}

/// Puts back what this path doesn't write.
fn keep_other_parts(kind: &Kind, part: Part, old: &Value, new: &mut Value) {
    let old_status = old.get("status").cloned();
    match part {
        Part::Server => {}
        Part::Main => {
            if kind.has_status_subresource() {
                object::set_or_remove(object::fields(new), "status", old_status);
            }
            if kind.deletion == Deletion::Namespace {
                let finalizers = object::at(old, &["spec", "finalizers"]).cloned();
                object::set_or_remove(object::child(new, "spec"), "finalizers", finalizers);
            }
        }
        Part::Status => {
            let status = new.get("status").cloned();
            *new = old.clone();
            object::set_or_remove(object::fields(new), "status", status);
        }
        Part::NamespaceFinalizers => {
            let finalizers = object::at(new, &["spec", "finalizers"]).cloned();
            *new = old.clone();
            object::set_or_remove(object::child(new, "spec"), "finalizers", finalizers);
        }
    }
}

/// Whether nothing holds an object any longer that has been asked to go.
fn may_go(kind: &Kind, object: &Value) -> bool {
    let grace =
        object::at(object, &["metadata", "deletionGracePeriodSeconds"]).and_then(Value::as_i64);
    object::is_deleting(object)
        && object::finalizers(object).is_empty()
        && grace.unwrap_or(0) == 0
        && (kind.deletion != Deletion::Namespace
            || object::strings(object, &["spec", "finalizers"]).is_empty())
}

/// The stored object, read for a decision.
pub(super) async fn read(api: &Api, path: &ObjectPath, name: &str) -> Result<Stored, ApiError> {
    api.objects
        .get(path.kind, path.namespace_or_empty(), name)
        .await?
        .ok_or_else(|| ApiError::not_found(path.kind, name))
}
