//! The service-proxy contract as a table of behaviours, run in every mode.
