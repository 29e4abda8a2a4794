//! The query of meeting notes: a language of its own for filters (SDK), with the meaning of the
//! filters of tables. Operators are those that users and the MCP tool of the same name show; what
//! is said of malformed ones is own wording.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use notion::Id;
use serde_json::Value;

use super::condition::Condition;
use super::dates::{self, Moment};
use super::sort::order;
use crate::compute::cell::Cell;
use crate::fail::Fail;
use crate::input::check::{Checked, Spot};
use crate::render::{rich_text, user};
use crate::world::access::View;
use crate::world::node::Node;

/// Most notes of an answer; also how many there are when nothing is said (documented).
const LIMIT: usize = 50;
/// Most filters of one `and` or `or`, and most sorts (SDK).
const PARTS_MAX: usize = 100;
/// `and` and `or` stand so deep in each other (SDK).
const LEVELS: usize = 3;
const TEXT_MAX: usize = 2000;
const COUNT_MAX: u16 = 1000;

const PROPERTIES: [&str; 6] =
    ["title", "attendees", "created_time", "created_by", "last_edited_time", "last_edited_by"];
/// What the MCP tool calls the attendees.
const ATTENDEES: &str = "notion://meeting_notes/attendees";

/// Operators, and those of tables that mean the same.
const TEXT: [(&str, &str); 6] = [
    ("string_is", "equals"),
    ("string_is_not", "does_not_equal"),
    ("string_contains", "contains"),
    ("string_does_not_contain", "does_not_contain"),
    ("string_starts_with", "starts_with"),
    ("string_ends_with", "ends_with"),
];
const PEOPLE: [(&str, &str); 2] =
    [("person_contains", "contains"), ("person_does_not_contain", "does_not_contain")];
const DATES: [(&str, &str); 6] = [
    ("date_is", "equals"),
    ("date_is_before", "before"),
    ("date_is_after", "after"),
    ("date_is_on_or_before", "on_or_before"),
    ("date_is_on_or_after", "on_or_after"),
    ("date_is_within", "within"),
];

/// What a query wants.
#[derive(Debug)]
pub(crate) struct Wanted {
    filter: Filter,
    sorts: Vec<(&'static str, bool)>,
    limit: usize,
}

#[derive(Debug)]
enum Filter {
    All(Vec<Self>),
    Any(Vec<Self>),
    Property(&'static str, Condition),
}

impl Wanted {
    /// Reads the body of a query.
    pub(crate) fn read(body: &Spot, me: Id, now: Timestamp) -> Result<Self, Fail> {
        body.only(&["filter", "sort", "limit"])?;
        let filter = body.get("filter");
        let reader = Reader { me, now };
        let filter = match filter.is_there() {
            true => reader.filter(&filter, 0)?,
            false => Filter::All(Vec::new()),
        };
        let mut sorts = Vec::new();
        if body.get("sort").is_there() {
            for item in body.get("sort").items(PARTS_MAX)? {
                item.object()?;
                item.only(&["property", "direction"])?;
                let property = item.get("property").word(&PROPERTIES, false)?;
                let direction = item.get("direction").word(&["ascending", "descending"], false)?;
                sorts.push((property, direction == "descending"));
            }
        }
        Ok(Self { filter, sorts, limit: limit(&body.get("limit"))? })
    }

