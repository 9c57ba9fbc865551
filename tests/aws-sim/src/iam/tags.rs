//! Tags of server certificates. Source: service model, `Tag`; IAM User Guide, "Tags for IAM resources".

use super::certificate::Certificate;
use super::query::Form;
use super::xml::refuse;
use crate::error::Answer;
use crate::policy::Tags;
use crate::xml::Element;

const MAX_TAGS: usize = 50;

/// The tags of a call; keys are compared case-insensitively.
pub fn read(form: &Form) -> Answer<Tags> {
    let (keys, values) = (form.members("Tags", "Key"), form.members("Tags", "Value"));
    let mut tags = Tags::new();
    for (key, value) in keys.iter().zip(values) {
        let allowed = |text: &str| {
            text.chars()
                .all(|c| c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c))
        };
        if key.is_empty()
            || key.chars().count() > 128
            || value.chars().count() > 256
            || !allowed(key)
            || !allowed(value)
        {
            return Err(refuse("InvalidInput", format!("The tag {key} is not valid.")));
        }
        if tags.keys().any(|other: &String| other.eq_ignore_ascii_case(key)) {
            let message = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
            return Err(refuse("InvalidInput", message));
        }
        tags.insert((*key).to_owned(), value.to_owned());
    }
    if tags.len() > MAX_TAGS {
        return Err(refuse("InvalidInput", format!("At most {MAX_TAGS} tags can be given.")));
    }
    Ok(tags)
}

/// TagServerCertificate.
pub fn add(certificate: &mut Certificate, form: &Form) -> Answer<()> {
    let mut all = certificate.tags.clone();
    all.extend(read(form)?);
    if all.len() > MAX_TAGS {
        return Err(refuse(
            "LimitExceeded",
            "Cannot exceed quota for TagsPerServerCertificate: 50",
        ));
    }
    certificate.tags = all;
    Ok(())
}

/// UntagServerCertificate.
pub fn remove(certificate: &mut Certificate, form: &Form) -> Answer<()> {
    let keys = form.members("TagKeys", "");
    certificate.tags.retain(|key, _| !keys.contains(&key.as_str()));
    Ok(())
}

/// ListServerCertificateTags.
pub fn list(certificate: &Certificate) -> Vec<Element> {
    let tags = element(&certificate.tags).unwrap_or_else(|| Element::node("Tags", Vec::new()));
    vec![tags, Element::leaf("IsTruncated", "false")]
}

/// `Tags`, unless there are none.
pub fn element(tags: &Tags) -> Option<Element> {
    let members = tags
        .iter()
        .map(|(key, value)| Element::node("member", vec![Element::leaf("Key", key), Element::leaf("Value", value)]));
    (!tags.is_empty()).then(|| Element::node("Tags", members.collect()))
}
