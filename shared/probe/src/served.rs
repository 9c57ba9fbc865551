//! Parses a presented certificate. Pure.

use pipeline::domain::covers;
use pipeline::outside::Served;
use time::OffsetDateTime;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use crate::shown;

/// The leaf that was presented for the host, as of `now`; `attached` is the expected one, DER. `None`: it can't be
/// parsed.
pub(crate) fn read(leaf: &[u8], host: &str, attached: Option<&[u8]>, now: OffsetDateTime) -> Option<Served> {
    let (_, certificate) = X509Certificate::from_der(leaf).ok()?;
    let alternative = certificate.subject_alternative_name().ok().flatten();
    let names: Vec<String> = alternative
        .iter()
        .flat_map(|alternative| &alternative.value.general_names)
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(shown::clean(name)),
            _ => None,
        })
        .collect();
    let issuer = certificate.issuer();
    let common = issuer.iter_common_name().next().and_then(|name| name.as_str().ok());
    let (not_before, not_after) = (
        certificate.validity().not_before.to_datetime(),
        certificate.validity().not_after.to_datetime(),
    );
    Some(Served {
        issuer: shown::plain(common.map_or_else(|| issuer.to_string(), str::to_owned).as_str()),
        serial: certificate.raw_serial_as_string(),
        covers: names
            .iter()
            .any(|name| covers(&name.to_ascii_lowercase(), &host.to_ascii_lowercase())),
        names,
        not_before,
        not_after,
        age_days: (now - not_before).whole_days(),
        // Rounded down, so that a certificate that expired an hour ago has a negative number of days left.
        days_left: (not_after - now).whole_seconds().div_euclid(86_400),
        attached: attached == Some(leaf),
    })
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};
    use time::macros::datetime;

    use super::*;

    #[test]
    fn age_names_and_whether_it_is_the_one() {
        let mut params = CertificateParams::new(vec!["www.example.com".into(), "*.shop.example.com".into()]).unwrap();
        params.not_before = datetime!(2026-01-01 0:00 UTC);
        params.not_after = datetime!(2026-04-01 0:00 UTC);
        let leaf = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let at = |now, domain| read(leaf.der(), domain, Some(leaf.der()), now).unwrap();
        let served = at(datetime!(2026-01-31 12:00 UTC), "WWW.example.com");
        assert_eq!((served.age_days, served.days_left), (30, 59));
        assert!(served.covers && served.attached);
        assert!(at(datetime!(2026-02-01 0:00 UTC), "a.shop.example.com").covers);
        assert!(!at(datetime!(2026-02-01 0:00 UTC), "a.b.shop.example.com").covers);
        assert_eq!(at(datetime!(2026-04-01 1:00 UTC), "www.example.com").days_left, -1);
        assert!(
            !read(leaf.der(), "www.example.com", None, datetime!(2026-02-01 0:00 UTC))
                .unwrap()
                .attached
        );
        assert_eq!(
            read(b"nonsense", "www.example.com", None, datetime!(2026-02-01 0:00 UTC)),
            None
        );
    }
}