    /// The notes that are wanted, and whether there are more. Without a sort the newest come first
    /// (a guess).
    pub(crate) fn find<'a>(&self, view: View<'a>) -> (Vec<&'a Node>, bool) {
        let mut found: Vec<(Note, &Node)> = Vec::new();
        for (id, node) in view.world.nodes.iter() {
            let Some(block) = node.block().filter(|block| block.kind == "meeting_notes") else {
                continue;
            };
            let note = Note { view, node, body: block.body() };
            if view.sees(*id)
                && !view.world.is_gone(*id)
                && note.is_own()
                && self.filter.takes(&note)
            {
                found.push((note, node));
            }
        }
        found.reverse();
        found.sort_by(|(a, _), (b, _)| {
            let orders = self.sorts.iter().map(|(by, down)| order(&a.key(by), &b.key(by), *down));
            orders.into_iter().find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
        });
        let has_more = found.len() > self.limit;
        (found.into_iter().take(self.limit).map(|(_, node)| node).collect(), has_more)
    }
}

fn limit(spot: &Spot) -> Checked<usize> {
    if !spot.is_there() {
        return Ok(LIMIT);
    }
    let number = spot.number()?;
    let whole = (1..=LIMIT).find(|whole| *whole as f64 == number);
    whole.ok_or_else(|| spot.should_be(&format!("an integer from `1` to `{LIMIT}` or `undefined`")))
}

struct Reader {
    me: Id,
    now: Timestamp,
}

impl Reader {
    fn filter(&self, spot: &Spot, level: usize) -> Result<Filter, Fail> {
        spot.object()?;
        let property = spot.get("property");
        if property.is_there() || level >= LEVELS {
            spot.only(&["property", "filter"])?;
            let name = match property.string()? {
                ATTENDEES => "attendees",
                _ => property.word(&PROPERTIES, false)?,
            };
            return Ok(Filter::Property(name, self.condition(&spot.get("filter"), name)?));
        }
        spot.only(&["operator", "filters"])?;
        let operator = spot.get("operator").word(&["and", "or"], false)?;
        let filters = spot.get("filters");
        // Nothing to combine leaves everything in.
        let items =
            if filters.is_there() || level > 0 { filters.items(PARTS_MAX)? } else { Vec::new() };
        let all: Result<Vec<Filter>, Fail> =
            items.iter().map(|item| self.filter(item, level + 1)).collect();
        let all = all?;
        Ok(if operator == "and" || all.is_empty() { Filter::All(all) } else { Filter::Any(all) })
    }

    fn condition(&self, spot: &Spot, property: &str) -> Result<Condition, Fail> {
        spot.object()?;
        spot.only(&["operator", "value"])?;
        let operators: &[(&str, &str)] = match property {
            "title" => &TEXT,
            "created_time" | "last_edited_time" => &DATES,
            _ => &PEOPLE,
        };
        let mut names: Vec<&'static str> = vec!["is_empty", "is_not_empty"];
        names.extend(operators.iter().map(|(name, _)| *name));
        let name = spot.get("operator").word(&names, false)?;
        let Some((_, operator)) = operators.iter().find(|(known, _)| *known == name) else {
            return Ok(Condition::Empty(name == "is_empty"));
        };
        let value = spot.get("value");
        Ok(match property {
            "title" => {
                kind(&value, &["exact"])?;
                Condition::Words(operator, vec![value.get("value").text(TEXT_MAX)?.to_owned()])
            }
            "created_time" | "last_edited_time" if *operator == "within" => self.window(&value)?,
            "created_time" | "last_edited_time" => Condition::Date(operator, self.moment(&value)?),
            _ => Condition::Words(operator, self.people(&value)?),
        })
    }

    /// One person or several, of whom any will do.
    fn people(&self, value: &Spot) -> Result<Vec<String>, Fail> {
        let all = match value.value {
            Some(Value::Array(_)) => value.items(PARTS_MAX)?,
            _ => vec![value.clone()],
        };
        let mut ids = Vec::new();
        for one in all {
            let inner = one.get("value");
            let id = if kind(&one, &["exact", "relative"])? == "relative" {
                inner.word(&["me"], false)?;
                self.me
            } else {
                inner.object()?;
                inner.get("table").word(&["notion_user"], false)?;
                inner.get("id").id()?
            };
            ids.push(id.to_string());
        }
        Ok(ids)
    }

    /// A word such as `today`, a day, or a time in a zone.
    fn moment(&self, value: &Spot) -> Result<Moment, Fail> {
        let inner = value.get("value");
        if kind(value, &["exact", "relative"])? == "relative" {
            let found = dates::relative(inner.string()?, self.now);
            return Ok(found.ok_or_else(|| inner.should_be("a relative date"))?);
        }
        inner.object()?;
        let has_time = inner.get("type").word(&["date", "datetime"], false)? == "datetime";
        let day = inner.get("start_date");
        let bad = || day.should_be("a valid ISO 8601 date string");
        let date: Date = day.text(60)?.parse().map_err(|_| bad())?;
        if !has_time {
            return Ok(Moment::on(date).ok_or_else(bad)?);
        }
        let zone = inner.get("time_zone");
        let time_zone = match zone.string_opt()? {
            Some(name) => TimeZone::get(name)
                .map_err(|_| zone.should_be("a valid time zone or `undefined`"))?,
            None => TimeZone::UTC,
        };
        let time = inner.get("start_time").string_opt()?.unwrap_or("00:00");
        let written = dates::normalise(&format!("{date}T{time}"), &time_zone);
        let moment = written.and_then(|text| Moment::parse(&text));
        Ok(moment.ok_or_else(|| inner.get("start_time").should_be("a valid time"))?)
    }

