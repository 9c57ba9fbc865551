//! Every text as the `cf` CLI shows it in a terminal of any width: text that is to be copied stays in one piece.

use proptest::prelude::*;
use time::macros::datetime;

use super::lines::WIDTH;
use super::*;
use crate::proof::examples::challenges;
use crate::reason::examples::{absent, seen, wrong};

const RESPONDER: &str = "https://cdn-broker.cloud.example.com";
const TARGET: &str = "d111111abcdef8.cloudfront.net";
/// Three blanks, the longest title ("message:") and three blanks more.
const BESIDE: usize = 14;

/// The last column of the CLI's table of keys and values: words are separated by blanks, so a line break is part of a
/// word and doesn't reset the count; a word that would exceed the terminal's width begins a new line (cli ccfd649d,
/// `util/ui/ui.go`, `displayWrappingTableWithWidth`; all of our texts have characters of one column).
fn wrapped(message: &str, terminal: usize) -> String {
    let room = terminal as i64 - BESIDE as i64;
    let mut shown = String::new();
    let mut width = 0i64;
    for word in message.split(' ') {
        let length = word.chars().filter(|c| *c != '\n').count() as i64;
        if width == 0 {
            width = length;
        } else if length + 1 + width > room {
            shown.push('\n');
            shown.push_str(&" ".repeat(BESIDE));
            width = length;
        } else {
            shown.push(' ');
            width += length + 1;
        }
        shown.push_str(word);
    }
    shown
}

/// The texts that a user can't copy in one go at some width.
fn torn<'c>(message: &str, copied: &'c [String]) -> Vec<(usize, &'c str)> {
    let at = |terminal| {
        let shown = wrapped(message, terminal);
        copied
            .iter()
            .filter(move |whole| !shown.contains(whole.as_str()))
            .map(move |whole| (terminal, whole.as_str()))
            .collect::<Vec<_>>()
    };
    (60..=220).flat_map(at).collect()
}

fn domain(name: &str, at: usize, hashed: bool) -> DomainView {
    let account = match hashed {
        true => format!("https://ca.example/account-hash/sha-256/{at:043}"),
        false => "https://acme-v02.api.letsencrypt.org/acme/acct/1234567890".to_owned(),
    };
    DomainView {
        waiting_for: seen(match at % 5 {
            0 => wrong(name, "an old value", &format!("{at:043}")),
            _ => absent(name),
        }),
        due_at: Some(datetime!(2026-11-24 12:09:16 UTC)),
        challenges: Some(challenges(&account, &format!("{at:043}"), name)),
        ca_said: (at % 7 == 1).then(|| "During secondary validation: no TXT record found".to_owned()),
        ..examples::domain(name)
    }
}

fn view(domains: Vec<DomainView>) -> View {
    View {
        tenant: "8b8c5c1e-2f1c-4c53-9b0e-6c9d6a1f0a01".to_owned(),
        ..examples::waiting(domains)
    }
}

fn set_once(view: &View, domain: &DomainView) -> Vec<String> {
    view.set_once(domain).iter().filter_map(ways::line).collect()
}

/// Everything that the user of this instance has to copy.
fn copied(view: &View) -> Vec<String> {
    let mut all = Vec::new();
    for domain in &view.domains {
        let dns01 = domain.challenge(Method::Dns01).unwrap();
        let ToSet::Txt { name, value } = dns01.to_set(&domain.domain, &view.tenancy(&[])) else {
            unreachable!("{dns01:?}")
        };
        for record in set_once(view, domain).into_iter().chain([ways::txt(&name, &value)]) {
            let (name, value) = record.split_once(" TXT ").unwrap();
            all.extend([name.to_owned(), value.to_owned()]);
        }
    }
    all
}

/// A line that is too long and is not there for its names and values.
fn too_long(text: &str) -> Option<&str> {
    let is_record = |line: &str| line.contains(" TXT \"") || line.contains(" CNAME ");
    let is_one_word = |line: &str| !line.trim().contains(' ');
    text.lines()
        .find(|line| line.chars().count() > WIDTH && !is_record(line) && !is_one_word(line))
}

