//! The certificate in use: how much of its life is over, and when it is renewed; and those before it.

use time::OffsetDateTime;

use super::Page;
use super::facts::CertificateFacts;
use super::names::Name;
use crate::operation::OperationKind;
use crate::renewal::RenewBy;
use crate::shown::lasting;
use crate::status::{moment, notes};

/// The certificate in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validity {
    /// Its names.
    pub names: Vec<Name>,
    /// Start of its validity.
    pub from: String,
    /// End of its validity.
    pub until: String,
    /// How long it is still valid.
    pub left: String,
    /// Its life as a bar.
    pub life: Life,
    /// When it is renewed, and why then.
    pub renewal: String,
}

/// A life, in percent of its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// How much of it is over.
    pub over: u8,
    /// Where the renewal is planned.
    pub renewal: Option<u8>,
}

/// A certificate that was in use before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlierCertificate {
    /// Its names.
    pub names: Vec<Name>,
    /// From when to when the distribution was told to use it.
    pub used: String,
    /// End of its validity.
    pub until: String,
    /// When the CA revoked it.
    pub revoked: Option<String>,
}

impl Page {
    /// The certificate in use.
    pub fn certificate(&self) -> Option<Validity> {
        let certificate = self.facts.certificate.as_ref()?;
        let now = self.status.now;
        let left = certificate.not_after - now;
        let renewed_no_more = self.renewed_no_more();
        Some(Validity {
            names: names(certificate),
            from: moment(certificate.not_before),
            until: moment(certificate.not_after),
            left: match left.is_positive() {
                true => format!("Valid for {} more.", lasting(left)),
                false => format!("It expired {} ago.", lasting(-left)),
            },
            life: Life::of(certificate, renewed_no_more.is_none(), now),
            renewal: renewed_no_more.map_or_else(|| renewal(certificate, now), str::to_owned),
        })
    }

    /// Why the certificate is not renewed any more, if it isn't.
    fn renewed_no_more(&self) -> Option<&'static str> {
        match self.status.kind {
            OperationKind::Deprovision => Some("It is not renewed any more: the service is to be deleted."),
            _ => notes::has_lost_all(&self.status).then_some(notes::RENEWED_NO_MORE),
        }
    }

    /// Those before it, the newest first.
    pub fn earlier_certificates(&self) -> Vec<EarlierCertificate> {
        self.facts.earlier.iter().map(EarlierCertificate::of).collect()
    }
}

impl Life {
    fn of(certificate: &CertificateFacts, is_renewed: bool, now: OffsetDateTime) -> Self {
        let (begin, whole) = (certificate.not_before, certificate.not_after - certificate.not_before);
        let percent = |at: OffsetDateTime| {
            let share = (at - begin).whole_seconds().saturating_mul(100) / whole.whole_seconds().max(1);
            u8::try_from(share.clamp(0, 100)).unwrap_or(100)
        };
        Self {
            over: percent(now),
            renewal: certificate.renew_at.filter(|_| is_renewed).map(percent),
        }
    }
}

impl EarlierCertificate {
    fn of(certificate: &CertificateFacts) -> Self {
        let date = |at: Option<OffsetDateTime>| at.map_or_else(|| "?".to_owned(), |at| at.date().to_string());
        Self {
            names: names(certificate),
            used: match certificate.retired_at {
                Some(_) => format!("{} to {}", date(certificate.attached_at), date(certificate.retired_at)),
                None => format!("from {}, still to be removed", date(certificate.attached_at)),
            },
            until: certificate.not_after.date().to_string(),
            revoked: certificate.revoked_at.map(moment),
        }
    }
}

fn names(certificate: &CertificateFacts) -> Vec<Name> {
    certificate.names.iter().map(|name| Name::of(name)).collect()
}

fn renewal(certificate: &CertificateFacts, now: OffsetDateTime) -> String {
    let when = match certificate.renew_at {
        None => return "When it is renewed is not decided yet.".to_owned(),
        Some(at) if at > now => format!("It is renewed by itself at {}, in {}.", moment(at), lasting(at - now)),
        Some(at) => format!("Its renewal has been due since {}.", moment(at)),
    };
    match certificate.renew_by.map(why_then) {
        Some(why) => format!("{when} {why}"),
        None => when,
    }
}

fn why_then(renew_by: RenewBy) -> &'static str {
    match renew_by {
        RenewBy::Ca => "The CA has suggested that time.",
        RenewBy::Share => "Your operator has set after which share of its life it is renewed.",
        RenewBy::Operator => "Your operator has asked for it.",
    }
}
