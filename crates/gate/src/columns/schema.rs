//! What a table's columns look at, read from its schema as Notion shows it in the latest version.

use notion::Id;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

/// Types whose values are the page's own, and hold no text in which something can be mentioned.
const PLAIN: &[&str] = &[
    "button",
    "checkbox",
    "created_by",
    "created_time",
    "date",
    "email",
    "files",
    "last_edited_by",
    "last_edited_time",
    "multi_select",
    "number",
    "people",
    "phone_number",
    "place",
    "select",
    "status",
    "unique_id",
    "url",
    "verification",
];
/// Types whose values are text, in which pages can be mentioned.
const TEXTS: &[&str] = &["rich_text", "title"];
/// What formulas call without a column: the page's own.
const OF_THE_PAGE: &[&str] = &["created_by", "created_time", "last_edited_by", "last_edited_time"];

/// Whether a type's values are the page's own, whatever the schema says.
pub(crate) fn is_own(kind: &str) -> bool {
    PLAIN.contains(&kind) || TEXTS.contains(&kind)
}

/// The columns of one table.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Schema {
    pub(crate) columns: Vec<Column>,
}

/// One column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Column {
    /// As answers show it, percent-encoded.
    pub(crate) id: String,
    pub(crate) name: String,
    /// Its type, in Notion's word.
    pub(crate) kind: String,
    pub(crate) reads: Reads,
}

/// What a column's values are made from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Reads {
    /// The page itself.
    Page,
    /// Text of the page itself.
    Text,
    /// Rows of a table.
    Relation(Id),
    /// A column of the rows that a relation leads to.
    Rollup { relation: String, target: String, function: String },
    /// The columns that an expression names; `None` if it names something that cannot be read.
    Formula(Option<Vec<Reference>>),
    /// Nobody has taught the gate this type yet.
    Unknown,
}

/// A column that a formula names.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reference {
    /// Its id or its name.
    pub(crate) called: String,
    /// Whether the formula only counts it: nothing of the text of what it leads to gets out.
    pub(crate) counted: bool,
}

impl Schema {
    /// Reads the `properties` of a data source; `None` if they are none.
    pub(crate) fn read(source: Id, object: &Value) -> Option<Self> {
        let properties = object.get("properties")?.as_object()?;
        let columns = properties.iter().map(|(name, column)| Column::read(source, name, column));
        Some(Self { columns: columns.collect() })
    }

    /// The columns that `called` may mean: by name, by id, by the id decoded. More than one where a name
    /// of one is the id of another.
    pub(crate) fn called<'a>(&'a self, called: &'a str) -> impl Iterator<Item = usize> + 'a {
        let all = self.columns.iter().enumerate();
        all.filter(move |(_, column)| column.is_called(called)).map(|(index, _)| index)
    }
}

impl Column {
    fn read(source: Id, name: &str, column: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let kind = text(&column["type"]);
        let config = &column[kind.as_str()];
        let reads = match kind.as_str() {
            own if PLAIN.contains(&own) => Reads::Page,
            text if TEXTS.contains(&text) => Reads::Text,
            "relation" => match config["data_source_id"].as_str().and_then(Id::parse) {
                Some(target) => Reads::Relation(target),
                None => Reads::Unknown,
            },
            "rollup" => Reads::Rollup {
                relation: text(&config["relation_property_id"]),
                target: text(&config["rollup_property_id"]),
                function: text(&config["function"]),
            },
            "formula" => Reads::Formula(
                config["expression"].as_str().and_then(|expression| named_in(expression, source)),
            ),
            _ => Reads::Unknown,
        };
        Self { id: text(&column["id"]), name: name.to_owned(), kind, reads }
    }

    /// Whether a request, a rollup or a formula may mean this column.
    pub(crate) fn is_called(&self, called: &str) -> bool {
        self.name == called || self.has_id(called)
    }

    /// Whether that is its id, encoded (as in answers) or not (as in rollups).
    pub(crate) fn has_id(&self, id: &str) -> bool {
        same_id(&self.id, id)
    }
}

/// Whether `id` is the id `shown` of a column, encoded or not.
pub(crate) fn same_id(shown: &str, id: &str) -> bool {
    shown == id || decoded(shown) == id || decoded(shown) == decoded(id)
}

fn decoded(id: &str) -> String {
    percent_decode_str(id).decode_utf8_lossy().into_owned()
}

/// The columns that an expression names, as Notion shows it (`{{notion:block_property:id:table:space}}`)
/// and as people write it (`prop("Name")`). `None` if something in it cannot be read.
pub(super) fn named_in(expression: &str, own: Id) -> Option<Vec<Reference>> {
    let mut all = Vec::new();
    let mut at = 0;
    while let Some(rest) = expression.get(at..).filter(|rest| !rest.is_empty()) {
        let (length, called, source) = if rest.starts_with("{{") {
            placeholder(rest)?
        } else if let Some(found) = prop(expression, at) {
            found?
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
            continue;
        };
        let counted = is_counted(&expression[..at], &rest[length..]);
        at += length;
        // A column of another table is reached through a relation, whose rows nobody can look through.
        if source.is_some_and(|source| source != own && source != Id::NIL) {
            return None;
        }
        let is_of_the_page = source.is_none() && OF_THE_PAGE.contains(&called.as_str());
        if !is_of_the_page {
            all.push(Reference { called, counted });
        }
    }
    Some(all)
}

type Named = (usize, String, Option<Id>);

