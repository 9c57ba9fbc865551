//! What a tenant reads out of the status text and types into their DNS. The tests know the values from nowhere else.

/// The text with its folded lines in one piece: the rest of a folded line begins with four blanks, which nothing else does.
pub fn unfolded(description: &str) -> String {
    description.replace("\n    ", " ")
}

/// The value of the first set-once record; mostly it is the same for each of a tenant's domains.
pub fn persist_value(description: &str) -> Option<String> {
    persist_at(description, "_validation-persist.")
}

/// The value of a domain's set-once record.
pub fn persist_value_of(description: &str, domain: &str) -> Option<String> {
    let domain = domain.strip_prefix("*.").unwrap_or(domain);
    let own = persist_at(description, &format!("_validation-persist.{domain}"));
    own.or_else(|| persist_at(description, "_validation-persist.<domain>"))
}

/// It stands behind the name, or above the names that have it in common.
fn persist_at(description: &str, name: &str) -> Option<String> {
    let mut common = None;
    for line in description.lines() {
        if line.starts_with('"') {
            common = Some(line);
        }
        let is_it = line
            .strip_prefix(name)
            .is_some_and(|rest| name.ends_with('.') || rest.is_empty() || rest.starts_with(' '));
        if is_it {
            return quoted(line).or_else(|| quoted(common?));
        }
    }
    None
}

/// This order's TXT value for a domain; of a wildcard and its name the first.
pub fn dns01_value(description: &str, domain: &str) -> Option<String> {
    dns01_values(description, domain).into_iter().next()
}

/// All of this order's TXT values at a domain's name.
pub fn dns01_values(description: &str, domain: &str) -> Vec<String> {
    let record = format!("_acme-challenge.{domain} TXT ");
    let lines = description.lines().filter(|line| line.starts_with(&record));
    lines.filter_map(quoted).collect()
}

/// Where a domain's `_acme-challenge` name is to lead, for ever.
pub fn cname_target(description: &str, domain: &str) -> Option<String> {
    let domain = domain.strip_prefix("*.").unwrap_or(domain);
    let record = format!("_acme-challenge.{domain} CNAME ");
    let target = description.lines().find_map(|line| line.strip_prefix(&record))?;
    Some(target.to_owned())
}

/// Where to redirect `/.well-known/acme-challenge/` to.
pub fn redirect_target(description: &str) -> Option<String> {
    let (_, rest) = description.split_once("/.well-known/acme-challenge/*\nto\n")?;
    let target = rest.split_whitespace().next()?;
    Some(target.trim_end_matches('*').to_string())
}

/// The lines about what was seen of one domain.
pub fn about<'d>(description: &'d str, domain: &str) -> Vec<&'d str> {
    description
        .lines()
        .skip_while(|line| !line.starts_with(&format!("{domain}:")))
        .enumerate()
        .take_while(|(at, line)| *at == 0 || line.starts_with("  "))
        .map(|(_, line)| line)
        .collect()
}

fn quoted(line: &str) -> Option<String> {
    let (_, quoted) = line.split_once('"')?;
    let (value, _) = quoted.split_once('"')?;
    Some(value.to_string())
}
