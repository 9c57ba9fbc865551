//! The records that prove the domains of an instance, as files for DNS servers and for Terraform: pure writers.
//!
//! Values come from CAs, and names from users. So nothing is trusted here: each writer escapes for its own form, and a value
//! that is no text of that form's can't end a string, add a line or become a formula.

mod cloudflare;
mod csv;
mod dns;
mod gathered;
mod hcl;
mod route53;
mod strings;
mod zone;

/// How long others may keep a record: short, since a wrong one is mended at once.
const TTL: u32 = 300;

/// All records of one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordSet {
    /// The name, without a trailing dot.
    pub name: String,
    /// What it has.
    pub data: Data,
}

/// The records of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// TXT records, by their values.
    Txt(Vec<String>),
    /// A CNAME record, by its target; it is the name's only record (RFC 1034 §3.6.2).
    Cname(String),
}

/// A form in which they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A zone file (RFC 1035 §5).
    Zone,
    /// Comma-separated values (RFC 4180).
    Csv,
    /// Terraform, for Route 53.
    Route53,
    /// Terraform, for Cloudflare.
    Cloudflare,
    /// Terraform, for any DNS server that takes updates (RFC 2136).
    Dns,
}

impl Form {
    /// All there are.
    pub const ALL: [Self; 5] = [Self::Zone, Self::Csv, Self::Route53, Self::Cloudflare, Self::Dns];

    /// The end of its file's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Zone => "zone",
            Self::Csv => "csv",
            Self::Route53 => "route53.tf",
            Self::Cloudflare => "cloudflare.tf",
            Self::Dns => "dns.tf",
        }
    }

    /// The form with this end of a file's name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.name() == name)
    }

    /// What it is called.
    pub fn label(self) -> &'static str {
        match self {
            Self::Zone => "Zone file",
            Self::Csv => "CSV",
            Self::Route53 => "Terraform for Route 53",
            Self::Cloudflare => "Terraform for Cloudflare",
            Self::Dns => "Terraform for other DNS servers",
        }
    }

    /// Its media type.
    pub fn content_type(self) -> &'static str {
        match self {
            // RFC 4027.
            Self::Zone => "text/dns; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Route53 | Self::Cloudflare | Self::Dns => "text/plain; charset=utf-8",
        }
    }

    /// The file.
    pub fn write(self, records: &[RecordSet]) -> String {
        match self {
            Self::Zone => zone::write(records),
            Self::Csv => csv::write(records),
            Self::Route53 => route53::write(records),
            Self::Cloudflare => cloudflare::write(records),
            Self::Dns => dns::write(records),
        }
    }
}

#[cfg(test)]
mod tests;
