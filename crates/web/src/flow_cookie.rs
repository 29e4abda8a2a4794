//! The cookie that binds what was begun in a browser to that browser, until the person is back.

use axum::response::Response;
use http::{HeaderMap, HeaderValue, header};

/// As long as what is begun may take.
pub(crate) const SECONDS: u32 = 600;

/// A cookie of this kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FlowCookie<'a> {
    pub(crate) name: &'static str,
    /// Where it is sent to.
    pub(crate) path: &'a str,
    /// Whether people come back over https.
    pub(crate) secure: bool,
}

impl FlowCookie<'_> {
    /// Its value. Two of them are none: a neighbouring host may have set one.
    pub(crate) fn read(name: &str, headers: &HeaderMap) -> Option<String> {
        let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut values = all
            .flat_map(|text| text.split(';'))
            .filter_map(|pair| pair.split_once('='))
            .filter(|(known, _)| known.trim() == name)
            .map(|(_, value)| value.trim());
        let value = values.next();
        value.filter(|_| values.next().is_none()).map(str::to_owned)
    }

    /// Hands it to the browser, or takes it back.
    pub(crate) fn set(self, response: &mut Response, value: Option<&str>) {
        let Self { name, path, secure } = self;
        let secure = if secure { "; Secure" } else { "" };
        let (value, seconds) = value.map_or(("", 0), |value| (value, SECONDS));
        let line = format!(
            "{name}={value}; Path={path}; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}"
        );
        if let Ok(mut line) = HeaderValue::try_from(line) {
            line.set_sensitive(true);
            response.headers_mut().append(header::SET_COOKIE, line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_cookies_are_none() {
        let headers = |lines: &[&'static str]| {
            let lines = lines.iter().map(|line| (header::COOKIE, HeaderValue::from_static(line)));
            lines.collect::<HeaderMap>()
        };
        let read = |lines: &[&'static str]| FlowCookie::read("a_flow", &headers(lines));
        assert_eq!(read(&["a=b; a_flow=one; c"]).as_deref(), Some("one"));
        assert_eq!(read(&["a_flow=one; a_flow=two"]), None);
        assert_eq!(read(&["a_flow=one", "a_flow=one"]), None);
        assert_eq!(read(&["xa_flow=one; notegate=a"]), None);
        assert_eq!(read(&[]), None);
    }
}
