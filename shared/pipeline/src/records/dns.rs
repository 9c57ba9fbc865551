//! Terraform for any DNS server that takes updates (provider hashicorp/dns, `dns_txt_record_set` and `dns_cname_record`).

use super::hcl::{Names, list, string, zone};
use super::strings::{decimal, name, strings};
use super::{Data, RecordSet, TTL};

const HEADING: &str = "\
# What proves the domains of a cdn-broker service, for the provider hashicorp/dns. If a zone is another one, change `zone` and `name`.
";

pub(super) fn write(records: &[RecordSet]) -> String {
    let mut names = Names::default();
    let mut file = HEADING.to_owned();
    for record in records {
        let (kind, resource, value) = match &record.data {
            // The provider puts the quotes around, and divides long values.
            Data::Txt(values) => {
                let values = list(values.iter().map(|value| strings(value, decimal).concat()));
                ("txt", "dns_txt_record_set", values)
            }
            Data::Cname(target) => {
                let target = string(&format!("{}.", name(target, decimal)));
                ("cname", "dns_cname_record", target)
            }
        };
        let zone = zone(&record.name);
        let relative = record.name.strip_suffix(zone).unwrap_or(&record.name);
        file.push_str(&format!(
            "\nresource \"{resource}\" \"{}\" {{\n",
            names.of(kind, &record.name)
        ));
        let width = kind.len().max("zone".len());
        for (key, value) in [
            ("zone", string(&format!("{}.", name(zone, decimal)))),
            ("name", string(&name(relative.trim_end_matches('.'), decimal))),
            (kind, value),
            ("ttl", TTL.to_string()),
        ] {
            file.push_str(&format!("  {key:<width$} = {value}\n"));
        }
        file.push_str("}\n");
    }
    file
}
