//! Which lists of a type are merged, and by what.

/// A type of the API, as far as patches treat its fields in a special way.
///
/// Fields that aren't listed are merged if they are maps, and replaced if they are anything else.
#[derive(Debug)]
pub struct Schema {
    /// The name of the type's OpenAPI definition, such as `io.k8s.api.core.v1.PodSpec`.
    pub definition: &'static str,
    /// The fields with rules, or with fields that have rules.
    pub fields: &'static [Field],
}

/// A field of a type.
#[derive(Debug)]
pub struct Field {
    /// Its name in JSON.
    pub name: &'static str,
    /// How it is patched, if in another way than the default.
    pub rule: Option<PatchRule>,
    /// The type of its value, or of the items of its list.
    pub schema: &'static Schema,
}

/// How a patch is applied to a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchRule {
    /// A list of maps that this key tells apart.
    MergeByKey(&'static str),
    /// The same, and the patch lists which keys of an item stay: one of several alternatives.
    MergeByKeyRetaining(&'static str),
    /// A list of plain values, which is a set.
    MergeValues,
    /// A map of which the patch lists which keys stay.
    RetainKeys,
}

impl PatchRule {
    /// The value of `x-kubernetes-patch-strategy` in OpenAPI.
    pub fn strategy(self) -> &'static str {
        match self {
            Self::MergeByKey(_) | Self::MergeValues => "merge",
            Self::MergeByKeyRetaining(_) => "merge,retainKeys",
            Self::RetainKeys => "retainKeys",
        }
    }

    /// The value of `x-kubernetes-patch-merge-key` in OpenAPI.
    pub fn merge_key(self) -> Option<&'static str> {
        match self {
            Self::MergeByKey(key) | Self::MergeByKeyRetaining(key) => Some(key),
            Self::MergeValues | Self::RetainKeys => None,
        }
    }
}

/// A type without any rule.
pub(super) static PLAIN: Schema = Schema {
    definition: "",
    fields: &[],
};

impl Schema {
    /// The rule and the type of a field.
    pub(super) fn field(&self, name: &str) -> (Option<PatchRule>, &'static Schema) {
        let field = self.fields.iter().find(|field| field.name == name);
        field.map_or((None, &PLAIN), |field| (field.rule, field.schema))
    }
}

/// A field that is patched as any other, with fields of its own that aren't.
pub(super) const fn map(name: &'static str, schema: &'static Schema) -> Field {
    Field {
        name,
        rule: None,
        schema,
    }
}

/// A list of maps that `key` tells apart.
pub(super) const fn list(name: &'static str, key: &'static str, schema: &'static Schema) -> Field {
    Field {
        name,
        rule: Some(PatchRule::MergeByKey(key)),
        schema,
    }
}

/// A list of maps that `key` tells apart, each of which is one of several alternatives.
pub(super) const fn retaining_list(name: &'static str, key: &'static str) -> Field {
    Field {
        name,
        rule: Some(PatchRule::MergeByKeyRetaining(key)),
        schema: &PLAIN,
    }
}

/// A list of plain values that is a set.
pub(super) const fn values(name: &'static str) -> Field {
    Field {
        name,
        rule: Some(PatchRule::MergeValues),
        schema: &PLAIN,
    }
}

/// A map that is one of several alternatives.
pub(super) const fn retaining_map(name: &'static str, schema: &'static Schema) -> Field {
    Field {
        name,
        rule: Some(PatchRule::RetainKeys),
        schema,
    }
}
