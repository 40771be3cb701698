//! What is logged and how.

use crate::KubeProxyConfiguration;
use crate::field_error::{FieldError, FieldProblem};

/// The largest verbosity that upstream's logging library takes.
const LARGEST_VERBOSITY: u32 = i32::MAX as u32;

pub(super) fn validate_logging(config: &KubeProxyConfiguration, errors: &mut Vec<FieldError>) {
    const PATH: &str = "KubeProxyConfiguration.logging";
    let logging = &config.logging;
    if !["", "text", "json"].contains(&logging.format.as_str()) {
        let field = format!("{PATH}.format");
        errors.push(FieldError::text(
            &field,
            &logging.format,
            "Unsupported log format",
        ));
    }
    validate_verbosity(&format!("{PATH}.verbosity"), logging.verbosity, errors);
    if !logging.vmodule.is_empty() && !["", "text"].contains(&logging.format.as_str()) {
        errors.push(FieldError {
            field: format!("{PATH}.vmodule"),
            problem: FieldProblem::Forbidden,
            detail: "Only supported for text log format".to_owned(),
        });
    }
    for (index, item) in logging.vmodule.iter().enumerate() {
        let field = format!("{PATH}.vmodule[{index}]");
        if item.file_pattern.is_empty() {
            errors.push(FieldError {
                field: field.clone(),
                problem: FieldProblem::Required,
                detail: "File pattern must not be empty".to_owned(),
            });
        }
        if item.file_pattern.contains(['=', ',']) {
            let detail = "File pattern must not contain equal sign or comma";
            errors.push(FieldError::text(&field, &item.file_pattern, detail));
        }
        validate_verbosity(&field, item.verbosity, errors);
    }
    validate_outputs(config, errors);
}

fn validate_verbosity(field: &str, verbosity: u32, errors: &mut Vec<FieldError>) {
    if verbosity > LARGEST_VERBOSITY {
        let detail = format!("Must be <= {LARGEST_VERBOSITY}");
        errors.push(FieldError::value(field, &verbosity, &detail));
    }
}

/// Where lines go can be chosen only behind a feature gate.
fn validate_outputs(config: &KubeProxyConfiguration, errors: &mut Vec<FieldError>) {
    const GATE: &str = "LoggingAlphaOptions";
    if config.feature_gate(GATE) == Some(true) {
        return;
    }
    let options = &config.logging.options;
    for (format, output) in [("text", &options.text), ("json", &options.json)] {
        let settings = [
            ("splitStream", output.split_stream),
            ("infoBufferSize", !output.is_unbuffered()),
        ];
        for (name, _) in settings.into_iter().filter(|(_, set)| *set) {
            errors.push(FieldError {
                field: format!("KubeProxyConfiguration.logging.options.{format}.{name}"),
                problem: FieldProblem::Forbidden,
                detail: format!("Feature {GATE} is disabled"),
            });
        }
    }
}
