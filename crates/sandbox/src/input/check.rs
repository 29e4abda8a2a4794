//! The validator: Notion's grammar of complaints about a path, a query or a body.
//!
//! One failure reads `<section> failed validation: <path> <complaint>.`; the branches of a union
//! are listed one per line under `<section> failed validation. Fix one:`.

use notion::Id;
use serde_json::{Map, Value};

use crate::fail::Fail;

/// How much of a value a complaint shows.
const SHOWN_MAX: usize = 55;

/// A place in a request and what stands there (`None`: nothing).
#[derive(Clone, Debug)]
pub(crate) struct Spot<'a> {
    path: String,
    pub(crate) value: Option<&'a Value>,
}

/// What is wrong at a place.
#[derive(Clone, Debug)]
pub(crate) struct Complaint {
    pub(crate) path: String,
    pub(crate) says: String,
}

pub(crate) type Checked<T> = Result<T, Complaint>;

impl From<Complaint> for Fail {
    fn from(complaint: Complaint) -> Self {
        let section = section_of(&complaint.path);
        Self::validation(format!(
            "{section} failed validation: {} {}.",
            complaint.path, complaint.says
        ))
    }
}

/// The refusal when none of the branches of a union fits.
pub(crate) fn fix_one(complaints: Vec<Complaint>) -> Fail {
    let section = complaints.first().map_or("body", |first| section_of(&first.path)).to_owned();
    let lines: Vec<String> = complaints
        .into_iter()
        .map(|complaint| format!("{} {}.", complaint.path, complaint.says))
        .collect();
    Fail::validation(format!("{section} failed validation. Fix one:\n{}", lines.join("\n")))
}

fn section_of(path: &str) -> &str {
    path.split(['.', '[']).next().unwrap_or("body")
}

/// A value as complaints show it: JSON, cut.
fn shown(value: Option<&Value>) -> String {
    let Some(value) = value else { return "`undefined`".to_owned() };
    let text = value.to_string();
    if text.chars().count() <= SHOWN_MAX + 3 {
        return format!("`{text}`");
    }
    let cut: String = text.chars().take(SHOWN_MAX).collect();
    format!("`{cut}...`")
}

/// The length of a text as the validator counts it (UTF-16 units).
pub(crate) fn text_length(text: &str) -> usize {
    text.encode_utf16().count()
}

impl<'a> Spot<'a> {
    /// The whole of a section (`body`, `query`, `path`).
    pub(crate) fn root(section: &str, value: &'a Value) -> Self {
        let value = if value.is_null() { None } else { Some(value) };
        Self { path: section.to_owned(), value }
    }

    pub(crate) fn body(value: &'a Value) -> Self {
        Self::root("body", value)
    }

    /// The member `key`, there or not.
    pub(crate) fn get(&self, key: &str) -> Self {
        let value = self.value.and_then(|value| value.as_object()).and_then(|all| all.get(key));
        Self { path: format!("{}.{key}", self.path), value }
    }

    pub(crate) fn is_there(&self) -> bool {
        self.value.is_some()
    }

    pub(crate) fn is_null(&self) -> bool {
        self.value.is_some_and(Value::is_null)
    }

    pub(crate) fn complain(&self, says: impl Into<String>) -> Complaint {
        Complaint { path: self.path.clone(), says: says.into() }
    }

    /// `should be <what>, instead was …`
    pub(crate) fn should_be(&self, what: &str) -> Complaint {
        self.complain(format!("should be {what}, instead was {}", shown(self.value)))
    }

    pub(crate) fn undefined(&self) -> Complaint {
        self.should_be("defined")
    }

    pub(crate) fn not_present(&self) -> Complaint {
        self.should_be("not present")
    }

    fn wrong(&self, what: &str, optional: bool) -> Complaint {
        match (self.value, optional) {
            (None, _) => self.undefined(),
            (Some(_), true) => self.should_be(&format!("{what} or `undefined`")),
            (Some(_), false) => self.should_be(what),
        }
    }

