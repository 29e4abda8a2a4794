//! What a model names an object by: an id or an URL, of any kind, anywhere.

use notion::id::Pasted;
use notion::{Id, Kind};

use super::fault::Fault;

/// What an id or URL names, as far as it tells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Reference {
    pub(crate) id: Id,
    /// What it must be; `None` if the text does not say.
    pub(crate) kind: Option<Kind>,
}

impl Reference {
    /// Reads an id, a URL of Notion, or one of the short forms that our answers use (`collection://…`,
    /// `view://…`, `user://…`, `discussion://…`).
    pub(crate) fn read(text: &str) -> Result<Self, Fault> {
        let text = text.trim();
        let known = [
            ("collection://", Kind::DataSource),
            ("view://", Kind::View),
            ("user://", Kind::User),
            ("discussion://", Kind::Discussion),
            ("notion://page/", Kind::Page),
        ];
        for (scheme, kind) in known {
            if let Some(rest) = text.strip_prefix(scheme) {
                let id = Id::parse(rest.trim_matches('/')).ok_or_else(|| malformed(text))?;
                return Ok(Self { id, kind: Some(kind) });
            }
        }
        let pasted = Pasted::parse(text).ok_or_else(|| malformed(text))?;
        Ok(match pasted {
            Pasted { block: Some(id), .. } => Self { id, kind: Some(Kind::Block) },
            // A row that is open on top of a view is what the URL is about.
            Pasted { view: Some(id), .. } if !shows_row(text) => {
                Self { id, kind: Some(Kind::View) }
            }
            Pasted { object: id, .. } => Self { id, kind: None },
        })
    }

    /// The page or database of it: the part of a URL before `?v=` and `#`.
    pub(crate) fn object(text: &str) -> Result<Id, Fault> {
        match Self::read(text)? {
            Self { id, kind: Some(Kind::DataSource | Kind::Page) | None } => Ok(id),
            _ => Pasted::parse(text.trim()).map(|it| it.object).ok_or_else(|| malformed(text)),
        }
    }
}

/// Whether a URL of a view has a row open on top (`p=`).
fn shows_row(url: &str) -> bool {
    url.split(['?', '&', '#']).any(|part| part.starts_with("p="))
}

fn malformed(text: &str) -> Fault {
    let shown: String = text.chars().take(80).collect();
    Fault::input(format!(
        "`{shown}` is no id or URL of Notion. Pass an id (32 hex digits) or a notion.so URL; find one \
         with `search`."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d";
    const B: &str = "38c9ce7b60a481d79c8f0027e2be250c";

    #[test]
    fn every_form_is_read() {
        let cases = [
            (A.to_owned(), A, None),
            (format!("https://www.notion.so/acme/Plan-{A}"), A, None),
            (format!("https://www.notion.so/{A}?v={B}"), B, Some(Kind::View)),
            (format!("https://www.notion.so/{B}?v={B}&p={A}&pm=s"), A, None),
            (format!("https://www.notion.so/Plan-{A}#{B}"), B, Some(Kind::Block)),
            ("0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d".to_owned(), A, None),
            (format!("https://acme.notion.site/Plan-{A}?pvs=4"), A, None),
            (format!("collection://{A}"), A, Some(Kind::DataSource)),
            (format!(" view://{A} "), A, Some(Kind::View)),
            (format!("notion://page/{A}"), A, Some(Kind::Page)),
        ];
        for (text, id, kind) in cases {
            let expected = Reference { id: Id::parse(id).unwrap(), kind };
            assert_eq!(Reference::read(&text).unwrap(), expected, "{text}");
        }
        for text in ["", "Plan", "https://example.com", "collection://x"] {
            assert!(Reference::read(text).is_err(), "{text}");
        }
        let viewed = format!("https://www.notion.so/{A}?v={B}");
        assert_eq!(Reference::object(&viewed).unwrap().plain(), A);
    }
}
