use proptest::prelude::*;

use super::*;

const READ: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<DistributionConfig xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/">
  <CallerReference>one</CallerReference>
  <Aliases><Quantity>1</Quantity><Items><CNAME>a.example.com</CNAME></Items></Aliases>
  <Origins><Quantity>1</Quantity><Items><Origin><Id>origin</Id><DomainName>app.example.com</DomainName><OriginHttpVersion a="1">http3 &amp; later</OriginHttpVersion></Origin></Items></Origins>
  <!-- nobody knows why -->
  <Enabled>true</Enabled>
  <ViewerCertificate><CloudFrontDefaultCertificate>true</CloudFrontDefaultCertificate><CertificateSource>cloudfront</CertificateSource><PostQuantum><Mode>hybrid</Mode></PostQuantum></ViewerCertificate>
  <HttpVersion>http4</HttpVersion>
  <NextYear><Quantity>2</Quantity><Items><Thing>1</Thing><Thing>2</Thing></Items></NextYear>
</DistributionConfig>"#;

/// What the SDK understands of it.
const BEFORE: &str = r#"<DistributionConfig xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/"><CallerReference>one</CallerReference><Aliases><Quantity>1</Quantity><Items><CNAME>a.example.com</CNAME></Items></Aliases><Origins><Quantity>1</Quantity><Items><Origin><Id>origin</Id><DomainName>app.example.com</DomainName></Origin></Items></Origins><Enabled>true</Enabled><ViewerCertificate><CloudFrontDefaultCertificate>true</CloudFrontDefaultCertificate><CertificateSource>cloudfront</CertificateSource></ViewerCertificate><HttpVersion>http4</HttpVersion></DistributionConfig>"#;

/// The document with these pieces changed by hand equals the merge of the SDK's text with the same pieces changed.
fn changes(pairs: &[(&str, &str)]) {
    let change = |text: &str| {
        pairs.iter().fold(text.to_owned(), |text, (old, new)| {
            assert!(text.contains(old), "{old}");
            text.replacen(old, new, 1)
        })
    };
    let (_, expected) = READ.split_once('\n').unwrap();
    assert_eq!(merged(READ, BEFORE, &change(BEFORE)).unwrap(), change(expected));
}

#[test]
fn nothing_changes_when_we_change_nothing() {
    changes(&[]);
}

#[test]
fn only_what_we_change_is_another() {
    changes(&[("<Enabled>true</Enabled>", "<Enabled>false</Enabled>")]);
    changes(&[("app.example.com", "other.example.com")]);
}

#[test]
fn what_is_new_stands_where_the_sdk_has_it_and_what_goes_is_gone() {
    changes(&[(
        "</Origins>",
        "</Origins><OriginGroups><Quantity>0</Quantity></OriginGroups>",
    )]);
    changes(&[
        ("<Quantity>1</Quantity>", "<Quantity>2</Quantity>"),
        ("</CNAME>", "</CNAME><CNAME>b.example.com</CNAME>"),
    ]);
    changes(&[(
        "<CloudFrontDefaultCertificate>true</CloudFrontDefaultCertificate><CertificateSource>cloudfront</CertificateSource>",
        "<IAMCertificateId>ASCA</IAMCertificateId>",
    )]);
}

#[test]
fn items_are_found_again_in_any_order() {
    let read = "<O><Items><B><FunctionARN>f</FunctionARN><EventType>x</EventType><New/></B><B><FunctionARN>f</FunctionARN><EventType>y</EventType></B></Items></O>";
    let before = read.replace("<New/>", "");
    let after = "<O><Items><B><FunctionARN>f</FunctionARN><EventType>y</EventType></B><B><FunctionARN>g</FunctionARN><EventType>x</EventType></B></Items></O>";
    let expected = "<O><Items><B><FunctionARN>f</FunctionARN><EventType>y</EventType></B><B><FunctionARN>g</FunctionARN><EventType>x</EventType><New/></B></Items></O>";
    assert_eq!(merged(read, &before, after).unwrap(), expected);
}

#[test]
fn what_is_no_xml_is_an_error() {
    assert!(merged("<A>", "<A/>", "<A/>").is_err());
}

/// A structure of named members, each a text or a structure; written in the order of the names, as the SDK writes them
/// in its model's order.
#[derive(Debug, Clone)]
enum Tree {
    Text(u8),
    Members(std::collections::BTreeMap<u8, Tree>),
}

impl Tree {
    fn written(&self) -> String {
        match self {
            Self::Text(text) => text.to_string(),
            Self::Members(members) => {
                let member = |(name, tree): (&u8, &Tree)| format!("<M{name}>{}</M{name}>", tree.written());
                members.iter().map(member).collect()
            }
        }
    }

    fn document(&self) -> String {
        format!("<Root>{}</Root>", self.written())
    }

    /// Adds to each structure a member that the SDK does not know.
    fn with_unknown(&self) -> Self {
        match self {
            Self::Text(text) => Self::Text(*text),
            Self::Members(members) => {
                let mut all: std::collections::BTreeMap<_, _> = members
                    .iter()
                    .map(|(name, tree)| (*name, tree.with_unknown()))
                    .collect();
                all.insert(200, Self::Text(7));
                Self::Members(all)
            }
        }
    }
}

fn structure() -> impl Strategy<Value = Tree> {
    let members = |inner| prop::collection::btree_map(0..6u8, inner, 0..4).prop_map(Tree::Members);
    let tree = (0..3u8).prop_map(Tree::Text).prop_recursive(3, 20, 4, members);
    members(tree.boxed())
}

proptest! {
    #[test]
    fn without_unknown_members_it_is_what_the_sdk_wrote(before in structure(), after in structure()) {
        let (before, after) = (before.document(), after.document());
        prop_assert_eq!(merged(&before, &before, &after).unwrap(), after);
    }

    #[test]
    fn unknown_members_of_the_whole_survive_any_change(before in structure(), after in structure()) {
        let read = before.with_unknown().document();
        let merged = merged(&read, &before.document(), &after.document()).unwrap();
        prop_assert!(merged.ends_with("<M200>7</M200></Root>"), "{}", merged);
    }
}
