//! Whether the edge caches a path, according to two consecutive responses. Pure.

use pipeline::outside::{Answer, Cache};

/// According to `X-Cache` (developer guide, "Response headers that CloudFront adds"); `keeps_nothing` is the reason why
/// the settings forbid caching.
pub(crate) fn judge(first: &Answer, second: Option<&Answer>, keeps_nothing: Option<&str>) -> Cache {
    let second = second.unwrap_or(first);
    let Some(word) = second.x_cache.as_deref().and_then(|told| told.split(' ').next()) else {
        return Cache::Unknown;
    };
    match word {
        "Hit" | "RefreshHit" => Cache::Hit,
        "Miss" => match keeps_nothing.map(str::to_owned).or_else(|| forbidden(second)) {
            Some(why) => Cache::NotCacheable { why },
            None => Cache::Miss,
        },
        word => Cache::Told { word: word.to_owned() },
    }
}

/// The directive that forbids a shared cache to store the response (RFC 9111 §5.2.2).
fn forbidden(answer: &Answer) -> Option<String> {
    let directives = answer.cache_control.as_deref()?.split(',').map(str::trim);
    let mut directives = directives.map(str::to_ascii_lowercase);
    directives.find(|directive| {
        matches!(
            directive.as_str(),
            "no-store" | "no-cache" | "private" | "max-age=0" | "s-maxage=0"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(x_cache: &str, control: &str) -> Answer {
        Answer {
            x_cache: Some(x_cache.to_owned()).filter(|told| !told.is_empty()),
            cache_control: Some(control.to_owned()).filter(|told| !told.is_empty()),
            ..Answer::default()
        }
    }

    #[test]
    fn the_second_answer_tells() {
        let (miss, hit) = (answer("Miss from cloudfront", ""), answer("Hit from cloudfront", ""));
        assert_eq!(judge(&miss, Some(&hit), None), Cache::Hit);
        assert_eq!(
            judge(&miss, Some(&answer("RefreshHit from cloudfront", "")), None),
            Cache::Hit
        );
        assert_eq!(judge(&miss, Some(&miss), None), Cache::Miss);
        let private = answer("Miss from cloudfront", "max-age=60, Private");
        let why = |why: &str| Cache::NotCacheable { why: why.into() };
        assert_eq!(judge(&private, Some(&private), None), why("private"));
        assert_eq!(
            judge(&miss, Some(&miss), Some("forward_headers *")),
            why("forward_headers *")
        );
        let word = "FunctionGeneratedResponse";
        let made = answer("FunctionGeneratedResponse from cloudfront", "");
        assert_eq!(judge(&made, None, None), Cache::Told { word: word.into() });
        assert_eq!(judge(&answer("", ""), None, None), Cache::Unknown);
    }
}