/// Realistic names: up to this many labels.
fn names(count: usize) -> impl Strategy<Value = Vec<String>> {
    let label = "[a-z][a-z0-9-]{0,14}[a-z0-9]";
    let name = (prop::bool::weighted(0.1), label, label).prop_map(|(wildcard, host, zone)| match wildcard {
        true => format!("*.{zone}.example.com"),
        false => format!("{host}.{zone}.example.com"),
    });
    prop::collection::btree_set(name, 1..=count).prop_map(|names| names.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_record_comes_out_whole_at_every_width(names in names(20), hashed: bool) {
        let domains = names.iter().enumerate().map(|(at, name)| domain(name, at, hashed)).collect();
        let view = view(domains);
        let text = describe(&view, RESPONDER);
        let copied = copied(&view);
        prop_assert_eq!(torn(&text, &copied), vec![], "{}", text);
        prop_assert_eq!(too_long(&text), None, "{}", text);
    }
}

#[test]
fn a_hundred_domains_with_values_of_their_own_fit_and_come_out_whole() {
    for zone in ["example.com", "shop.a-rather-long-name.example.com"] {
        let domains = (0..100).map(|at| domain(&format!("customer-{at:03}.{zone}"), at, false));
        let view = view(domains.collect());
        let text = describe(&view, RESPONDER);
        assert!(text.len() <= MOST_BYTES, "{} bytes", text.len());
        // This many set-once records' names are shown as a pattern.
        let mut all = copied(&view);
        all.retain(|whole| !whole.starts_with("_validation-persist."));
        all.push("_validation-persist.<domain>".to_owned());
        assert_eq!(torn(&text, &all), vec![], "{text}");
        assert_eq!(too_long(&text), None, "{text}");
        assert_eq!(
            text.matches("letsencrypt.org;accounturi=").count(),
            1,
            "said once: {text}"
        );
        assert!(
            text.contains("The CloudFront distribution is made once"),
            "the end is not cut off: {text}"
        );
    }
}

#[test]
fn the_end_and_the_problems_come_out_whole() {
    let mut served = view(
        (0..2)
            .map(|at| domain(&format!("www{at}.example.com"), at, false))
            .collect(),
    );
    served.distribution_domain = Some(TARGET.to_owned());
    served.certificate_not_after = Some(datetime!(2027-02-22 12:00 UTC));
    served.domains[0].loses_at = Some(datetime!(2026-11-25 12:04 UTC));
    served.domains[1].lost_at = Some(datetime!(2026-11-25 12:04 UTC));
    let record = set_once(&served, &served.domains[0]).remove(0);
    let (name, value) = record.split_once(" TXT ").unwrap();
    let copied = [TARGET.to_owned(), name.to_owned(), value.to_owned()];
    for state in [OperationState::Running, OperationState::Succeeded] {
        served.state = state;
        let text = describe(&served, RESPONDER);
        let wanted = if state == OperationState::Running {
            &copied[..1]
        } else {
            &copied[..]
        };
        assert_eq!(torn(&text, wanted), vec![], "{text}");
        assert_eq!(too_long(&text), None, "{text}");
    }
}

/// Validates this test's judge: the value as it used to be written, with a blank, is torn.
#[test]
fn a_value_with_a_blank_is_torn_at_many_widths() {
    let value = "\"letsencrypt.org; accounturi=https://acme-v02.api.letsencrypt.org/acme/acct/1234567890\"".to_owned();
    let text =
        format!("Waiting for you: 1 of 1 domain needs a DNS record.\n_validation-persist.www.example.com TXT {value}");
    let copied = [value];
    let torn = torn(&text, &copied);
    assert!(torn.len() > 50, "{} widths", torn.len());
}

/// The CLI's own example (`util/ui/table_test.go`), with its 8 characters next to the column instead of ours.
#[test]
fn words_are_wrapped_as_the_cli_does() {
    let beside = " ".repeat(BESIDE);
    let shown = wrapped(&format!("{} {}", "a".repeat(15), "b".repeat(15)), BESIDE + 12);
    assert_eq!(shown, format!("{}\n{beside}{}", "a".repeat(15), "b".repeat(15)));
    assert_eq!(wrapped("hi hi", BESIDE + 12), "hi hi");
    // A line break doesn't reset the count.
    assert_eq!(wrapped("aaaa\nbbbb cc", BESIDE + 10), format!("aaaa\nbbbb\n{beside}cc"));
}
