//! Terraform for Cloudflare (provider cloudflare/cloudflare 5, `cloudflare_dns_record`): a resource for each record.

use super::hcl::{Names, string, zone};
use super::strings::{decimal, name, quoted};
use super::{Data, RecordSet, TTL};

const HEADING: &str = "\
# What proves the domains of a cdn-broker service, for the provider cloudflare/cloudflare, version 5.

variable \"zone_ids\" {
  description = \"The id of each domain's zone\"
  type        = map(string)
}
";

pub(super) fn write(records: &[RecordSet]) -> String {
    let mut names = Names::default();
    let mut file = HEADING.to_owned();
    for record in records {
        match &record.data {
            Data::Txt(values) => {
                for value in values {
                    let content = quoted(value, decimal);
                    file.push_str(&resource(&names.of("txt", &record.name), record, "TXT", &content, ""));
                }
            }
            Data::Cname(target) => {
                // Cloudflare would answer in place of the name.
                let proxied = "  proxied = false\n";
                let content = name(target, decimal);
                file.push_str(&resource(
                    &names.of("cname", &record.name),
                    record,
                    "CNAME",
                    &content,
                    proxied,
                ));
            }
        }
    }
    file
}

fn resource(called: &str, record: &RecordSet, kind: &str, content: &str, more: &str) -> String {
    format!(
        "\nresource \"cloudflare_dns_record\" \"{called}\" {{\n  zone_id = var.zone_ids[{}]\n  name    = {}\n  type    = \"{kind}\"\n  \
         ttl     = {TTL}\n  content = {}\n{more}}}\n",
        string(zone(&record.name)),
        string(&name(&record.name, decimal)),
        string(content),
    )
}
