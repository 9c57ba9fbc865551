//! Terraform for Route 53 (provider hashicorp/aws, `aws_route53_record`).

use super::hcl::{Names, list, string, zone};
use super::strings::{name, octal, strings};
use super::{Data, RecordSet, TTL};

const HEADING: &str = "\
# What proves the domains of a cdn-broker service, for the provider hashicorp/aws.

variable \"zone_ids\" {
  description = \"The id of each domain's hosted zone\"
  type        = map(string)
}
";

pub(super) fn write(records: &[RecordSet]) -> String {
    let mut names = Names::default();
    let mut file = HEADING.to_owned();
    for record in records {
        let (kind, values) = match &record.data {
            // A value of several strings is written with `""` between them; the provider puts the quotes around.
            Data::Txt(values) => (
                "TXT",
                list(values.iter().map(|value| strings(value, octal).join("\"\""))),
            ),
            Data::Cname(target) => ("CNAME", list([name(target, octal)].into_iter())),
        };
        file.push_str(&format!(
            "\nresource \"aws_route53_record\" \"{}\" {{\n  zone_id = var.zone_ids[{}]\n  name    = {}\n  type    = \"{kind}\"\n  \
             ttl     = {TTL}\n  records = {values}\n}}\n",
            names.of(&kind.to_lowercase(), &record.name),
            string(zone(&record.name)),
            string(&name(&record.name, octal)),
        ));
    }
    file
}
