//! What a row is.

use async_trait::async_trait;

use crate::comparison::Comparison;
use crate::form::Form;
use crate::site::{Settings, Site};

/// One row of docs/performance.md: something that the product does, beside the least that would do it.
#[async_trait(?Send)]
pub(crate) trait Row {
    /// Its name: in the command line, in the page's markers, in the name of its plot.
    fn name(&self) -> &'static str;

    /// The settings of the stack that it is measured on.
    fn settings(&self) -> Settings;

    /// Measures floor and product in turns. Each line has its goal, and with it a verdict.
    async fn measure(&self, site: &Site, form: &Form) -> anyhow::Result<Vec<Comparison>>;
}
