//! Ids inside request bodies: everything that a body points at.
//!
//! Notion's bodies nest (blocks in blocks, filters in filters), so the ids are found by the member
//! that holds them and not by a fixed path. Finding too much is harmless: the caller must be allowed
//! to reach it. Finding too little would let a call touch what nobody looked at.

use serde_json::Value;

use crate::catalogue::Kind;
use crate::error::ApiError;
use crate::id::Id;
use crate::link;

/// An id in a body.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reference {
    /// What the id names, as far as the member tells: Notion takes a page's id for a block's.
    pub kind: Kind,
    /// The id.
    pub id: Id,
    /// Where it stands, as Notion's errors write it (`body.parent.page_id`).
    pub at: String,
}

/// Every reference in `body`, in document order; an error in Notion's words for one that is not written
/// as Notion takes it.
pub fn references(body: &Value) -> Result<Vec<Reference>, ApiError> {
    let mut walk = Walk { path: Vec::new(), found: Vec::new() };
    walk.value(body, "")?;
    Ok(walk.found)
}

/// The way through a body. The path is only written out where something is found.
struct Walk<'a> {
    path: Vec<Step<'a>>,
    found: Vec<Reference>,
}

enum Step<'a> {
    Member(&'a str),
    Element(usize),
}

impl<'a> Walk<'a> {
    fn value(&mut self, value: &'a Value, holder: &'a str) -> Result<(), ApiError> {
        match value {
            Value::Object(members) => {
                // A person, as filters of meeting notes name one.
                let is_person = members.get("table").is_some_and(|table| table == "notion_user");
                let members = members.iter().filter(|(name, _)| !(is_person && *name == "id"));
                for (name, member) in members {
                    self.path.push(Step::Member(name));
                    self.member(holder, name, member)?;
                    self.path.pop();
                }
            }
            Value::Array(elements) => {
                for (index, element) in elements.iter().enumerate() {
                    if element.is_object() || element.is_array() {
                        self.path.push(Step::Element(index));
                        self.value(element, holder)?;
                        self.path.pop();
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn member(
        &mut self,
        holder: &'a str,
        name: &'a str,
        member: &'a Value,
    ) -> Result<(), ApiError> {
        match (kind_of(holder, name), member) {
            (Some(kind), Value::String(text)) => self.id(kind, text),
            // An id in a shape that we do not expect is an id all the same.
            (Some(kind), Value::Array(elements)) => {
                let mut texts = elements.iter().filter_map(Value::as_str);
                texts.try_for_each(|text| self.id(kind, text))?;
                self.value(member, name)
            }
            (None, Value::String(text)) if is_markdown(holder, name) => self.tags(text),
            (None, Value::String(text)) if name == "url" && LINKS.contains(&holder) => {
                self.link(text);
                Ok(())
            }
            (None, Value::String(text)) if name == "id" && !OTHER_IDS.contains(&holder) => {
                // Under a name that we do not know, perhaps that of a property.
                let kind = if PEOPLE.contains(&holder) { Kind::User } else { Kind::Block };
                if let Some(id) = Id::parse(text) {
                    self.push(kind, id);
                }
                Ok(())
            }
            _ => self.value(member, name),
        }
    }

    fn id(&mut self, kind: Kind, text: &str) -> Result<(), ApiError> {
        match Id::parse(text) {
            Some(id) => self.push(kind, id),
            None if could_hold_an_id(text) => {
                let at = self.at();
                return Err(ApiError::bad_uuid(
                    "body",
                    at.strip_prefix("body.").unwrap_or(&at),
                    text,
                ));
            }
            // Notion refuses it in its own words, or it is something else: the id of a property
            // that happens to be called "page".
            None => {}
        }
        Ok(())
    }

    /// What a link names, if it leads into Notion.
    fn link(&mut self, url: &str) {
        for (kind, id) in link::targets(url).unwrap_or_default() {
            self.push(kind, id);
        }
    }

    /// The ids in the tags of a markdown text, and in its links. A tag like `<page url="…">` moves the
    /// page that it names, a mention shows its title, a synced block its content. Other ids are text.
    fn tags(&mut self, text: &str) -> Result<(), ApiError> {
        let mut pieces = text.split('<');
        self.addresses(pieces.next().unwrap_or_default());
        for piece in pieces {
            let (tag, words) = piece.split_once('>').unwrap_or((piece, ""));
            self.addresses(words);
            let mut ids = ids_in(tag).peekable();
            if ids.peek().is_none()
                && TAGS.iter().any(|name| tag.starts_with(name))
                && tag.contains("url")
            {
                return Err(ApiError::validation(format!(
                    "{} has a tag whose url names no object that can be read: <{}>",
                    self.at(),
                    tag.chars().take(60).collect::<String>()
                )));
            }
            let is_person = MENTIONS_OF_PEOPLE.iter().any(|name| tag.starts_with(name));
            let kind = if is_person { Kind::User } else { Kind::Block };
            for id in ids {
                self.push(kind, id);
            }
        }
        Ok(())
    }

    /// The links in words: written as such, or just their addresses.
    fn addresses(&mut self, words: &str) {
        let ends = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '[' | ']' | '"' | '\'');
        for word in words.split(ends).filter(|word| word.contains("://")) {
            self.link(word);
        }
    }

    fn push(&mut self, kind: Kind, id: Id) {
        let at = self.at();
        self.found.push(Reference { kind, id, at });
    }

    fn at(&self) -> String {
        let mut at = "body".to_owned();
        for step in &self.path {
            match step {
                Step::Member(name) => {
                    at.push('.');
                    at.extend(name.chars().take(100));
                }
                Step::Element(index) => at.push_str(&format!("[{index}]")),
            }
        }
        at
    }
}

/// Tags of Notion's markdown that stand for an object.
const TAGS: &[&str] = &["page", "database", "folder", "mention", "synced"];

/// Tags that stand for a person.
const MENTIONS_OF_PEOPLE: &[&str] = &["mention-user", "mention-agent"];

/// Holders whose `url` leads somewhere: links, files, icons and covers from elsewhere. (A property that is
/// called so gets the same scrutiny.)
const LINKS: &[&str] = &["bookmark", "embed", "external", "file", "link", "link_preview"];

/// Holders whose `id` names a person.
const PEOPLE: &[&str] = &["created_by", "last_edited_by", "people", "user", "verified_by"];

/// Holders whose `id` names neither a person nor a page, block or database: options, emojis.
const OTHER_IDS: &[&str] =
    &["custom_emoji", "groups", "multi_select", "options", "select", "status"];

/// The ids in a piece of text, as they stand in URLs.
fn ids_in(text: &str) -> impl Iterator<Item = Id> {
    let pieces = text.split(|c: char| !c.is_ascii_hexdigit() && c != '-');
    pieces.filter_map(|piece| {
        // `Road-map-0a1b…` is one piece: the id is its end.
        let plain: String = piece.chars().filter(|c| *c != '-').collect();
        plain.len().checked_sub(32).and_then(|from| Id::parse(&plain[from..]))
    })
}

/// The members whose text is Notion's markdown. (`content` inside `text` is plain.)
fn is_markdown(holder: &str, name: &str) -> bool {
    matches!(
        (holder, name),
        (_, "markdown" | "new_str" | "old_str")
            | ("insert_content" | "replace_content_range", "content" | "after" | "content_range")
    )
}

/// Whether a lenient reader could see an id in a text that we cannot read as one.
fn could_hold_an_id(text: &str) -> bool {
    text.bytes().filter(u8::is_ascii_hexdigit).count() >= 32
}

/// What a string under `name`, inside the member `holder`, refers to.
fn kind_of(holder: &str, name: &str) -> Option<Kind> {
    match (holder, name) {
        // A place in the text, not an id.
        ("insert_content", "after") => None,
        (_, "page_id" | "template_id") => Some(Kind::Page),
        (_, "block_id" | "after") => Some(Kind::Block),
        (_, "database_id") => Some(Kind::Database),
        (_, "data_source_id") => Some(Kind::DataSource),
        (_, "discussion_id") => Some(Kind::Discussion),
        (_, "comment_id") => Some(Kind::Comment),
        (_, "view_id" | "after_view") => Some(Kind::View),
        (_, "file_upload_id") | ("file_upload", "id") => Some(Kind::FileUpload),
        ("page" | "relation", "id") | ("relation", "contains" | "does_not_contain") => {
            Some(Kind::Page)
        }
        ("database", "id") => Some(Kind::Database),
        ("data_source", "id") => Some(Kind::DataSource),
        ("after_block", "id") => Some(Kind::Block),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn finds_parents_mentions_relations_and_nested_blocks() {
        let id = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";
        let body = json!({
            "parent": {"data_source_id": id},
            "properties": {
                "Owner": {"people": [{"id": id}]},
                "Links": {"relation": [{"id": id}]},
                "Option": {"select": {"id": "abcd"}},
            },
            "children": [{"toggle": {"rich_text": [{"mention": {"page": {"id": id}}}], "children": [
                {"synced_block": {"synced_from": {"block_id": id}}},
                {"link_to_page": {"database_id": id}},
            ]}}],
            "filter": {"and": [{"property": "Links", "relation": {"contains": id}}]},
            "position": {"type": "after_block", "after_block": {"id": id}},
        });
        let found = references(&body).unwrap();
        let places: Vec<_> = found.iter().map(|found| (found.kind, found.at.as_str())).collect();
        assert_eq!(
            places,
            [
                (Kind::DataSource, "body.parent.data_source_id"),
                (Kind::User, "body.properties.Owner.people[0].id"),
                (Kind::Page, "body.properties.Links.relation[0].id"),
                (Kind::Page, "body.children[0].toggle.rich_text[0].mention.page.id"),
                (
                    Kind::Block,
                    "body.children[0].toggle.children[0].synced_block.synced_from.block_id"
                ),
                (Kind::Database, "body.children[0].toggle.children[1].link_to_page.database_id"),
                (Kind::Page, "body.filter.and[0].relation.contains"),
                (Kind::Block, "body.position.after_block.id"),
            ]
        );
    }

    #[test]
    fn tags_in_markdown_name_what_they_move_or_show() {
        let a = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";
        let b = "38c9ce7b60a481d79c8f0027e2be250c";
        let text = format!(
            "Text {b}\n<page url=\"https://www.notion.so/Plan-{b}\">Plan</page>\n\
             a <mention-page url='https://app.notion.com/p/{a}'/> b\n\
             <synced_block_reference url=https://notion.so/x#{b}>"
        );
        let body = json!({"type": "replace_content", "replace_content": {"new_str": text.clone()}});
        let found = references(&body).unwrap();
        let ids: Vec<_> = found.iter().map(|found| found.id.to_string()).collect();
        let b = Id::parse(b).unwrap().to_string();
        assert_eq!(ids, [b.clone(), a.to_owned(), b]);
        assert!(found.iter().all(|found| found.kind == Kind::Block));

        let harmless = json!({
            "markdown": format!("md5 {a} <b>bold</b> <span color=\"red\">x</span>"),
            "insert_content": {"after": "a face faded beneath a cafe facade, decade after decade"},
            "children": [{"paragraph": {"rich_text": [{"text": {"content": text}}]}}],
        });
        assert_eq!(references(&harmless).unwrap(), []);
    }

    #[test]
    fn links_name_what_they_lead_to() {
        let id = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";
        let url = format!("https://www.notion.so/Plan-{}", id.replace('-', ""));
        for body in [
            json!({"rich_text": [{"text": {"content": "x", "link": {"url": url}}}]}),
            json!({"children": [{"bookmark": {"url": url}}]}),
            json!({"embed": {"url": url}}),
            json!({"icon": {"type": "external", "external": {"url": url}}}),
            json!({"markdown": format!("see [the plan]({url}) <b>now</b>")}),
            json!({"markdown": format!("<b>x</b> {url}")}),
        ] {
            let found = references(&body).unwrap();
            assert_eq!(found.len(), 1, "{body}");
            assert_eq!((found[0].kind, found[0].id.to_string()), (Kind::Block, id.to_owned()));
        }
        let elsewhere = format!("https://example.com/{id}");
        for body in [
            json!({"rich_text": [{"text": {"content": url, "link": {"url": elsewhere}}}]}),
            json!({"markdown": format!("[x]({elsewhere}) {id}")}),
            json!({"properties": {"Site": {"url": url}}}),
        ] {
            assert_eq!(references(&body).unwrap(), [], "{body}");
        }
    }

    #[test]
    fn what_might_be_an_id_is_refused_in_notions_words() {
        let body = json!({"parent": {"page_id": "x0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d"}});
        assert_eq!(
            references(&body).unwrap_err().message,
            "body failed validation: body.parent.page_id should be a valid uuid, instead was \
             `\"x0a1b2c3d4e5f4a6b8c7d9e0f1a2b3c4d\"`."
        );
    }

    #[test]
    fn what_can_be_no_id_is_left_to_notion() {
        let body = json!({"parent": {"page_id": "nope"}, "properties": {"page": {"id": "%3Bab"}}});
        assert_eq!(references(&body).unwrap(), []);
    }

    #[test]
    fn ids_in_unexpected_shapes_are_found_too() {
        let id = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";
        for body in [
            json!({"after": [id]}),
            json!({"filter": {"relation": {"contains": [id]}}}),
            json!({"properties": {"Links": [{"id": id}]}}),
            json!({"markdown": format!("<database url=\"x\" data-source-url=\"collection://{id}\">")}),
        ] {
            assert_eq!(references(&body).unwrap().len(), 1, "{body}");
        }
        for body in [
            json!({"properties": {"Who": {"people": [{"id": id}]}, "Tag": {"select": {"id": id}}}}),
            json!({"rich_text": [{"mention": {"user": {"id": id}}}]}),
            json!({"markdown": format!("by <mention-user url=\"user://{id}\"/>")}),
        ] {
            let found = references(&body).unwrap();
            let kinds: Vec<Kind> = found.iter().map(|reference| reference.kind).collect();
            assert_eq!(kinds, [Kind::User], "{body}");
        }
        let hidden = json!({"markdown": "<page url=\"https://notion.so/&#48;a1b\">x</page>"});
        assert!(references(&hidden).is_err());
    }
}
