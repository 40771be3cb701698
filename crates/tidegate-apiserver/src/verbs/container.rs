//! Which container of a pod a request is about.

use serde_json::Value;

use crate::{error::ApiError, object};

/// The container that is meant: the named one, or the only one.
pub(super) fn container_of(
    pod: &Value,
    name: &str,
    asked: Option<&str>,
) -> Result<String, ApiError> {
    let names = |list: &str| -> Vec<String> {
        let containers = object::at(pod, &["spec", list]).and_then(Value::as_array);
        let containers = containers.into_iter().flatten();
        containers
            .map(|container| object::text(container, &["name"]).to_owned())
            .collect()
    };
    let (main, init) = (names("containers"), names("initContainers"));
    match (asked.filter(|asked| !asked.is_empty()), main.as_slice()) {
        (Some(asked), _) if main.iter().chain(&init).any(|known| known == asked) => {
            Ok(asked.to_owned())
        }
        (Some(asked), _) => Err(ApiError::BadRequest(format!(
            "container {asked} is not valid for pod {name}"
        ))),
        (None, [only]) => Ok(only.clone()),
        (None, several) => Err(ApiError::BadRequest(format!(
            "a container name must be specified for pod {name}, choose one of: {several:?}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_container_may_be_left_out_if_there_is_one() {
        let one =
            json!({"spec": {"containers": [{"name": "a"}], "initContainers": [{"name": "i"}]}});
        assert_eq!(container_of(&one, "p", None).expect("the only one"), "a");
        assert_eq!(container_of(&one, "p", Some("i")).expect("named"), "i");
        assert!(container_of(&one, "p", Some("x")).is_err());
        let two = json!({"spec": {"containers": [{"name": "a"}, {"name": "b"}]}});
        assert!(container_of(&two, "p", None).is_err());
    }
}
