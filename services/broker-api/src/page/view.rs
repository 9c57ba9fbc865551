//! The page of an instance, as HTML, and its records as files: read and rendered. What it says is in `pipeline::page`.

mod chain;

use askama::Template;
use pipeline::page::{Distribution, DomainGroup, EarlierCertificate, HistoryRow, Now, OutsideCheck, Page, Validity};
use pipeline::records::Form;
use store::StoreError;

use self::chain::Leaf;
use super::assets;
use super::check::Outcome;
use super::outside;
use super::press::Told;
use crate::osbapi::broker::Broker;

/// What a page has from the request for it.
pub(crate) struct Visit<'v> {
    /// The page's own path, to which the paths below it are appended.
    pub(crate) base: &'v str,
    /// What its forms contain. `None`: the reader may ask for nothing.
    pub(crate) form_token: Option<String>,
    /// The reader has signed in, and has no link.
    pub(crate) is_signed_in: bool,
    /// What came of the press of a button that led here.
    pub(crate) outcome: Option<Outcome>,
    /// The same of the check from outside.
    pub(crate) outside: Option<outside::Outcome>,
}

/// The page. `None`: the instance is unknown or removed.
pub(crate) async fn page(broker: &Broker, id: &str, visit: Visit<'_>) -> Result<Option<String>, StoreError> {
    let page = broker.store.page(id).await?;
    page.map(|page| html(&page, visit, &broker.responder)).transpose()
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

fn html(page: &Page, visit: Visit<'_>, responder: &str) -> Result<String, StoreError> {
    let html = Document::of(page, visit, responder).render();
    html.map_err(|error| StoreError::Unreadable(format!("the page can't be rendered: {error}")))
}

/// The whole page; its templates escape everything.
#[derive(Template)]
#[template(path = "page.html")]
struct Document<'v> {
    title: String,
    stylesheet: String,
    script: String,
    base: &'v str,
    read_at: String,
    /// The same in milliseconds since 1970: the script leaves what is older than what it shows.
    read_ms: i128,
    operations: Vec<Shown>,
    told: Option<Told>,
    /// `None`: nothing can be asked for.
    form_token: Option<String>,
    is_signed_in: bool,
    groups: Vec<DomainGroup>,
    has_records: bool,
    forms: [Form; 5],
    certificate: Option<Validity>,
    leaf: Option<Leaf>,
    earlier: Vec<EarlierCertificate>,
    distribution: Distribution,
    outside: OutsideCheck,
    outside_told: Option<Told>,
    /// `None`: no check from outside can be asked for.
    outside_token: Option<String>,
    history: Vec<HistoryRow>,
}

/// An operation with its heading.
struct Shown {
    id: &'static str,
    title: &'static str,
    now: Now,
}

impl<'v> Document<'v> {
    fn of(page: &Page, visit: Visit<'v>, responder: &str) -> Self {
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
        let groups = page.domains(responder);
        let is_offered = |group: &DomainGroup| group.rows.iter().any(|row| row.check.is_offered);
        let is_anything_offered = groups.iter().any(is_offered);
        let outside = page.outside();
        Self {
            title: page.title(),
            stylesheet: assets::stylesheet(),
            script: assets::script(),
            base: visit.base,
            read_at: page.read_at(),
            read_ms: page.status.now.unix_timestamp_nanos() / 1_000_000,
            operations: [asked].into_iter().chain(renewal).collect(),
            told: visit.outcome.and_then(|outcome| outcome.told(page)),
            form_token: visit.form_token.clone().filter(|_| is_anything_offered),
            is_signed_in: visit.is_signed_in,
            groups,
            has_records: !page.records().is_empty(),
            forms: Form::ALL,
            certificate: page.certificate(),
            leaf: in_use.and_then(|certificate| Leaf::read(&certificate.chain_pem)),
            earlier: page.earlier_certificates(),
            distribution: page.distribution(),
            outside_told: visit.outside.and_then(|outcome| outcome.told(page)),
            outside_token: visit.form_token.filter(|_| outside.is_offered),
            outside,
            history: page.history(),
        }
    }
}

#[cfg(test)]
mod templates;

#[cfg(test)]
pub(crate) mod tests;
