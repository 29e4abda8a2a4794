//! What a browser brings back from Notion, read without believing any of it.

use model::SecretString;
use url::form_urlencoded;

/// The longest query that is read.
const QUERY_MAX: usize = 8 * 1024;
/// So much of an error's word is shown.
const WORD_MAX: usize = 64;

/// The query of the callback, and the browser's cookie.
#[derive(Debug, Default)]
pub struct Callback {
    pub(crate) state: Option<String>,
    pub(crate) code: Option<SecretString>,
    pub(super) error: Option<String>,
    pub(crate) issuer: Option<String>,
    /// What is wrong with it.
    pub(crate) malformed: Option<&'static str>,
    pub(crate) browser: Option<String>,
}

impl Callback {
    /// Reads a query. A parameter that is there twice means nothing: whoever sends that may mean either.
    pub fn read(query: &str, browser: Option<&str>) -> Self {
        let mut read = Self { browser: browser.map(str::to_owned), ..Self::default() };
        if query.len() > QUERY_MAX {
            read.malformed = Some("the query is too long");
            return read;
        }
        let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
        let mut single = |name: &str| {
            let mut values =
                pairs.iter().filter(|(known, _)| known == name).map(|(_, value)| value);
            let value = values.next().filter(|value| !value.is_empty());
            if values.next().is_some() {
                read.malformed = Some("a parameter is repeated");
                return None;
            }
            value.map(|value| value.clone().into_owned())
        };
        read.state = single("state");
        read.code = single("code").map(SecretString::from);
        read.error = single("error");
        read.issuer = single("iss");
        if read.code.is_some() && read.error.is_some() {
            read.malformed = Some("it has both a code and an error");
        }
        read
    }

    /// The error's word, short and in one line.
    pub(crate) fn denial(&self) -> Option<String> {
        let word = self.error.as_ref().filter(|_| self.malformed.is_none())?;
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        Some(word.chars().take(WORD_MAX).map(plain).collect())
    }
}

#[cfg(test)]
mod tests {
    use model::ExposeSecret;
    use proptest::prelude::*;

    use super::*;

    fn read(query: &str) -> Callback {
        Callback::read(query, Some("cookie"))
    }

    #[test]
    fn parameters_count_once() {
        let good = read("code=a%2Bb&state=s&other=x&other=y");
        assert_eq!(good.code.as_ref().unwrap().expose_secret(), "a+b");
        assert_eq!((good.state.as_deref(), good.malformed), (Some("s"), None));
        for (query, what) in [
            ("code=a&code=b&state=s", "a parameter is repeated"),
            ("code=&code=b&state=s", "a parameter is repeated"),
            ("code=a&state=s&state=s", "a parameter is repeated"),
            ("error=a&error=b&state=s", "a parameter is repeated"),
            ("code=a&iss=1&iss=2&state=s", "a parameter is repeated"),
            ("code=a&error=b&state=s", "it has both a code and an error"),
        ] {
            assert_eq!(read(query).malformed, Some(what), "{query}");
            assert_eq!(read(query).denial(), None, "{query}");
        }
        assert_eq!(read("state=a&state=b").state, None);
        assert_eq!(
            read(&format!("code={}", "a".repeat(9000))).malformed,
            Some("the query is too long")
        );
        assert!(!format!("{:?}", read("code=verysecret")).contains("verysecret"));
    }

    #[test]
    fn the_word_of_an_error_is_short_and_in_one_line() {
        assert_eq!(read("error=access_denied").denial().unwrap(), "access_denied");
        assert_eq!(read("error=a%0d%0ab%00c").denial().unwrap(), "a  b c");
        assert_eq!(read(&format!("error={}", "x".repeat(500))).denial().unwrap().len(), WORD_MAX);
        assert_eq!(read("error=").denial(), None);
    }

    proptest! {
        #[test]
        fn nothing_makes_it_fail_or_lets_a_repeated_parameter_through(
            pairs in proptest::collection::vec(("(code|state|error|iss|x)", ".{0,40}"), 0..12),
        ) {
            let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
            let found = read(&query);
            let count = |wanted: &str| pairs.iter().filter(|(name, _)| name == wanted).count();
            if query.len() <= QUERY_MAX {
                let repeated = ["code", "state", "error", "iss"].iter().any(|name| count(name) > 1);
                prop_assert_eq!(repeated && found.malformed.is_none(), false);
                if count("state") > 1 {
                    prop_assert!(found.state.is_none());
                }
            }
            if let Some(word) = found.denial() {
                prop_assert!(word.chars().count() <= WORD_MAX && !word.contains(char::is_control));
            }
        }

        #[test]
        fn bytes_of_all_sorts_are_read(query in "\\PC{0,300}") {
            let _ = read(&query);
        }
    }
}
