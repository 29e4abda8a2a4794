//! Links into Notion: which objects do they name?

use percent_encoding::percent_decode_str;

use crate::catalogue::Kind;
use crate::id::Id;

/// Hosts of Notion's app and of published sites, and everything below them.
const HOSTS: &[&str] = &["notion.so", "notion.com", "notion.site"];
/// Where Notion keeps files: what stands in such an address names no object.
const FILE_HOSTS: &[&str] = &["file.notion.so", "files.notion.so", "img.notion.so"];
/// Parameters whose value names no object of the tree.
const OTHER_IDS: &[&str] = &["spaceid", "userid", "workspaceid"];

/// The objects that a link names, each as what the link takes it for ([`Kind::Block`] where it does not
/// say); `None` if it does not lead into Notion.
///
/// Links have many forms, and people type them: every id in one counts.
///
/// ```
/// use notion::{Id, Kind, link};
/// let id = Id::parse("0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d").unwrap();
/// for text in ["https://www.notion.so/acme/Plan-0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d", "/0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d"] {
///     assert_eq!(link::targets(text), Some(vec![(Kind::Block, id)]));
/// }
/// assert_eq!(link::targets("https://example.com/0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d"), None);
/// ```
pub fn targets(link: &str) -> Option<Vec<(Kind, Id)>> {
    let decoded = percent_decode_str(link.trim()).decode_utf8_lossy();
    let text = decoded.trim().to_ascii_lowercase();
    let (scheme, rest) = text.split_once("://").unwrap_or(("", &text));
    let whole = match scheme {
        "collection" => Some(Kind::DataSource),
        "view" => Some(Kind::View),
        "discussion" => Some(Kind::Discussion),
        "user" | "agent" => return Some(Vec::new()),
        _ => None,
    };
    if let Some(kind) = whole {
        return Some(ids_in(rest).map(|id| (kind, id)).collect());
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let host = rest[..end].rsplit('@').next().unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default().trim_end_matches('.');
    let below = |known: &str| {
        host.strip_suffix(known).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    // Notion writes links within the workspace without a host.
    let within = scheme.is_empty() && text.starts_with(['/', '#', '?']) && !text.starts_with("//");
    let ours = within || scheme == "notion" || HOSTS.iter().any(|known| below(known));
    if !ours || FILE_HOSTS.contains(&host) {
        return None;
    }
    let mut found = Vec::new();
    let mut kind = Kind::Block;
    for part in text.split_inclusive(['?', '&', '#']) {
        let value = part.split_once('=').map_or(part, |(name, value)| {
            kind = match name {
                "v" => Kind::View,
                "d" => Kind::Discussion,
                other if OTHER_IDS.contains(&other) => Kind::User,
                _ => Kind::Block,
            };
            value
        });
        if kind != Kind::User {
            found.extend(ids_in(value).map(|id| (kind, id)));
        }
        kind = Kind::Block;
    }
    Some(found)
}

/// The ids in a piece of text, as they stand in links.
pub fn ids_in(text: &str) -> impl Iterator<Item = Id> {
    let pieces = text.split(|c: char| !c.is_ascii_hexdigit() && c != '-');
    pieces.flat_map(|piece| {
        // `Road-map-0a1b…` is one piece: the id is its end.
        let plain: String = piece.chars().filter(|c| *c != '-').collect();
        let mut ids = Vec::new();
        let mut end = plain.len();
        while end >= 32 {
            ids.extend(Id::parse(&plain[end - 32..end]));
            end -= 32;
        }
        ids
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d";
    const B: &str = "38c9ce7b60a481d79c8f0027e2be250c";

    fn named(link: &str) -> Option<Vec<(Kind, String)>> {
        let found = targets(link)?;
        Some(found.into_iter().map(|(kind, id)| (kind, id.plain())).collect())
    }

    #[test]
    fn every_form_of_a_link_is_read() {
        let a = || vec![(Kind::Block, A.to_owned())];
        for link in [
            format!("https://www.notion.so/{A}"),
            format!("HTTPS://WWW.NOTION.SO/acme/Road-map-{}", A.to_uppercase()),
            format!("https://app.notion.com/p/road-map-{A}?pvs=4"),
            format!("https://acme.notion.site/Road-map-{A}"),
            format!("notion://www.notion.so/{A}"),
            format!("www.notion.so/{A}"),
            format!("notion.so/{A}"),
            format!("/{A}"),
            "/0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d".to_owned(),
            format!("https://user@www.notion.so:443/{A}"),
            format!("https://www.notion.so./{A}"),
            format!("https://www.notion.so/%30{}", &A[1..]),
            format!("https://www.notion.so/image/x?spaceId={B}&id={A}"),
        ] {
            assert_eq!(named(&link), Some(a()), "{link}");
        }
        assert_eq!(
            named(&format!("https://www.notion.so/{A}?v={B}#{B}")),
            Some(vec![
                (Kind::Block, A.to_owned()),
                (Kind::View, B.to_owned()),
                (Kind::Block, B.to_owned()),
            ])
        );
        assert_eq!(
            named(&format!("collection://{A}")),
            Some(vec![(Kind::DataSource, A.to_owned())])
        );
        assert_eq!(named(&format!("user://{A}")), Some(Vec::new()));
        assert_eq!(named("https://www.notion.so/product"), Some(Vec::new()));
    }

    #[test]
    fn what_leads_elsewhere_names_nothing() {
        for link in [
            format!("https://example.com/{A}"),
            format!("https://notion.so.example.com/{A}"),
            format!("https://notnotion.so/{A}"),
            format!("//example.com/{A}"),
            format!("https://file.notion.so/f/f/{A}/{B}/name.pdf?id={A}"),
            A.to_owned(),
            String::new(),
        ] {
            assert_eq!(named(&link), None, "{link}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,120}") {
            let _ = targets(&text);
        }
    }
}
