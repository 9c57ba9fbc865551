//! Maps a method and URL to an operation.

use http::{Method, Uri};

use crate::percent;

const VERSION: &str = "2020-05-31";

/// A CloudFront call with the parameters in its URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// `POST /distribution`
    CreateDistribution,
    /// `POST /distribution?WithTags`
    CreateDistributionWithTags,
    /// `GET /distribution/{Id}`
    GetDistribution(String),
    /// `GET /distribution/{Id}/config`
    GetDistributionConfig(String),
    /// `PUT /distribution/{Id}/config`
    UpdateDistribution(String),
    /// `DELETE /distribution/{Id}`
    DeleteDistribution(String),
    /// `GET /distribution?Marker&MaxItems`
    ListDistributions {
        /// Where the page begins: the last id of the previous page.
        marker: Option<String>,
        /// Items per page, as sent.
        max_items: Option<String>,
    },
    /// `GET /conflicting-alias?DistributionId&Alias`
    ListConflictingAliases {
        /// The account's distribution whose certificate covers the alias.
        distribution: Option<String>,
        /// The alias asked about.
        alias: Option<String>,
        /// Items per page, as sent.
        max_items: Option<String>,
    },
    /// `PUT /distribution/{Id}/associate-alias?Alias`
    AssociateAlias {
        /// The distribution that gets it.
        distribution: String,
        /// The alias.
        alias: Option<String>,
    },
    /// `POST /function`
    CreateFunction,
    /// `GET /function?Marker&MaxItems&Stage`
    ListFunctions {
        /// Where the page begins: the last name of the previous page.
        marker: Option<String>,
        /// Items per page, as sent.
        max_items: Option<String>,
        /// Only functions that have this stage, as sent.
        stage: Option<String>,
    },
    /// `GET /function/{Name}/describe?Stage`
    DescribeFunction(String, Option<String>),
    /// `GET /function/{Name}?Stage`
    GetFunction(String, Option<String>),
    /// `PUT /function/{Name}`
    UpdateFunction(String),
    /// `POST /function/{Name}/publish`
    PublishFunction(String),
    /// `DELETE /function/{Name}`
    DeleteFunction(String),
    /// `POST /tagging?Operation=Tag&Resource`
    TagResource(Option<String>),
    /// `POST /tagging?Operation=Untag&Resource`
    UntagResource(Option<String>),
    /// `GET /tagging?Resource`
    ListTagsForResource(Option<String>),
}

impl Operation {
    /// The operation's name in the service model.
    pub fn name(&self) -> &'static str {
        match self {
            Self::CreateDistribution => "CreateDistribution",
            Self::CreateDistributionWithTags => "CreateDistributionWithTags",
            Self::GetDistribution(_) => "GetDistribution",
            Self::GetDistributionConfig(_) => "GetDistributionConfig",
            Self::UpdateDistribution(_) => "UpdateDistribution",
            Self::DeleteDistribution(_) => "DeleteDistribution",
            Self::ListDistributions { .. } => "ListDistributions",
            Self::ListConflictingAliases { .. } => "ListConflictingAliases",
            Self::AssociateAlias { .. } => "AssociateAlias",
            Self::CreateFunction => "CreateFunction",
            Self::ListFunctions { .. } => "ListFunctions",
            Self::DescribeFunction(..) => "DescribeFunction",
            Self::GetFunction(..) => "GetFunction",
            Self::UpdateFunction(_) => "UpdateFunction",
            Self::PublishFunction(_) => "PublishFunction",
            Self::DeleteFunction(_) => "DeleteFunction",
            Self::TagResource(_) => "TagResource",
            Self::UntagResource(_) => "UntagResource",
            Self::ListTagsForResource(_) => "ListTagsForResource",
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
    let path = uri
        .path()
        .trim_matches('/')
        .split('/')
        .map(|part| percent::decode(part, false))
        .collect::<Vec<_>>();
    let path = path.iter().map(String::as_str).collect::<Vec<_>>();
    let (&VERSION, path) = path.split_first()? else {
        return None;
    };
    Some(match (method.as_str(), path) {
        ("POST", ["distribution"]) if percent::value(&query, "WithTags").is_some() => {
            Operation::CreateDistributionWithTags
        }
        ("POST", ["distribution"]) => Operation::CreateDistribution,
        ("GET", ["distribution"]) => Operation::ListDistributions {
            marker: param("Marker"),
            max_items: param("MaxItems"),
        },
        ("GET", ["distribution", id]) => Operation::GetDistribution((*id).to_owned()),
        ("GET", ["distribution", id, "config"]) => Operation::GetDistributionConfig((*id).to_owned()),
        ("PUT", ["distribution", id, "config"]) => Operation::UpdateDistribution((*id).to_owned()),
        ("DELETE", ["distribution", id]) => Operation::DeleteDistribution((*id).to_owned()),
        ("PUT", ["distribution", id, "associate-alias"]) => Operation::AssociateAlias {
            distribution: (*id).to_owned(),
            alias: param("Alias"),
        },
        ("GET", ["conflicting-alias"]) => Operation::ListConflictingAliases {
            distribution: param("DistributionId"),
            alias: param("Alias"),
            max_items: param("MaxItems"),
        },
        ("POST", ["function"]) => Operation::CreateFunction,
        ("GET", ["function"]) => Operation::ListFunctions {
            marker: param("Marker"),
            max_items: param("MaxItems"),
            stage: param("Stage"),
        },
        ("GET", ["function", name, "describe"]) => Operation::DescribeFunction((*name).to_owned(), param("Stage")),
        ("GET", ["function", name]) => Operation::GetFunction((*name).to_owned(), param("Stage")),
        ("PUT", ["function", name]) => Operation::UpdateFunction((*name).to_owned()),
        ("POST", ["function", name, "publish"]) => Operation::PublishFunction((*name).to_owned()),
        ("DELETE", ["function", name]) => Operation::DeleteFunction((*name).to_owned()),
        ("GET", ["tagging"]) => Operation::ListTagsForResource(param("Resource")),
        ("POST", ["tagging"]) => match param("Operation").as_deref() {
            Some("Tag") => Operation::TagResource(param("Resource")),
            Some("Untag") => Operation::UntagResource(param("Resource")),
            _ => return None,
        },
        _ => return None,
    })
}