    fn object_as(&self, optional: bool) -> Checked<&'a Map<String, Value>> {
        self.value.and_then(Value::as_object).ok_or_else(|| self.wrong("an object", optional))
    }

    pub(crate) fn object(&self) -> Checked<&'a Map<String, Value>> {
        self.object_as(false)
    }

    pub(crate) fn object_opt(&self) -> Checked<Option<&'a Map<String, Value>>> {
        self.value.map(|_| self.object_as(true)).transpose()
    }

    /// The members of an object, each as a place.
    pub(crate) fn members(&self) -> Checked<Vec<(&'a str, Self)>> {
        Ok(self.object()?.keys().map(|key| (key.as_str(), self.get(key))).collect())
    }

    /// The elements of an array of at most `max`.
    pub(crate) fn items(&self, max: usize) -> Checked<Vec<Self>> {
        let all =
            self.value.and_then(Value::as_array).ok_or_else(|| self.wrong("an array", false))?;
        self.limit(all.len(), max)?;
        Ok(all
            .iter()
            .enumerate()
            .map(|(index, value)| Self {
                path: format!("{}[{index}]", self.path),
                value: Some(value),
            })
            .collect())
    }

    fn limit(&self, length: usize, max: usize) -> Checked<()> {
        if length <= max {
            return Ok(());
        }
        Err(Complaint {
            path: format!("{}.length", self.path),
            says: format!("should be ≤ `{max}`, instead was `{length}`"),
        })
    }

    pub(crate) fn string(&self) -> Checked<&'a str> {
        self.value.and_then(Value::as_str).ok_or_else(|| self.wrong("a string", false))
    }

    /// A string of at most `max` UTF-16 units.
    pub(crate) fn text(&self, max: usize) -> Checked<&'a str> {
        let text = self.string()?;
        self.limit(text_length(text), max)?;
        Ok(text)
    }

    pub(crate) fn string_opt(&self) -> Checked<Option<&'a str>> {
        let Some(value) = self.value else { return Ok(None) };
        value.as_str().map(Some).ok_or_else(|| self.wrong("a string", true))
    }

    /// A string or nothing; `null` counts as nothing.
    pub(crate) fn string_or_null(&self, max: usize) -> Checked<Option<&'a str>> {
        if !self.is_there() || self.is_null() {
            return Ok(None);
        }
        let text = self
            .value
            .and_then(Value::as_str)
            .ok_or_else(|| self.should_be("a string or `null`"))?;
        self.limit(text_length(text), max)?;
        Ok(Some(text))
    }

    pub(crate) fn number(&self) -> Checked<f64> {
        self.value.and_then(Value::as_f64).ok_or_else(|| self.wrong("a number", false))
    }

    pub(crate) fn bool(&self) -> Checked<bool> {
        self.value.and_then(Value::as_bool).ok_or_else(|| self.wrong("a boolean", false))
    }

    pub(crate) fn bool_opt(&self) -> Checked<Option<bool>> {
        let Some(value) = self.value else { return Ok(None) };
        value.as_bool().map(Some).ok_or_else(|| self.wrong("a boolean", true))
    }

    pub(crate) fn id(&self) -> Checked<Id> {
        let text = self.string()?;
        Id::parse(text).ok_or_else(|| self.should_be("a valid uuid"))
    }

    /// One of the words; `optional` shapes the complaint.
    pub(crate) fn word(&self, words: &[&'static str], optional: bool) -> Checked<&'static str> {
        let found = self.value.and_then(Value::as_str);
        if let Some(found) = found.and_then(|text| words.iter().find(|word| **word == text)) {
            return Ok(found);
        }
        if self.value.is_none() && !optional {
            return Err(self.undefined());
        }
        Err(self.should_be(&alternatives(words, optional)))
    }

    /// Complains about the first member that is not in `known`.
    pub(crate) fn only(&self, known: &[&str]) -> Checked<()> {
        let Some(all) = self.value.and_then(Value::as_object) else { return Ok(()) };
        match all.keys().find(|key| !known.contains(&key.as_str())) {
            Some(stranger) => Err(self.get(stranger).not_present()),
            None => Ok(()),
        }
    }
}

/// `"a"`, `"b"`, or `undefined`, each in backticks.
fn alternatives(words: &[&str], optional: bool) -> String {
    let mut all: Vec<String> = words.iter().map(|word| format!("`\"{word}\"`")).collect();
    if optional {
        all.push("`undefined`".to_owned());
    }
    match all.as_slice() {
        [one] => one.clone(),
        [one, two] => format!("{one} or {two}"),
        [first @ .., last] => format!("{}, or {last}", first.join(", ")),
        [] => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(result: Checked<impl Sized>) -> String {
        Fail::from(result.err().unwrap()).message
    }

    #[test]
    fn complaints_read_like_notion() {
        let body = json!({"a": "x", "list": [1, 2, 3], "sort": {"direction": "up"}, "id": "AAA"});
        let body = Spot::body(&body);
        let cases = [
            (
                text(body.get("b").string()),
                "body failed validation: body.b should be defined, instead was `undefined`.",
            ),
            (
                text(body.get("a").number()),
                "body failed validation: body.a should be a number, instead was `\"x\"`.",
            ),
            (
                text(body.get("list").items(2)),
                "body failed validation: body.list.length should be ≤ `2`, instead was `3`.",
            ),
            (
                text(body.get("sort").get("direction").word(&["ascending", "descending"], true)),
                "body failed validation: body.sort.direction should be `\"ascending\"`, \
                 `\"descending\"`, or `undefined`, instead was `\"up\"`.",
            ),
            (
                text(body.get("id").id()),
                "body failed validation: body.id should be a valid uuid, instead was `\"AAA\"`.",
            ),
            (
                text(body.only(&["a", "list", "sort"])),
                "body failed validation: body.id should be not present, instead was `\"AAA\"`.",
            ),
        ];
        for (is, expected) in cases {
            assert_eq!(is, expected);
        }
    }
}
