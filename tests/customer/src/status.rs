//! What a tenant reads out of the status text and types into their DNS. The tests know the values from nowhere else.

/// The value of the set-once record, the same for each of a tenant's domains.
pub fn persist_value(description: &str) -> Option<String> {
    quoted_after(description, "TXT _validation-persist.")
}

/// This order's TXT value for a domain.
pub fn dns01_value(description: &str, domain: &str) -> Option<String> {
    quoted_after(
        description,
        &format!("for this certificate only: TXT _acme-challenge.{domain} "),
    )
}

/// Where to redirect `/.well-known/acme-challenge/` to.
pub fn redirect_target(description: &str) -> Option<String> {
    let (_, rest) = description.split_once("/.well-known/acme-challenge/* to ")?;
    let target = rest.split_whitespace().next()?;
    Some(target.trim_end_matches('*').to_string())
}

/// The lines about one domain.
pub fn about<'d>(description: &'d str, domain: &str) -> Vec<&'d str> {
    description
        .lines()
        .skip_while(|line| !line.starts_with(&format!("{domain}:")))
        .enumerate()
        .take_while(|(at, line)| *at == 0 || line.starts_with("  "))
        .map(|(_, line)| line)
        .collect()
}

fn quoted_after(text: &str, mark: &str) -> Option<String> {
    let (_, rest) = text.split_once(mark)?;
    let line = rest.lines().next()?;
    let (_, quoted) = line.split_once('"')?;
    let (value, _) = quoted.split_once('"')?;
    Some(value.to_string())
}
