//! Parses an app's echo of the request's headers: the only way to see from outside what reached it. Pure.

use serde_json::Value;

/// Headers as the app received them, names in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Echo(Vec<(String, String)>);

impl Echo {
    /// Parses a JSON object of headers (or one that contains it as `headers`, as httpbin's `/headers` does), or lines
    /// of `Name: value`. `None`: it contains neither `Host` nor `X-Forwarded-For`, so it is something else.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(body).ok()?;
        let echo = Self(match serde_json::from_str::<Value>(text) {
            Ok(json) => of_json(&json)?,
            Err(_) => of_lines(text),
        });
        (echo.header("host").is_some() || echo.header("x-forwarded-for").is_some()).then_some(echo)
    }

    /// A header, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

fn of_json(json: &Value) -> Option<Vec<(String, String)>> {
    let object = json.as_object()?;
    let named = object.iter().find(|(key, _)| key.eq_ignore_ascii_case("headers"));
    let headers = named.map_or(Some(object), |(_, headers)| headers.as_object())?;
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        // Go's http.Header.
        Value::Array(all) => Some(all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")),
        _ => None,
    };
    let pairs = headers
        .iter()
        .filter_map(|(name, value)| Some((name.to_ascii_lowercase(), text(value)?)));
    Some(pairs.collect())
}

fn of_lines(text: &str) -> Vec<(String, String)> {
    let pairs = text.lines().filter_map(|line| line.split_once(':'));
    pairs
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_in_the_forms_that_apps_tell_them_in() {
        let bodies = [
            r#"{"headers": {"Host": "www.example.com", "X-Forwarded-For": "192.0.2.1"}, "url": "x"}"#,
            r#"{"host": "www.example.com", "x-forwarded-for": ["192.0.2.1"]}"#,
            "GET / HTTP/1.1\r\nHost: www.example.com\r\nX-Forwarded-For:192.0.2.1\r\n",
        ];
        for body in bodies {
            let echo = Echo::read(body.as_bytes()).unwrap();
            assert_eq!(echo.header("host"), Some("www.example.com"), "{body}");
            assert_eq!(echo.header("x-forwarded-for"), Some("192.0.2.1"), "{body}");
        }
        for body in [
            "<html><a href='x: y'>",
            r#"{"status": "ok"}"#,
            "[1]",
            "",
            r#"{"headers": 1}"#,
        ] {
            assert_eq!(Echo::read(body.as_bytes()), None, "{body}");
        }
        assert_eq!(Echo::read(&[0xff, 0xfe]), None);
    }
}
