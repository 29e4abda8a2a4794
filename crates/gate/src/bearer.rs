//! What callers show in `Authorization`, at every door alike.

use http::{HeaderMap, header};

/// The bearer token of a request. Two headers are no token: who sends them may mean either.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn rs_02_one_header_with_one_token_counts() {
        let shown = |values: &[&'static str]| {
            let values = values.iter().map(|value| HeaderValue::from_static(value));
            let headers: HeaderMap = values.map(|value| (header::AUTHORIZATION, value)).collect();
            bearer(&headers).map(str::to_owned)
        };
        for good in ["Bearer one", "bearer one", "BEARER  one "] {
            assert_eq!(shown(&[good]).as_deref(), Some("one"), "{good}");
        }
        for none in [&[][..], &["one"], &["Basic one"], &["Bearer"], &["Bearer one", "Bearer one"]]
        {
            assert_eq!(shown(none), None, "{none:?}");
        }
    }
}
