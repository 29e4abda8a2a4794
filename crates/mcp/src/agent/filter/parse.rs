//! Reading a filter. Names of columns are matched against the schema, the longest first.

use super::{Compare, Expr, SPANS};
use crate::agent::fault::Fault;
use crate::agent::schema::Schema;

/// Longest filter, and the most conditions in one.
const TEXT_MAX: usize = 4_000;
const CONDITIONS_MAX: usize = 100;
/// How deep brackets may nest while they are read.
const BRACKETS_MAX: usize = 20;

/// Reads a filter.
pub(crate) fn parse(text: &str, schema: &Schema) -> Result<Expr, Fault> {
    if text.len() > TEXT_MAX {
        return Err(Fault::input("The filter is longer than 4,000 characters."));
    }
    let mut reader = Reader { rest: text, schema, conditions: 0, depth: 0 };
    let expr = reader.or()?;
    reader.skip();
    if !reader.rest.is_empty() {
        return Err(reader.fault("`and`, `or` or the end"));
    }
    Ok(expr)
}

struct Reader<'a> {
    rest: &'a str,
    schema: &'a Schema,
    conditions: usize,
    depth: usize,
}

/// Comparisons as people write them; longer ones first.
const COMPARISONS: &[(&str, Compare)] = &[
    ("does not contain", Compare::Lacks),
    ("does_not_contain", Compare::Lacks),
    ("not contains", Compare::Lacks),
    ("does not equal", Compare::Differs),
    ("is not empty", Compare::Filled),
    ("is_not_empty", Compare::Filled),
    ("is empty", Compare::Empty),
    ("is_empty", Compare::Empty),
    ("starts with", Compare::Begins),
    ("starts_with", Compare::Begins),
    ("ends with", Compare::Ends),
    ("ends_with", Compare::Ends),
    ("on or before", Compare::AtMost),
    ("on or after", Compare::AtLeast),
    ("contains", Compare::Contains),
    ("before", Compare::Less),
    ("after", Compare::More),
    ("equals", Compare::Equals),
    ("is not", Compare::Differs),
    ("is", Compare::Equals),
    ("==", Compare::Equals),
    ("!=", Compare::Differs),
    ("<>", Compare::Differs),
    ("<=", Compare::AtMost),
    (">=", Compare::AtLeast),
    ("=", Compare::Equals),
    ("<", Compare::Less),
    (">", Compare::More),
];

