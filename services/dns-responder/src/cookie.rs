//! DNS cookies (RFC 7873) in the form that all servers of a zone can share (RFC 9018): who has one can receive what is sent
//! to its address.

use std::hash::Hasher as _;
use std::net::IpAddr;

use siphasher::sip::SipHasher24;
use subtle::ConstantTimeEq as _;

/// RFC 7873 §4.
const CLIENT: usize = 8;
const WHOLE: usize = 24;
const LONGEST: usize = 40;
/// RFC 9018 §4.3, in seconds.
const PAST: i32 = 3600;
const FUTURE: i32 = 300;

secret::setting!(
    pub CookieSecret,
    "cookie-secret",
    "COOKIE_SECRET",
    optional,
    "Secret of DNS cookies, the same in every replica: 32 hexadecimal digits (openssl rand -hex 16); unset: no cookies. During a change \
     two with a comma: both are accepted, the first makes new ones."
);

/// Makes and checks cookies.
pub struct Cookies {
    first: [u8; 16],
    others: Vec<[u8; 16]>,
}

/// Neither the secrets nor their number.
impl std::fmt::Debug for Cookies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cookies")
    }
}

/// The cookie of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cookie {
    /// The client has none yet: this is its own part, to which ours is added.
    Alone([u8; CLIENT]),
    /// The client's is not ours, or no longer.
    Unproved([u8; CLIENT]),
    /// The client has received one of ours at its address.
    Proved([u8; CLIENT]),
}

impl Cookie {
    /// The client's own part.
    pub fn client(self) -> [u8; CLIENT] {
        match self {
            Self::Alone(client) | Self::Unproved(client) | Self::Proved(client) => client,
        }
    }
}

/// It has no valid length (RFC 7873 §5.2.2).
#[derive(Debug, PartialEq, Eq)]
pub struct WrongLength;

impl Cookies {
    /// Reads the setting; `None` when it is empty.
    ///
    /// # Errors
    /// When it is something else than secrets. Quotes nothing of it.
    pub fn new(setting: &str) -> Result<Option<Self>, &'static str> {
        if setting.trim().is_empty() {
            return Ok(None);
        }
        let read = setting.split(',').map(|text| secret(text.trim()));
        let mut read: Vec<[u8; 16]> = read
            .collect::<Option<_>>()
            .ok_or("COOKIE_SECRET: write 32 hexadecimal digits, or several such secrets with commas")?;
        let others = read.split_off(1);
        Ok(read.first().map(|&first| Self { first, others }))
    }

    /// Judges the content of the option.
    ///
    /// # Errors
    /// When its length is not that of a cookie.
    pub fn judge(&self, option: &[u8], from: IpAddr, now: u32) -> Result<Cookie, WrongLength> {
        let Some((&client, server)) = option.split_first_chunk::<CLIENT>() else {
            return Err(WrongLength);
        };
        if server.is_empty() {
            return Ok(Cookie::Alone(client));
        }
        if !(CLIENT + 8..=LONGEST).contains(&option.len()) {
            return Err(WrongLength);
        }
        let proved = match <&[u8; WHOLE]>::try_from(option) {
            Ok(whole) => self.is_ours(whole, from, now),
            Err(_) => false,
        };
        Ok(if proved {
            Cookie::Proved(client)
        } else {
            Cookie::Unproved(client)
        })
    }

    fn is_ours(&self, whole: &[u8; WHOLE], from: IpAddr, now: u32) -> bool {
        let (head, hash) = whole.split_at(16);
        let made = u32::from_be_bytes([whole[12], whole[13], whole[14], whole[15]]);
        // Serial number arithmetic (RFC 1982).
        let age = now.wrapping_sub(made).cast_signed();
        if whole[CLIENT..12] != [1, 0, 0, 0] || !(-FUTURE..=PAST).contains(&age) {
            return false;
        }
        let secrets = std::iter::once(&self.first).chain(&self.others);
        secrets
            .map(|secret| digest(secret, head, from))
            .any(|ours| bool::from(ours.ct_eq(hash)))
    }

    /// A new cookie for this client.
    pub fn fresh(&self, client: [u8; CLIENT], from: IpAddr, now: u32) -> [u8; WHOLE] {
        let mut whole = [0; WHOLE];
        whole[..CLIENT].copy_from_slice(&client);
        whole[CLIENT] = 1;
        whole[12..16].copy_from_slice(&now.to_be_bytes());
        let hash = digest(&self.first, &whole[..16], from);
        whole[16..].copy_from_slice(&hash);
        whole
    }
}

