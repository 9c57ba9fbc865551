//! The catalog: one service with its plans, from CATALOG_FILE or from single settings.

mod access_logs;
mod advice;
mod file;
mod metadata;
pub(crate) mod offering;
mod semantic_version;
pub(crate) mod served;
pub(crate) mod settings;

#[cfg(test)]
pub(crate) mod tests;
