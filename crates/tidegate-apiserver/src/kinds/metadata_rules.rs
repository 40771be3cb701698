//! Rules of kinds of which only the metadata is checked.

use k8s_openapi::{Metadata, Resource, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use tidegate_model::objects::{
    Invalid,
    object_meta::{NameFormat, Scope, check, check_update},
};

use super::{builder::ObjectScope, rules::TypedRules};

/// For kinds whose names are DNS subdomains.
pub(super) fn named_as_subdomain<T>() -> TypedRules<T>
where
    T: Metadata<Ty = ObjectMeta> + Resource,
    T::Scope: ObjectScope,
{
    TypedRules {
        create: |object| validate(object, NameFormat::Subdomain),
        update: |old, new| validate_update(old, new, NameFormat::Subdomain),
        ..TypedRules::default()
    }
}

/// For kinds whose names may be anything that fits a path, such as an IPv6 address.
pub(super) fn named_freely<T>() -> TypedRules<T>
where
    T: Metadata<Ty = ObjectMeta> + Resource,
    T::Scope: ObjectScope,
{
    TypedRules {
        create: |object| validate(object, NameFormat::PathSegment),
        update: |old, new| validate_update(old, new, NameFormat::PathSegment),
        ..TypedRules::default()
    }
}

fn validate<T>(object: &T, format: NameFormat) -> Result<(), Invalid>
where
    T: Metadata<Ty = ObjectMeta> + Resource,
    T::Scope: ObjectScope,
{
    let scope = if T::Scope::NAMESPACED {
        Scope::Namespaced
    } else {
        Scope::Cluster
    };
    let metadata = object.metadata();
    let causes = check(metadata, scope, format);
    Invalid::unless_empty((T::GROUP, T::KIND), metadata.name.as_deref(), causes)
}

fn validate_update<T>(old: &T, new: &T, format: NameFormat) -> Result<(), Invalid>
where
    T: Metadata<Ty = ObjectMeta> + Resource,
    T::Scope: ObjectScope,
{
    let causes = check_update(old.metadata(), new.metadata());
    Invalid::unless_empty((T::GROUP, T::KIND), new.metadata().name.as_deref(), causes)?;
    validate(new, format)
}