    /// A named period, one counted from today, or one of two days.
    fn window(&self, value: &Spot) -> Result<Condition, Fail> {
        let inner = value.get("value");
        if kind(value, &["exact", "relative"])? == "exact" {
            inner.object()?;
            inner.get("type").word(&["daterange"], false)?;
            let day = |name: &str| -> Checked<Date> {
                let spot = inner.get(name);
                spot.text(60)?.parse().map_err(|_| spot.should_be("a valid ISO 8601 date string"))
            };
            let first = day("start_date")?;
            let last = if inner.get("end_date").is_there() { day("end_date")? } else { first };
            return Ok(Condition::Window(first, last));
        }
        let word = inner.string()?;
        if word == "custom" {
            return self.counted(value);
        }
        let named = dates::window(word.strip_prefix("the_").unwrap_or(word), self.now);
        let (first, last) = named.ok_or_else(|| inner.should_be("a relative period"))?;
        Ok(Condition::Window(first, last))
    }

    fn counted(&self, value: &Spot) -> Result<Condition, Fail> {
        let is_past = value.get("direction").word(&["past", "future"], false)? == "past";
        let unit = value.get("unit").word(&["day", "week", "month", "year"], false)?;
        let count = value.get("count");
        let number = count.number()?;
        let number = (1..=COUNT_MAX).find(|whole| f64::from(*whole) == number);
        let number = number
            .ok_or_else(|| count.should_be(&format!("an integer from `1` to `{COUNT_MAX}`")))?;
        let number = if is_past { -i32::from(number) } else { i32::from(number) };
        let span = match unit {
            "day" => Span::new().days(number),
            "week" => Span::new().weeks(number),
            "month" => Span::new().months(number),
            _ => Span::new().years(number),
        };
        let today = self.now.to_zoned(TimeZone::UTC).date();
        let other = today.checked_add(span).map_err(|_| count.should_be("a smaller number"))?;
        Ok(Condition::Window(today.min(other), today.max(other)))
    }
}

fn kind(value: &Spot, kinds: &[&'static str]) -> Checked<&'static str> {
    value.object()?;
    value.get("type").word(kinds, false)
}

impl Filter {
    fn takes(&self, note: &Note) -> bool {
        match self {
            Self::All(all) => all.iter().all(|one| one.takes(note)),
            Self::Any(all) => all.iter().any(|one| one.takes(note)),
            Self::Property(name, condition) => condition.met_by(&note.cell(name)),
        }
    }
}

/// A block of meeting notes.
struct Note<'a> {
    view: View<'a>,
    node: &'a Node,
    body: Value,
}

impl Note<'_> {
    /// Only the notes of whoever is behind the connection are found: of an attendee (documented),
    /// or of their author (as its MCP tool says). Nobody is behind an internal connection, which
    /// finds all that is shared with it (own choice).
    fn is_own(&self) -> bool {
        let who = self.view.who;
        let person = match who.owner {
            Some(owner) => owner.person(),
            None => Some(who.user),
        };
        let Some(person) = person else { return true };
        let author = self.node.created_by;
        author == person || author == who.user || self.attendees().contains(&person)
    }

    fn attendees(&self) -> Vec<Id> {
        let all = self.body["calendar_event"]["attendees"].as_array();
        all.into_iter().flatten().filter_map(|id| Id::parse(id.as_str()?)).collect()
    }

    fn cell(&self, property: &str) -> Cell {
        match property {
            "title" => {
                let runs = self.body["title"].as_array().map_or(&[][..], Vec::as_slice);
                Cell::Text(rich_text::plain(self.view, runs))
            }
            "attendees" => Cell::People(self.attendees()),
            "created_by" => Cell::People(vec![self.node.created_by]),
            "last_edited_by" => Cell::People(vec![self.node.last_edited_by]),
            "created_time" => Cell::at(self.node.created_time),
            _ => Cell::at(self.node.last_edited_time),
        }
    }

    /// What it is sorted by: people go by their names.
    fn key(&self, property: &str) -> Cell {
        match self.cell(property) {
            Cell::People(ids) => {
                let names = ids.iter().filter_map(|id| user::name(self.view.world, *id));
                Cell::Text(names.collect::<Vec<_>>().join(", "))
            }
            other => other,
        }
    }
}