/// RFC 9018 §4.4.
fn digest(secret: &[u8; 16], head: &[u8], from: IpAddr) -> [u8; 8] {
    let mut hasher = SipHasher24::new_with_key(secret);
    hasher.write(head);
    match from {
        IpAddr::V4(address) => hasher.write(&address.octets()),
        IpAddr::V6(address) => hasher.write(&address.octets()),
    }
    hasher.finish().to_le_bytes()
}

fn secret(text: &str) -> Option<[u8; 16]> {
    let digits: Vec<u8> = text
        .chars()
        .map(|digit| digit.to_digit(16)?.try_into().ok())
        .collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
        .collect();
    (digits.len() == 32).then(|| bytes.try_into().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
            .collect()
    }

    fn cookies(setting: &str) -> Cookies {
        Cookies::new(setting).unwrap().unwrap()
    }

    const SECRET: &str = "e5e973e5a6b2a43f48e7dc849e37bfcf";

    /// RFC 9018 appendix A.1, A.2 and A.4.
    #[test]
    fn the_examples_of_rfc_9018() {
        let from: IpAddr = "198.51.100.100".parse().unwrap();
        let ours = cookies(SECRET);
        let client = *hex("2464c4abcf10c957").first_chunk().unwrap();
        let made = ours.fresh(client, from, 1_559_731_985);
        assert_eq!(made.to_vec(), hex("2464c4abcf10c957010000005cf79f111f8130c3eee29480"));
        assert_eq!(ours.judge(&made, from, 1_559_734_385), Ok(Cookie::Proved(client)));
        let renewed = ours.fresh(client, from, 1_559_734_385);
        assert_eq!(
            renewed.to_vec(),
            hex("2464c4abcf10c957010000005cf7a871d4a564a1442aca77")
        );

        let six: IpAddr = "2001:db8:220:1:59de:d0f4:8769:82b8".parse().unwrap();
        let new = cookies("445536bcd2513298075a5d379663c962");
        let client = *hex("22681ab97d52c298").first_chunk().unwrap();
        let made = new.fresh(client, six, 1_559_741_961);
        assert_eq!(made.to_vec(), hex("22681ab97d52c298010000005cf7c609a6bb79d16625507a"));
    }

    #[test]
    fn a_cookie_is_one_addresses_for_an_hour_and_any_secret_of_the_setting_will_do() {
        let (from, other): (IpAddr, IpAddr) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let client = [7; CLIENT];
        let made = cookies(SECRET).fresh(client, from, 10_000);
        for (now, proved) in [
            (10_000, true),
            (13_600, true),
            (13_601, false),
            (9_700, true),
            (9_699, false),
        ] {
            let expected = if proved {
                Cookie::Proved(client)
            } else {
                Cookie::Unproved(client)
            };
            assert_eq!(cookies(SECRET).judge(&made, from, now), Ok(expected), "{now}");
        }
        assert_eq!(
            cookies(SECRET).judge(&made, other, 10_000),
            Ok(Cookie::Unproved(client))
        );
        let next = "00112233445566778899aabbccddeeff";
        assert_eq!(cookies(next).judge(&made, from, 10_000), Ok(Cookie::Unproved(client)));
        let both = cookies(&format!("{next}, {SECRET}"));
        assert_eq!(both.judge(&made, from, 10_000), Ok(Cookie::Proved(client)));
        let mut forged = made;
        forged[23] ^= 1;
        assert_eq!(
            cookies(SECRET).judge(&forged, from, 10_000),
            Ok(Cookie::Unproved(client))
        );
    }

    #[test]
    fn a_length_that_no_cookie_has_is_an_error() {
        let from = "192.0.2.1".parse().unwrap();
        for length in 0..=48 {
            let valid = length == 8 || (16..=40).contains(&length);
            let judged = cookies(SECRET).judge(&vec![1; length], from, 1);
            assert_eq!(judged.is_ok(), valid, "{length}");
        }
    }

    #[test]
    fn a_setting_that_is_no_secret_is_refused_and_not_quoted() {
        assert!(Cookies::new(" ").unwrap().is_none());
        for text in ["hunter2", &SECRET[1..], &format!("{SECRET},"), &format!("{SECRET}00")] {
            let error = Cookies::new(text).unwrap_err();
            assert!(error.starts_with("COOKIE_SECRET: ") && !error.contains(text), "{error}");
        }
        assert_eq!(format!("{:?}", cookies(SECRET)), "Cookies");
    }
}