impl Reader<'_> {
    fn skip(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn fault(&self, wanted: &str) -> Fault {
        let near: String = self.rest.chars().take(40).collect();
        let near = if near.is_empty() { "the end".to_owned() } else { format!("`{near}`") };
        Fault::input(format!(
            "The filter is not understood: expected {wanted} at {near}. Example: `Status = Done and (Due \
             < today or Tags contains \"next week\")`."
        ))
    }

    /// Takes a word or sign if it stands next, upper case or not.
    fn take(&mut self, word: &str) -> bool {
        self.skip();
        let Some(head) = self.rest.get(..word.len()) else { return false };
        if !head.eq_ignore_ascii_case(word) {
            return false;
        }
        let after = &self.rest[word.len()..];
        let is_word = word.ends_with(|c: char| c.is_alphanumeric());
        if is_word && after.starts_with(|c: char| c.is_alphanumeric() || c == '_') {
            return false;
        }
        self.rest = after;
        true
    }

    fn or(&mut self) -> Result<Expr, Fault> {
        let mut parts = vec![self.and()?];
        while self.take("or") || self.take("||") {
            parts.push(self.and()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expr::Or(parts) })
    }

    fn and(&mut self) -> Result<Expr, Fault> {
        let mut parts = vec![self.one()?];
        while self.take("and") || self.take("&&") {
            parts.push(self.one()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expr::And(parts) })
    }

    fn one(&mut self) -> Result<Expr, Fault> {
        let before = self.rest;
        if self.take("(") {
            self.deeper()?;
            let inner = self.or()?;
            self.depth -= 1;
            return if self.take(")") { Ok(inner) } else { Err(self.fault("`)`")) };
        }
        // A column may be called `Not …`.
        if !self.names_column() && self.take("not") {
            self.deeper()?;
            let inner = self.one()?;
            self.depth -= 1;
            return inner.negated().ok_or_else(|| {
                self.rest = before;
                self.fault("a comparison that has an opposite (`starts with` has none)")
            });
        }
        self.conditions += 1;
        if self.conditions > CONDITIONS_MAX {
            return Err(Fault::input("The filter has more than 100 conditions."));
        }
        let column = self.column()?;
        if self.begins_choice() {
            return self.choice(column);
        }
        let compare = COMPARISONS.iter().find(|(word, _)| self.take(word));
        let Some((_, compare)) = compare else {
            // `Due this_week`
            if let Some(span) = SPANS.iter().find(|span| self.take(span)) {
                return Ok(Expr::Is(column, Compare::Equals, (*span).to_owned()));
            }
            return Err(self.fault("a comparison (=, !=, <, <=, contains, is empty, …)"));
        };
        match compare {
            Compare::Empty | Compare::Filled => Ok(Expr::Is(column, *compare, String::new())),
            Compare::Equals if self.begins_choice() => self.choice(column),
            _ => Ok(Expr::Is(column, *compare, self.value()?)),
        }
    }

    /// One bracket or `not` further in.
    fn deeper(&mut self) -> Result<(), Fault> {
        self.depth += 1;
        if self.depth > BRACKETS_MAX {
            return Err(Fault::input("The filter has too many brackets in brackets."));
        }
        Ok(())
    }

    /// Takes `in (` if it stands next.
    fn begins_choice(&mut self) -> bool {
        let before = self.rest;
        let begins = self.take("in") && self.take("(");
        if !begins {
            self.rest = before;
        }
        begins
    }

    /// What is left of `in (a, b)`.
    fn choice(&mut self, column: String) -> Result<Expr, Fault> {
        let mut parts = Vec::new();
        loop {
            self.conditions += 1;
            parts.push(Expr::Is(column.clone(), Compare::Equals, self.value_until(&[',', ')'])?));
            if self.take(")") {
                return Ok(Expr::Or(parts));
            }
            if !self.take(",") || self.conditions > CONDITIONS_MAX {
                return Err(self.fault("`,` or `)`"));
            }
        }
    }

    /// A column: quoted, or as the schema has it.
    fn column(&mut self) -> Result<String, Fault> {
        self.skip();
        if let Some(quoted) = self.quoted()? {
            return Ok(quoted);
        }
        match self.standing().map(str::to_owned) {
            Some(name) => {
                self.rest = self.rest.get(name.len()..).unwrap_or_default();
                Ok(name)
            }
            None => {
                let end = self.rest.find(['=', '<', '>', '!', '(', ')']).unwrap_or(self.rest.len());
                let name = self.rest[..end].split(" is ").next().unwrap_or_default().trim();
                let name: String = name.chars().take(60).collect();
                Err(Fault::input(format!(
                    "The filter names no column at `{name}` (values with `and` or `or` in them need \
                     quotes). Columns: {}.",
                    self.schema.names()
                )))
            }
        }
    }

    /// The column that stands next, without quotes.
    fn standing(&self) -> Option<&str> {
        let names = self.schema.columns.iter().map(|column| column.name.as_str());
        let names = names.chain(["created_time", "last_edited_time", "title"]);
        names.filter(|name| self.stands(name)).max_by_key(|name| name.len())
    }

    fn names_column(&mut self) -> bool {
        self.skip();
        self.standing().is_some()
    }

    /// Whether a name of a column stands next, as whole words.
    fn stands(&self, name: &str) -> bool {
        let Some(head) = self.rest.get(..name.len()) else { return false };
        let same = head == name || head.to_lowercase() == name.to_lowercase();
        let after = self.rest[name.len()..].chars().next();
        !name.is_empty() && same && after.is_none_or(|c| !c.is_alphanumeric() && c != '_')
    }

    fn value(&mut self) -> Result<String, Fault> {
        self.value_until(&[')'])
    }

    fn value_until(&mut self, ends: &[char]) -> Result<String, Fault> {
        self.skip();
        if let Some(quoted) = self.quoted()? {
            return Ok(quoted);
        }
        let lower = self.rest.to_ascii_lowercase();
        let joined = [" and ", " or ", " && ", " || "];
        let stops = joined.iter().filter_map(|word| lower.find(word));
        let stop = stops.chain(self.rest.find(ends)).min().unwrap_or(self.rest.len());
        let value = self.rest[..stop].trim().to_owned();
        if value.is_empty() {
            return Err(self.fault("a value"));
        }
        self.rest = &self.rest[stop..];
        Ok(value)
    }

    /// What stands in quotes, if a quote is next. A quote inside is doubled or has a backslash before it.
    fn quoted(&mut self) -> Result<Option<String>, Fault> {
        let Some(quote) = self.rest.chars().next().filter(|c| matches!(c, '"' | '\'' | '`')) else {
            return Ok(None);
        };
        let mut text = String::new();
        let mut chars = self.rest.char_indices().skip(1).peekable();
        while let Some((at, c)) = chars.next() {
            if c == '\\' && chars.peek().is_some_and(|(_, next)| *next == quote || *next == '\\') {
                text.extend(chars.next().map(|(_, c)| c));
            } else if c == quote {
                if chars.peek().is_some_and(|(_, next)| *next == quote) {
                    text.push(quote);
                    chars.next();
                    continue;
                }
                self.rest = &self.rest[at + quote.len_utf8()..];
                return Ok(Some(text));
            } else {
                text.push(c);
            }
        }
        Err(self.fault("a closing quote"))
    }
}
