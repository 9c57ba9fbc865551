//! Maps a method and URL to an operation.

use http::{Method, Uri};

use crate::percent;

const VERSION: &str = "2013-04-01";

/// A Route 53 call with the parameters in its URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// `POST /hostedzone/{Id}/rrset`
    ChangeResourceRecordSets(String),
    /// `GET /hostedzone/{Id}/rrset?name&type&identifier&maxitems`
    ListResourceRecordSets {
        /// The zone's id.
        zone: String,
        /// Where the page begins: name, type and set identifier, as sent.
        from: [Option<String>; 3],
        /// Items per page, as sent.
        max_items: Option<String>,
    },
    /// `GET /change/{Id}`
    GetChange(String),
}

impl Operation {
    /// The operation's name in the service model.
    pub fn name(&self) -> &'static str {
        match self {
            Self::ChangeResourceRecordSets(_) => "ChangeResourceRecordSets",
            Self::ListResourceRecordSets { .. } => "ListResourceRecordSets",
            Self::GetChange(_) => "GetChange",
        }
    }
}

/// The operation, or `None` for a URL that is not simulated.
pub fn route(method: &Method, uri: &Uri) -> Option<Operation> {
    let query = percent::pairs(uri.query().unwrap_or_default(), true);
    let param = |name: &str| {
        percent::value(&query, name)
            .filter(|value| !value.is_empty())
            .map(str::to_owned)
    };
    let path = uri.path().trim_matches('/').split('/').collect::<Vec<_>>();
    let (&VERSION, path) = path.split_first()? else {
        return None;
    };
    Some(match (method.as_str(), path) {
        ("POST", ["hostedzone", zone, "rrset"]) => Operation::ChangeResourceRecordSets((*zone).to_owned()),
        ("GET", ["hostedzone", zone, "rrset"]) => Operation::ListResourceRecordSets {
            zone: (*zone).to_owned(),
            from: ["name", "type", "identifier"].map(param),
            max_items: param("maxitems"),
        },
        ("GET", ["change", id]) => Operation::GetChange((*id).to_owned()),
        _ => return None,
    })
}
