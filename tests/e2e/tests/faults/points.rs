//! The points of a delivery, as shared/crash-points names them.

/// How many outside calls an attempt makes at the kind of step when all goes well, in the order of the pipeline.
/// `create-distribution` and `configure-distribution`: with a function that is made for it. `attach-certificate`: a renewal's. `settle-function`: turned around.
/// `place-order`: directory or nonce, account, order, one authorization; the first attempt of a process makes more.
const CALLS: [(&str, usize); 15] = [
    ("place-order", 4),
    ("publish-challenges", 1),
    ("verify-challenge", 1),
    ("answer-challenges", 4),
    ("await-validation", 2),
    ("finalize-order", 3),
    ("upload-certificate", 1),
    ("create-distribution", 4),
    ("attach-certificate", 2),
    ("configure-distribution", 5),
    ("await-deployment", 1),
    ("disable-distribution", 2),
    ("delete-distribution", 2),
    ("settle-function", 3),
    ("retire-certificates", 1),
];

/// The boundaries of every delivery.
const BOUNDARIES: [&str; 4] = ["before-handler", "before-record", "before-publish", "before-ack"];

/// Every step kind with its outside calls.
pub(crate) fn kinds() -> impl Iterator<Item = (&'static str, usize)> {
    CALLS.into_iter()
}

/// Every point there is: the boundaries, and before and after every outside call.
pub(crate) fn all() -> Vec<String> {
    let mut all = Vec::new();
    for (kind, calls) in kinds() {
        all.extend(BOUNDARIES.iter().map(|place| format!("{kind}@{place}")));
        all.extend(moments(kind, calls));
    }
    all
}

/// The points around the outside calls of a kind.
pub(crate) fn moments(kind: &str, calls: usize) -> Vec<String> {
    (1..=calls)
        .flat_map(|n| [format!("{kind}@call-{n}"), format!("{kind}@answer-{n}")])
        .collect()
}

/// The service whose process comes by a point.
pub(crate) fn service(point: &str) -> &'static str {
    match point.split('@').next().unwrap_or_default() {
        "verify-challenge" => "challenge-verifier",
        "place-order" | "publish-challenges" | "answer-challenges" | "await-validation" | "finalize-order" => {
            "certificate-issuer"
        }
        "upload-certificate" | "attach-certificate" | "retire-certificates" => "cert-installer",
        _ => "distribution",
    }
}