/// `{{notion:block_property:<id>[:<table>:<space>]}}`
fn placeholder(rest: &str) -> Option<Named> {
    let end = rest.find("}}")?;
    let mut parts = rest.get(2..end)?.split(':');
    if (parts.next()?, parts.next()?) != ("notion", "block_property") {
        return None;
    }
    let called = parts.next().filter(|called| !called.is_empty())?;
    let source = match parts.next() {
        None => None,
        Some(table) => Some(Id::parse(table)?),
    };
    // The space; more than that is something else.
    if parts.count() > 1 {
        return None;
    }
    Some((end + 2, called.to_owned(), source))
}

/// `prop("Name")`, if the word stands at `at`: `Some(None)` for a name that cannot be read.
fn prop(expression: &str, at: usize) -> Option<Option<Named>> {
    let rest = expression.get(at..)?.strip_prefix("prop")?;
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    if expression[..at].ends_with(is_word) || rest.starts_with(is_word) {
        return None;
    }
    let name = || {
        let inside = rest.trim_start().strip_prefix('(')?.trim_start();
        let mut text = serde_json::Deserializer::from_str(inside).into_iter::<String>();
        let name = text.next()?.ok()?;
        let after = inside.get(text.byte_offset()..)?.trim_start().strip_prefix(')')?;
        Some((expression.len() - at - after.len(), name, None))
    };
    Some(name())
}

/// Whether what stands between is only counted: `length(…)`, `empty(…)`, `….length()`, `….empty()`.
fn is_counted(before: &str, after: &str) -> bool {
    let is_argument = |name: &str| {
        let word = before.strip_suffix('(').and_then(|before| before.strip_suffix(name));
        let whole = word.is_some_and(|before| {
            !before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.')
        });
        whole && after.starts_with(')')
    };
    is_argument("length")
        || is_argument("empty")
        || after.starts_with(".length()")
        || after.starts_with(".empty()")
}

/// The member of a schema entry or value that its type names.
pub(crate) fn kind_of(entry: &Map<String, Value>) -> &str {
    entry.get("type").and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const OWN: &str = "00000000-0000-4000-8000-0000000000aa";
    const OTHER: &str = "00000000-0000-4000-8000-0000000000bb";

    fn names(expression: &str) -> Option<Vec<(String, bool)>> {
        let all = named_in(expression, Id::parse(OWN).unwrap())?;
        Some(all.into_iter().map(|it| (it.called, it.counted)).collect())
    }

    #[test]
    fn formulas_name_columns_in_both_ways() {
        let own = format!("{{{{notion:block_property:WL%40f:{OWN}:{OWN}}}}}");
        let nil = format!("{{{{notion:block_property:title:{}:{OWN}}}}}", Id::NIL);
        let other = format!("{{{{notion:block_property:ab:{OTHER}:{OWN}}}}}");
        let is = |called: &str, counted| (called.to_owned(), counted);
        for (expression, expected) in [
            (format!("{own} * 2"), Some(vec![is("WL%40f", false)])),
            (format!("{nil}.style(\"u\")"), Some(vec![is("title", false)])),
            (format!("{own}.map({other})"), None),
            (
                format!("length({own}) + {own}.length() + maxlength({own})"),
                Some(vec![is("WL%40f", true), is("WL%40f", true), is("WL%40f", false)]),
            ),
            (
                "{{notion:block_property:created_time}}.dateAdd(1, \"weeks\")".to_owned(),
                Some(vec![]),
            ),
            (
                "prop(\"A \\\"b\\\"\") + current.prop( \"C\" ) + property".to_owned(),
                Some(vec![is("A \"b\"", false), is("C", false)]),
            ),
            ("prop(name)".to_owned(), None),
            ("{{notion:page:x}}".to_owned(), None),
            ("{{notion:block_property:a:b}}".to_owned(), None),
            ("{{notion:block_property:a".to_owned(), None),
            ("format(\"ünïcode\")".to_owned(), Some(vec![])),
        ] {
            assert_eq!(names(&expression), expected, "{expression}");
        }
    }

    #[test]
    fn a_schema_is_read_and_what_is_unknown_is_said_so() {
        let own = Id::parse(OWN).unwrap();
        let object = json!({"properties": {
            "Name": {"id": "title", "type": "title", "title": {}},
            "Link": {"id": "a%3Bb", "type": "relation", "relation": {"data_source_id": OTHER, "database_id": OWN}},
            "Old": {"id": "old", "type": "relation", "relation": {"database_id": OTHER}},
            "Sum": {"id": "sum", "type": "rollup", "rollup": {
                "relation_property_id": "a;b", "rollup_property_id": "x", "function": "sum"}},
            "Odd": {"id": "odd", "type": "hologram", "hologram": {}},
        }});
        let schema = Schema::read(own, &object).unwrap();
        let reads: Vec<_> = schema.columns.iter().map(|column| &column.reads).collect();
        let sum = Reads::Rollup {
            relation: "a;b".to_owned(),
            target: "x".to_owned(),
            function: "sum".to_owned(),
        };
        let link = Reads::Relation(Id::parse(OTHER).unwrap());
        assert_eq!(reads, [&Reads::Text, &link, &Reads::Unknown, &sum, &Reads::Unknown]);
        for called in ["Link", "a%3Bb", "a;b"] {
            assert_eq!(schema.called(called).collect::<Vec<_>>(), [1], "{called}");
        }
        assert_eq!(schema.called("link").count(), 0);
    }

    proptest! {
        #[test]
        fn reading_a_formula_never_panics(text in "(prop|\\(|\"|\\)|\\{\\{|\\}\\}|notion:block_property:|é|a| )*") {
            let _ = names(&text);
        }
    }
}
