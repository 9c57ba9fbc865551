//! The page of an instance, as HTML, and its records as files: read and rendered. What it says is in `pipeline::page`.

mod chain;

use askama::Template;
use pipeline::page::{Distribution, DomainGroup, EarlierCertificate, HistoryRow, Now, Page, Validity};
use pipeline::records::Form;
use store::StoreError;

use self::chain::Leaf;
use super::assets;
use crate::osbapi::broker::Broker;

/// The page. `base` is its own path, to which the paths below it are appended. `None`: the instance is unknown or removed.
pub(crate) async fn page(broker: &Broker, id: &str, base: &str) -> Result<Option<String>, StoreError> {
    let page = broker.store.page(id).await?;
    page.map(|page| html(&page, base, &broker.responder)).transpose()
}

/// What proves the domains, as a file of this form (`zone`, `csv`, `route53.tf`, `cloudflare.tf`, `dns.tf`), with its media type.
/// `None`: there is no such form, or the instance is unknown or removed.
pub(crate) async fn records(
    broker: &Broker,
    id: &str,
    form: &str,
) -> Result<Option<(&'static str, String)>, StoreError> {
    let Some(form) = Form::named(form) else {
        return Ok(None);
    };
    let page = broker.store.page(id).await?;
    Ok(page.map(|page| (form.content_type(), form.write(&page.records()))))
}

fn html(page: &Page, base: &str, responder: &str) -> Result<String, StoreError> {
    let html = Document::of(page, base, responder).render();
    html.map_err(|error| StoreError::Unreadable(format!("the page can't be rendered: {error}")))
}

/// The whole page; its templates escape everything.
#[derive(Template)]
#[template(path = "page.html")]
struct Document<'p> {
    title: String,
    stylesheet: String,
    base: &'p str,
    read_at: String,
    operations: Vec<Shown>,
    groups: Vec<DomainGroup>,
    has_records: bool,
    forms: [Form; 5],
    certificate: Option<Validity>,
    leaf: Option<Leaf>,
    earlier: Vec<EarlierCertificate>,
    distribution: Distribution,
    history: Vec<HistoryRow>,
}

/// An operation with its heading.
struct Shown {
    id: &'static str,
    title: &'static str,
    now: Now,
}

impl<'p> Document<'p> {
    fn of(page: &Page, base: &'p str, responder: &str) -> Self {
        let asked = Shown {
            id: "now",
            title: "Now",
            now: page.now(),
        };
        let renewal = page.renewal_now().map(|now| Shown {
            id: "renewal",
            title: "Renewal of the certificate",
            now,
        });
        let in_use = page.facts.certificate.as_ref();
        Self {
            title: page.title(),
            stylesheet: assets::stylesheet(),
            base,
            read_at: page.read_at(),
            operations: [asked].into_iter().chain(renewal).collect(),
            groups: page.domains(responder),
            has_records: !page.records().is_empty(),
            forms: Form::ALL,
            certificate: page.certificate(),
            leaf: in_use.and_then(|certificate| Leaf::read(&certificate.chain_pem)),
            earlier: page.earlier_certificates(),
            distribution: page.distribution(),
            history: page.history(),
        }
    }
}

#[cfg(test)]
mod templates;

#[cfg(test)]
mod tests;
