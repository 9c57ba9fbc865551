//! Selects the chain when the CA offers several for a certificate (RFC 8555 §7.4.2). Pure.

use http::header::{HeaderMap, LINK};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// The most alternate chains that are considered.
const MOST: usize = 8;

/// The URLs of the alternate chains (`Link` with `rel="alternate"`, RFC 8288 §3), in the CA's order; absolute URLs
/// only.
pub(crate) fn alternates(headers: &HeaderMap) -> Vec<String> {
    headers
        .get_all(LINK)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(links)
        .filter(|(url, parameters)| url.starts_with("https://") && !url.contains('<') && is_alternate(parameters))
        .map(|(url, _)| url.to_owned())
        .take(MOST)
        .collect()
}

/// The links of a header value, each with its parameters. A comma may be part of a URL.
fn links(value: &str) -> Vec<(&str, &str)> {
    let mut all = Vec::new();
    let mut rest = value;
    while let Some((url, after)) = rest.split_once('<').and_then(|(_, begun)| begun.split_once('>')) {
        let next = [",<", ", <"].into_iter().filter_map(|begin| after.find(begin)).min();
        let end = next.unwrap_or(after.len());
        let (parameters, following) = after.split_at(end);
        all.push((url, parameters));
        rest = following;
    }
    all
}

fn is_alternate(parameters: &str) -> bool {
    parameters
        .split(';')
        .filter_map(|one| one.split_once('='))
        .any(|(name, value)| {
            let mut relations = value.trim().trim_matches('"').split_ascii_whitespace();
            name.trim().eq_ignore_ascii_case("rel")
                && relations.any(|relation| relation.eq_ignore_ascii_case("alternate"))
        })
}

/// Whether the issuer of the chain's topmost certificate has this common name: the test of `certbot --preferred-chain`.
pub(crate) fn is_issued_by(chain_pem: &str, common_name: &str) -> bool {
    let certificates = CertificateDer::pem_slice_iter(chain_pem.as_bytes());
    let Some(Ok(top)) = certificates.last() else {
        return false;
    };
    let Ok((_, top)) = X509Certificate::from_der(&top) else {
        return false;
    };
    top.issuer()
        .iter_common_name()
        .any(|name| name.as_str().is_ok_and(|name| name == common_name))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn found(values: &[&'static str]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(LINK, HeaderValue::from_static(value));
        }
        alternates(&headers)
    }

    #[test]
    fn alternates_are_found_however_they_are_written() {
        let index = "<https://ca/dir>;rel=\"index\"";
        for values in [
            &[
                index,
                "<https://ca/cert/1/alternate/1>;rel=\"alternate\"",
                "<https://ca/2>; Rel=alternate",
            ][..],
            &[
                "<https://ca/dir>;rel=\"index\", <https://ca/cert/1/alternate/1>; rel=\"alternate\",<https://ca/2>;rel=\"up alternate\"",
            ],
        ] {
            assert_eq!(
                found(values),
                ["https://ca/cert/1/alternate/1", "https://ca/2"],
                "{values:?}"
            );
        }
        assert_eq!(
            found(&["<https://ca/a,b>;rel=\"alternate\";title=\"x\""]),
            ["https://ca/a,b"]
        );
        for nothing in [
            "",
            "<",
            "<>",
            "<https://ca/1>",
            "<http://ca/1>;rel=\"alternate\"",
            "https://ca/1;rel=alternate",
            "<https://ca/<https://ca/>;rel=\"alternate\"",
        ] {
            assert!(found(&[nothing]).is_empty(), "{nothing}");
        }
        let many = format!("{}<https://ca/z>;rel=x", "<https://ca/1>;rel=\"alternate\",".repeat(20));
        let mut headers = HeaderMap::new();
        headers.append(LINK, HeaderValue::from_str(&many).unwrap());
        assert_eq!(alternates(&headers).len(), MOST);
    }

    #[test]
    fn the_topmost_certificates_issuer_is_the_chains() {
        use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
        let ca = |name: &str| {
            let mut params = CertificateParams::new(Vec::new()).unwrap();
            params.distinguished_name.push(DnType::CommonName, name);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params
        };
        let (root_key, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let root = Issuer::new(ca("Root X1"), root_key);
        let middle = ca("Middle").signed_by(&key, &root).unwrap().pem();
        let leaf = CertificateParams::new(vec!["a.example".into()])
            .unwrap()
            .signed_by(&KeyPair::generate().unwrap(), &Issuer::new(ca("Middle"), key))
            .unwrap()
            .pem();
        let chain = format!("{leaf}{middle}");
        assert!(is_issued_by(&chain, "Root X1") && !is_issued_by(&chain, "Middle"));
        assert!(is_issued_by(&leaf, "Middle"));
        assert!(!is_issued_by("", "Root X1") && !is_issued_by("nonsense", "Root X1"));
    }
}
