//! Every kind of DNS server, one row each.

mod responder;
mod rfc2136;
mod route53;

use std::sync::Arc;

use crate::settings::InvalidSetting;
use crate::writer::DnsWriter;

writers! {
    /// Any server that takes dynamic updates (RFC 2136) signed with TSIG (RFC 8945): BIND, Knot, PowerDNS.
    Rfc2136, "rfc2136", rfc2136;
    /// Amazon Route 53.
    Route53, "route53", route53;
    /// The broker's own dns-responder.
    Responder, "responder", responder;
}
