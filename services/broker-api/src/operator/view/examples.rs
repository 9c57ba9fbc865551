//! An instance and a row of a list, for tests.

use serde_json::{Value, json};
use store::operator::{Dossier, InstanceLine};

const NOW: &str = "2026-11-24T12:04:40Z";

fn step(kind: &str, subject: &str, state: &str, waiting_for: &Value) -> Value {
    json!({
        "id": "00000000-0000-0000-0000-000000000003", "kind": kind, "service": "challenge-verifier", "subject": subject, "round": 1,
        "attempt": 3, "state": state, "verdict": null, "method": null, "waiting_for": waiting_for,
        "created_at": "2026-11-24T12:00:00Z", "checked_at": null, "due_at": "2026-11-24T12:05:00Z",
        "deadline_at": "2026-12-01T12:00:00Z", "published_at": null, "swept": 0, "crashes": 0, "ended_at": null,
    })
}

fn challenge(domain: &str, proved: bool, held_until: &Value) -> Value {
    json!({
        "domain": domain, "proved": proved, "rejections": 1, "ca_said": "<b>no</b> such name", "held_until": held_until,
        "step_state": "waiting", "method": null, "seen": {"v": 0, "text": "nothing found yet"}, "checked_at": "2026-11-24T12:04:00Z",
        "due_at": "2026-11-24T12:05:00Z", "valid": false, "account_uri": null, "challenges": null,
    })
}

/// An instance that is being updated. One of its domains is held, the other one it has.
pub(in crate::operator) fn dossier() -> Dossier {
    let evil = json!({"v": 0, "text": "<img src=x onerror=alert(1)>"});
    let value = json!({
        "id": "i/1 <script>", "tenant": "org-1", "service_id": "s", "plan_id": "p", "settings": {},
        "domains": ["api.example.com", "www.example.com"], "distribution_id": "E1", "distribution_domain": "d1.cloudfront.net",
        "function_name": null, "created_at": "2026-11-01T00:00:00Z", "deleted_at": null, "read_at": NOW,
        "certificates": [{
            "id": "00000000-0000-0000-0000-000000000001", "names": ["www.example.com"], "chain_pem": "", "reference": null,
            "not_before": "2026-11-01T00:00:00Z", "not_after": "2027-01-30T00:00:00Z", "renew_at": null,
            "attached_at": "2026-11-01T00:10:00Z", "retired_at": null, "revoke_before": null, "revoked_at": null,
            "revoke_problem": null, "created_at": "2026-11-01T00:05:00Z",
        }],
        "operations": [{
            "id": "00000000-0000-0000-0000-000000000002", "kind": "update", "state": "running", "failure": null, "cause": null,
            "platform": "cf-eu", "originating_identity": {"platform": "cloudfoundry"}, "request_identity": null, "target": null,
            "created_at": "2026-11-24T12:00:00Z", "deadline_at": "2026-12-01T12:00:00Z", "ended_at": null,
            "steps": [step("verify-challenge", "api.example.com", "waiting", &evil)],
        }],
        "challenges": [
            challenge("api.example.com", false, &json!("2026-11-24T13:00:00Z")),
            challenge("www.example.com", true, &Value::Null),
        ],
    });
    serde_json::from_value(value).unwrap()
}

/// The same in a list.
pub(in crate::operator) fn line() -> InstanceLine {
    let value = json!({
        "id": "i/1 <script>", "tenant": "org-1", "domains": ["a.test", "b.test", "c.test", "d.test"], "distribution_id": null,
        "created_at": "2026-11-01T00:00:00Z", "deleted_at": null, "operation": "00000000-0000-0000-0000-000000000002",
        "kind": "update", "state": "running", "operation_created_at": "2026-11-24T12:00:00Z", "operation_ended_at": null,
        "failure": null, "cause": null, "waiting": 3, "waiting_step": "verify-challenge", "waiting_subject": "a.test",
        "waiting_for": {"v": 0, "text": "nothing found yet"}, "due_at": "2026-11-24T12:05:00Z",
        "certificate_not_after": null, "read_at": NOW,
    });
    serde_json::from_value(value).unwrap()
}
