use super::*;

/// What an attacker might get into a value: the end of a string, a line, a template, a formula.
const HOSTILE: &str = "=a\"b\\c${d}%{e}\n\u{e9}$${f}";

fn txt(name: &str, values: &[&str]) -> RecordSet {
    RecordSet {
        name: name.to_owned(),
        data: Data::Txt(values.iter().map(|value| (*value).to_owned()).collect()),
    }
}

fn records() -> Vec<RecordSet> {
    vec![
        RecordSet {
            name: "_acme-challenge.www.example.co.uk".to_owned(),
            data: Data::Cname("x7k2.acme.example".to_owned()),
        },
        txt(
            "_validation-persist.example.com",
            &["ca.example;accounturi=https://ca.example/acct/1"],
        ),
    ]
}

#[test]
fn a_zone_file_has_absolute_names_and_strings_that_a_server_reads() {
    insta::assert_snapshot!(Form::Zone.write(&records()), @r#"
    ; What proves the domains of a cdn-broker service. Include it in your zone.
    _acme-challenge.www.example.co.uk. 300 IN CNAME x7k2.acme.example.
    _validation-persist.example.com. 300 IN TXT "ca.example;accounturi=https://ca.example/acct/1"
    "#);
    let hostile = Form::Zone.write(&[txt("a b;c\n.example.com", &[HOSTILE])]);
    let lines: Vec<&str> = hostile.lines().collect();
    assert_eq!(
        lines[1..],
        [r#"a\032b\059c\010.example.com. 300 IN TXT "=a\"b\\c${d}%{e}\010\195\169$${f}""#]
    );
    let long = Form::Zone.write(&[txt("a.example", &[&"x".repeat(300)])]);
    assert!(
        long.contains(&format!("TXT \"{}\" \"{}\"\n", "x".repeat(255), "x".repeat(45))),
        "{long}"
    );
}

#[test]
fn a_cell_is_text_for_every_spreadsheet() {
    assert_eq!(
        Form::Csv.write(&records()),
        "\"name\",\"type\",\"value\"\r\n\
         \"_acme-challenge.www.example.co.uk\",\"CNAME\",\"x7k2.acme.example\"\r\n\
         \"_validation-persist.example.com\",\"TXT\",\"ca.example;accounturi=https://ca.example/acct/1\"\r\n"
    );
    for formula in ["=1+1", "+1", "-1", "@sum", "\t=1", "\r=1", "\n=1", "＝1"] {
        let file = Form::Csv.write(&[txt("a.example", &[formula])]);
        assert!(file.ends_with(&format!("\"TXT\",\"'{formula}\"\r\n")), "{file}");
    }
    let file = Form::Csv.write(&[txt("a.example", &["a\",\"b"])]);
    assert!(file.ends_with("\"TXT\",\"a\"\",\"\"b\"\r\n"), "{file}");
}

#[test]
fn route_53_has_a_resource_for_each_name() {
    insta::assert_snapshot!(Form::Route53.write(&records()), @r#"
    # What proves the domains of a cdn-broker service, for the provider hashicorp/aws.

    variable "zone_ids" {
      description = "The id of each domain's hosted zone"
      type        = map(string)
    }

    resource "aws_route53_record" "cname__acme_challenge_www_example_co_uk" {
      zone_id = var.zone_ids["example.co.uk"]
      name    = "_acme-challenge.www.example.co.uk"
      type    = "CNAME"
      ttl     = 300
      records = ["x7k2.acme.example"]
    }

    resource "aws_route53_record" "txt__validation_persist_example_com" {
      zone_id = var.zone_ids["example.com"]
      name    = "_validation-persist.example.com"
      type    = "TXT"
      ttl     = 300
      records = ["ca.example;accounturi=https://ca.example/acct/1"]
    }
    "#);
    let file = Form::Route53.write(&[txt("a.example.com", &[HOSTILE, &"x".repeat(256)])]);
    let hostile = r#""=a\\\"b\\\\c\u0024{d}\u0025{e}\\012\\303\\251$\u0024{f}""#;
    let long = format!("\"{}\\\"\\\"x\"", "x".repeat(255));
    assert!(file.contains(&format!("  records = [{hostile}, {long}]\n")), "{file}");
}

#[test]
fn cloudflare_has_a_resource_for_each_record_and_is_no_proxy() {
    let two = [records().remove(0), txt("_acme-challenge.example.com", &["one", "two"])];
    insta::assert_snapshot!(Form::Cloudflare.write(&two), @r#"
    # What proves the domains of a cdn-broker service, for the provider cloudflare/cloudflare, version 5.

    variable "zone_ids" {
      description = "The id of each domain's zone"
      type        = map(string)
    }

    resource "cloudflare_dns_record" "cname__acme_challenge_www_example_co_uk" {
      zone_id = var.zone_ids["example.co.uk"]
      name    = "_acme-challenge.www.example.co.uk"
      type    = "CNAME"
      ttl     = 300
      content = "x7k2.acme.example"
      proxied = false
    }

    resource "cloudflare_dns_record" "txt__acme_challenge_example_com" {
      zone_id = var.zone_ids["example.com"]
      name    = "_acme-challenge.example.com"
      type    = "TXT"
      ttl     = 300
      content = "\"one\""
    }

    resource "cloudflare_dns_record" "txt__acme_challenge_example_com_2" {
      zone_id = var.zone_ids["example.com"]
      name    = "_acme-challenge.example.com"
      type    = "TXT"
      ttl     = 300
      content = "\"two\""
    }
    "#);
    let file = Form::Cloudflare.write(&[txt("a.example.com", &[HOSTILE])]);
    let content = r#"  content = "\"=a\\\"b\\\\c\u0024{d}\u0025{e}\\010\\195\\169$\u0024{f}\"""#;
    assert!(file.contains(content), "{file}");
}

#[test]
fn other_servers_get_zone_and_name_apart() {
    insta::assert_snapshot!(Form::Dns.write(&records()), @r#"
    # What proves the domains of a cdn-broker service, for the provider hashicorp/dns. If a zone is another one, change `zone` and `name`.

    resource "dns_cname_record" "cname__acme_challenge_www_example_co_uk" {
      zone  = "example.co.uk."
      name  = "_acme-challenge.www"
      cname = "x7k2.acme.example."
      ttl   = 300
    }

    resource "dns_txt_record_set" "txt__validation_persist_example_com" {
      zone = "example.com."
      name = "_validation-persist"
      txt  = ["ca.example;accounturi=https://ca.example/acct/1"]
      ttl  = 300
    }
    "#);
    let file = Form::Dns.write(&[txt("a.example.com", &[HOSTILE])]);
    assert!(
        file.contains(r#"  txt  = ["=a\\\"b\\\\c\u0024{d}\u0025{e}\\010\\195\\169$\u0024{f}"]"#),
        "{file}"
    );
}

#[test]
fn names_that_look_alike_have_resources_of_their_own() {
    let file = Form::Route53.write(&[txt("a-b.example.com", &["1"]), txt("a.b.example.com", &["2"])]);
    assert!(
        file.contains("\"txt_a_b_example_com\" {") && file.contains("\"txt_a_b_example_com_2\" {"),
        "{file}"
    );
}

#[test]
fn a_form_is_found_by_the_end_of_its_files_name() {
    for form in Form::ALL {
        assert_eq!(Form::named(form.name()), Some(form));
    }
    assert_eq!(Form::named("tf"), None);
}
