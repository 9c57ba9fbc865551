//! Looks at domains that wait to be proved.

/// Counts a look: `whole`, at everything; `glance`, at one server for each record, all of which were as before; `both`, a
/// glance that saw a change, and a whole look.
pub fn looked(depth: &'static str) {
    metrics::counter!("domain_looks_total", "depth" => depth).increment(1);
}
