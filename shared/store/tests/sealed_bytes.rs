//! Sealed values, however they were changed in the database (docs/fuzzing.md).

use proptest::prelude::*;
use secrecy::ExposeSecret as _;
use store::KeyRing;
use store::sealing::{Place, SealingError};

/// Two different keys, with ids that differ in one bit.
const SETTING: &str = "k1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=,k3:AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=";

fn ring() -> KeyRing {
    KeyRing::parse(SETTING).unwrap_or_else(|error| panic!("{error}"))
}

fn at(tenant: &str) -> Place {
    Place::account_key(tenant, "https://ca.example/dir")
}

fn sealed(context: &str, secret: &[u8]) -> Vec<u8> {
    ring()
        .seal(&at(context), secret)
        .unwrap_or_else(|error| panic!("{error}"))
}

/// An error discloses neither what was sealed nor its bytes, and fits into a log line.
fn discreet(error: &SealingError) -> Result<(), TestCaseError> {
    let text = error.to_string();
    prop_assert!(!text.contains(char::is_control) && text.len() < 500, "{}", text);
    prop_assert!(!text.contains("AQEBAQEB"), "{}", text);
    Ok(())
}

proptest! {
    #[test]
    fn bytes_that_nobody_sealed_do_not_open(
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            // Valid as far as the header goes.
            prop::collection::vec(any::<u8>(), 0..200).prop_map(|rest| [b"\x02k1".as_slice(), &rest].concat()),
            prop::collection::vec(any::<u8>(), 0..200).prop_map(|rest| [b"\x82k1".as_slice(), &rest].concat()),
            prop::collection::vec(any::<u8>(), 0..200).prop_map(|rest| [b"\x00".as_slice(), &rest].concat()),
        ],
        context in any::<String>(),
    ) {
        match ring().open(&at(&context), &bytes) {
            Ok(_) => prop_assert!(false, "it opened"),
            Err(error) => discreet(&error)?,
        }
    }

    #[test]
    fn a_sealed_value_opens_for_its_context_alone(
        context in any::<String>(),
        other in any::<String>(),
        secret in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let sealed = sealed(&context, &secret);
        let opened = ring().open(&at(&context), &sealed);
        prop_assert_eq!(opened.ok().map(|opened| opened.expose_secret().clone()), Some(secret));
        prop_assert_eq!(ring().open(&at(&other), &sealed).is_ok(), other == context);
    }

    #[test]
    fn any_bit_that_is_flipped_is_noticed(
        context in any::<String>(),
        secret in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let sealed = sealed(&context, &secret);
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            match ring().open(&at(&context), &changed) {
                Ok(_) => prop_assert!(false, "bit {} is not noticed", bit),
                Err(error) => discreet(&error)?,
            }
        }
    }

    #[test]
    fn bytes_that_are_added_or_cut_off_are_noticed(
        secret in prop::collection::vec(any::<u8>(), 0..40),
        tail in prop::collection::vec(any::<u8>(), 1..20),
        cut in any::<prop::sample::Index>(),
    ) {
        let sealed = sealed("account", &secret);
        prop_assert!(ring().open(&at("account"), &[sealed.as_slice(), &tail].concat()).is_err());
        prop_assert!(ring().open(&at("account"), &[tail.as_slice(), &sealed].concat()).is_err());
        prop_assert!(ring().open(&at("account"), &sealed[..cut.index(sealed.len())]).is_err());
    }

    #[test]
    fn a_setting_is_read_or_refused_without_being_quoted(
        text in prop_oneof![any::<String>(), "([a-z0-9]{0,40}:[A-Za-z0-9+/]{0,50}={0,2},?){0,3}"],
    ) {
        if let Err(error) = KeyRing::parse(&text) {
            let said = error.to_string();
            prop_assert!(said.starts_with("SEALING_KEYS: ") && said.len() < 200, "{}", said);
            prop_assert!(text.split([':', ',']).all(|part| part.len() < 20 || !said.contains(part)), "{}", said);
        }
    }
}
