//! Two worlds that are the same inside a scope and differ outside it, from one seed.
//!
//! Everything outside has an id that begins with [`OUTSIDE`] and texts with [`CANARY`] in them, so that
//! an answer tells by itself whether something of it came through. What the inside points at has the same
//! id in both worlds, because the pointing is the inside's own; whether it is there, in the trash or out
//! of the connection's sight, and what it holds, differs.

use fastrand::Rng;
use serde_json::{Value, json};

use super::world::{
    Draft, HIDDEN, Made, SHARED, WORKSPACE, block, data_source, database, linked, mention, page,
    property, row, text,
};

/// What all ids of the outside begin with.
pub(crate) const OUTSIDE: &str = "0ff51de0";
/// A word of all texts of the outside.
pub(crate) const CANARY: &str = "quartz";
/// Task of somebody else in both worlds.
pub(crate) const TASK: &str = "task_0ff51de00000410080000000000000aa";

/// So many sequences are made of the same two worlds.
pub(crate) const SEQUENCES_PER_PLAN: u64 = 10;
/// Pages outside that the inside points at.
const TARGETS: usize = 6;
/// Rows of the table outside that the inside points at.
const VENDORS: usize = 4;

/// An id of the inside.
fn inside(kind: u16, number: usize) -> String {
    format!("1a51de00-{kind:04x}-8100-8000-{number:012x}")
}

/// An id of the outside: in both worlds for world 0, else in that one only.
pub(crate) fn outside(world: u16, kind: u16, number: usize) -> String {
    format!("{OUTSIDE}-{kind:04x}-8{world:03x}-8000-{number:012x}")
}

pub(crate) fn target(number: usize) -> String {
    outside(0, 1, number)
}

pub(crate) fn vendor(number: usize) -> String {
    outside(0, 2, number)
}

pub(crate) fn vendors() -> String {
    outside(0, 3, 0)
}

pub(crate) fn vendors_database() -> String {
    outside(0, 4, 0)
}

pub(crate) fn original() -> String {
    outside(0, 5, 0)
}

/// The address of something in the app.
pub(crate) fn url(id: &str) -> String {
    format!("https://www.notion.so/{}", id.replace('-', ""))
}

/// What stands where: the same in both worlds.
#[derive(Default)]
pub(crate) struct Plan {
    /// What the key is for.
    pub(crate) roots: Vec<Root>,
    nodes: Vec<(String, String, Value, Made)>,
    comments: Vec<(String, String, String, String, Value)>,
    views: Vec<(String, String, String, String, Value)>,
    pub(crate) people: Vec<String>,
    pub(crate) pages: Vec<String>,
    pub(crate) rows: Vec<String>,
    pub(crate) blocks: Vec<String>,
    pub(crate) databases: Vec<String>,
    pub(crate) sources: Vec<Source>,
    pub(crate) view_ids: Vec<String>,
    pub(crate) comment_ids: Vec<String>,
    pub(crate) threads: Vec<String>,
    pub(crate) templates: Vec<String>,
    seed: u64,
    count: usize,
}

/// A root of the scope.
pub(crate) struct Root {
    pub(crate) id: String,
    content: Value,
    made: Made,
    place: Place,
}

/// Under what a root stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Place {
    /// A page or a block of the outside, whichever.
    Anywhere,
    /// The database of the outside that also holds tables of the outside.
    InDatabase,
    /// A row of the table of the outside.
    InTable,
}

/// A table of the inside.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) id: String,
    pub(crate) database: String,
    reaches_out: bool,
    properties: Vec<Value>,
}

impl Plan {
    /// The inside of the twins of this seed.
    pub(crate) fn new(seed: u64) -> Self {
        let mut plan = Self { seed, ..Self::default() };
        let mut random = Rng::with_seed(seed);
        plan.people = (0..3).map(|number| inside(0xa, number)).collect();
        let tables = random.usize(1..=2);
        let page_root = plan.root(&mut random, 1, Place::Anywhere);
        for number in 0..tables {
            plan.table(&mut random, number, &page_root);
        }
        if random.u8(..3) == 0 {
            plan.root_row(&mut random);
        }
        plan.wire(&mut random);
        plan.content(&mut random, &page_root);
        plan.talk(&mut random);
        plan
    }

    /// The ids of the scope.
    pub(crate) fn within(&self) -> Vec<notion::Id> {
        self.roots.iter().map(|root| root.id.parse().unwrap()).collect()
    }

    /// Whether one of the worlds has far more outside than a call looks up.
    pub(crate) fn is_crowded(&self) -> bool {
        self.seed % 16 == 5
    }

    /// An id of the inside that has not been used.
    fn id(&mut self, kind: u16) -> String {
        self.count += 1;
        inside(kind, self.count)
    }

    fn made(&self, random: &mut Rng) -> Made {
        let by = random.choice(&self.people).unwrap().clone();
        Made::by(&by, random.i64(1000..60_000))
    }

    fn push(&mut self, id: &str, parent: &str, content: Value, made: Made) {
        self.nodes.push((id.to_owned(), parent.to_owned(), content, made));
    }

    fn root(&mut self, random: &mut Rng, kind: u16, place: Place) -> String {
        let id = self.id(kind);
        let (content, made) = (page(self.title(random)), self.made(random));
        self.pages.push(id.clone());
        self.roots.push(Root { id: id.clone(), content, made, place });
        id
    }

    /// A row of the outside's table that the key reaches although the table is outside.
    fn root_row(&mut self, random: &mut Rng) {
        let id = self.id(1);
        let values = json!({
            "title": self.title(random), "vbal": 7,
            "vown": [vendor(random.usize(..VENDORS))],
            "vtex": self.runs(random),
        });
        let made = self.made(random);
        self.roots.push(Root { id: id.clone(), content: row(values), made, place: Place::InTable });
        self.rows.push(id.clone());
        self.blocks_under(random, &id, 2, 2);
    }

    /// A database with a table, its columns yet to come: somewhere in the pages, or a root itself.
    fn table(&mut self, random: &mut Rng, number: usize, page_root: &str) {
        let id = self.id(4);
        let source = self.id(3);
        let made = self.made(random);
        let title = json!([text(&format!("Table {number}"))]);
        let kind = random.u8(..4);
        match kind {
            0 => self.roots.push(Root {
                id: id.clone(),
                content: database(title),
                made: made.clone(),
                place: Place::Anywhere,
            }),
            // The table alone is a root; it gets its content when its columns are known.
            1 => {}
            _ => self.push(&id, page_root, database(title), made.clone()),
        }
        let database = if kind == 1 { outside(0, 4, 9) } else { id.clone() };
        if kind != 1 {
            self.databases.push(id);
        }
        let reaches_out = random.u8(..3) > 0;
        self.sources.push(Source { id: source, database, reaches_out, properties: Vec::new() });
    }

    /// Columns and rows of all tables.
    fn wire(&mut self, random: &mut Rng) {
        let count = self.sources.len();
        let rows: Vec<Vec<String>> = (0..count)
            .map(|_| (0..random.usize(2..7)).map(|_| self.id(2)).collect::<Vec<_>>())
            .collect();
        for (number, rows_here) in rows.iter().enumerate() {
            let peer = random.usize(..count);
            let source = self.sources[number].clone();
            let properties = columns(random, &source, &self.sources[peer].id);
            self.sources[number].properties.clone_from(&properties);
            let title = self.title(random);
            let content = data_source(title, &properties);
            let made = self.made(random);
            if source.database == outside(0, 4, 9) {
                let id = source.id.clone();
                self.roots.push(Root { id, content, made, place: Place::InDatabase });
            } else {
                self.push(&source.id, &source.database, content, made);
            }
            for id in rows_here {
                let values = self.values(random, &source, &rows[peer]);
                let mut made = self.made(random);
                made.in_trash = random.u8(..12) == 0;
                self.push(id, &source.id, row(values), made);
                self.rows.push(id.clone());
            }
            if random.bool() {
                let id = self.id(2);
                let mut content = row(json!({ "title": self.title(random) }));
                content["page"]["is_template"] = true.into();
                let made = self.made(random);
                self.push(&id, &source.id, content, made);
                self.blocks_under(random, &id, 2, 1);
                self.templates.push(id);
            }
            self.views_of(random, &source);
        }
    }

    fn values(&self, random: &mut Rng, source: &Source, peers: &[String]) -> Value {
        let some = |random: &mut Rng, all: &[String]| {
            let count = random.usize(0..3).min(all.len());
            random.choose_multiple(all, count).into_iter().cloned().collect::<Vec<_>>()
        };
        let vendors: Vec<String> = (0..VENDORS).map(vendor).collect();
        let mut values = json!({
            "title": self.title(random), "note": self.runs(random), "numb": random.u8(..9),
            "sele": random.choice(["opt-a", "opt-b"]), "peop": some(random, &self.people.clone()),
            "chec": random.bool(), "peer": some(random, peers),
            "file": [{ "name": "a.png", "type": "external", "external": { "url": "https://example.com/a.png" } }],
        });
        if source.reaches_out {
            values["outr"] = json!(some(random, &vendors));
        }
        values
    }

    fn views_of(&mut self, random: &mut Rng, source: &Source) {
        let out = if source.reaches_out { "outr" } else { "numb" };
        let of_out = json!({ "property": out, "relation": { "contains": vendor(0) } });
        let of_own = json!({ "property": "chec", "checkbox": { "equals": true } });
        let own = [
            json!({ "name": "All" }),
            json!({ "name": "Done", "filter": of_own, "sorts": [{ "property": "numb", "direction": "ascending" }] }),
            json!({ "name": "By vendor", "filter": if source.reaches_out { of_out } else { Value::Null } }),
            json!({ "name": "Sorted", "sorts": [{ "property": if source.reaches_out { "rout" } else { "title" }, "direction": "descending" }] }),
            json!({ "name": "Quick", "quick_filters": if source.reaches_out { json!({ "outr": { "relation": { "is_not_empty": true } } }) } else { Value::Null } }),
            json!({ "name": "Layout", "configuration": { "type": "table", "properties": [
                { "property_id": "title", "visible": true }, { "property_id": out, "visible": true },
            ] } }),
        ];
        for view in own {
            if random.bool() && source.database.starts_with("1a51de00") {
                let id = self.id(12);
                let by = self.people[0].clone();
                self.views.push((id.clone(), source.database.clone(), source.id.clone(), by, view));
                self.view_ids.push(id);
            }
        }
        if random.u8(..3) == 0 && source.database.starts_with("1a51de00") {
            self.dashboard(source);
        }
        // A linked view: it stands inside and shows the outside's table.
        if random.bool() && source.database.starts_with("1a51de00") {
            let id = self.id(12);
            let by = self.people[0].clone();
            self.views.push((
                id.clone(),
                source.database.clone(),
                vendors(),
                by,
                json!({ "name": "Linked" }),
            ));
            self.view_ids.push(id);
        }
    }

    /// A dashboard with a widget of the inside's table, and one that shows the outside's: which does not exist
    /// for the key, and counts as outside.
    fn dashboard(&mut self, source: &Source) {
        let (id, widget, row) = (self.id(12), self.id(12), self.id(13));
        let linked = outside(0, 12, 100 + self.count);
        let by = self.people[0].clone();
        let widgets: Vec<Value> =
            [&widget, &linked].map(|view| json!({ "id": self.id(13), "view_id": view })).into();
        let rows = json!([{ "id": row, "widgets": widgets }]);
        let whole = json!({
            "name": "Dashboard", "type": "dashboard", "source": null,
            "configuration": { "type": "dashboard", "rows": rows },
        });
        let part = json!({ "name": "Widget", "dashboard": id });
        for (view, of, rest) in [
            (&id, &source.id, whole),
            (&widget, &source.id, part.clone()),
            (&linked, &vendors(), part),
        ] {
            let (database, by) = (source.database.clone(), by.clone());
            self.views.push((view.clone(), database, of.clone(), by, rest));
        }
        self.view_ids.extend([id, widget]);
    }

    /// Blocks, pages and linked databases below the pages of the inside.
    fn content(&mut self, random: &mut Rng, page_root: &str) {
        self.blocks_under(random, page_root, 9, 2);
        for _ in 0..random.usize(1..4) {
            let parent = random.choice(&self.pages).unwrap().clone();
            let id = self.id(1);
            let (title, made) = (self.title(random), self.made(random));
            self.push(&id, &parent, page(title), made);
            self.pages.push(id.clone());
            self.blocks_under(random, &id, 4, 1);
        }
        for row in self.rows.clone() {
            if random.u8(..3) == 0 {
                self.blocks_under(random, &row, 2, 1);
            }
        }
        if random.u8(..3) == 0 {
            let parent = self.any_page(random);
            self.meeting(random, &parent);
        }
    }

    /// Notes of a meeting on a page.
    fn meeting(&mut self, random: &mut Rng, parent: &str) {
        let (id, made) = (self.id(5), self.made(random));
        let tabs: Vec<String> = (0..3).map(|_| self.id(5)).collect();
        let body = notes(self.runs(random), &tabs, &self.people);
        self.push(&id, parent, block("meeting_notes", body), made.clone());
        for tab in &tabs {
            let body = json!({ "rich_text": self.runs(random), "color": "default" });
            self.push(tab, &id, block("toggle", body), made.clone());
        }
        self.blocks.push(id);
        self.blocks.extend(tabs);
    }

    fn blocks_under(&mut self, random: &mut Rng, parent: &str, most: usize, depth: usize) {
        for _ in 0..random.usize(0..=most) {
            let id = self.id(5);
            let made = self.made(random);
            let (kind, body) = self.some_block(random, depth);
            let holds = matches!(kind, "toggle" | "bulleted_list_item" | "quote" | "callout")
                || kind == "synced_block" && body["synced_from"].is_null();
            self.push(&id, parent, block(kind, body.clone()), made.clone());
            self.blocks.push(id.clone());
            match kind {
                "table" => {
                    let line = self.id(5);
                    let cells = json!([self.runs(random), self.runs(random)]);
                    self.push(&line, &id, block("table_row", json!({ "cells": cells })), made);
                }
                _ if holds && depth > 0 => self.blocks_under(random, &id, 3, depth - 1),
                _ => {}
            }
        }
    }

    fn some_block(&self, random: &mut Rng, depth: usize) -> (&'static str, Value) {
        let runs = self.runs(random);
        let plain = json!({ "rich_text": runs, "color": "default" });
        let address = match random.u8(..3) {
            0 => "https://example.com/x".to_owned(),
            1 => url(&target(random.usize(..TARGETS))),
            _ => url(&self.any_page(random)),
        };
        let captioned = json!({ "caption": runs, "url": address });
        let outside_file = json!({ "caption": runs, "type": "external", "external": { "url": "https://example.com/f.pdf" } });
        match random.u8(..if depth == 0 { 24 } else { 30 }) {
            0..4 => ("paragraph", json!({ "rich_text": runs, "icon": null, "color": "default" })),
            4 => (
                "heading_2",
                json!({ "rich_text": runs, "is_toggleable": false, "color": "default" }),
            ),
            5 => ("to_do", json!({ "rich_text": runs, "checked": false, "color": "default" })),
            6 => (
                "code",
                json!({ "caption": runs, "rich_text": self.runs(random), "language": "rust" }),
            ),
            7 => (
                "image",
                json!({ "caption": runs, "type": "external", "external": { "url": "https://example.com/i.png" } }),
            ),
            8 => ("bookmark", captioned),
            9 => ("embed", captioned),
            10 => ("link_preview", json!({ "url": address })),
            11 => (
                "link_to_page",
                json!({ "type": "page_id", "page_id": target(random.usize(..TARGETS)) }),
            ),
            12 => (
                "link_to_page",
                json!({ "type": "database_id", "database_id": vendors_database() }),
            ),
            13 => ("link_to_page", json!({ "type": "page_id", "page_id": self.any_page(random) })),
            14 | 15 => (
                "synced_block",
                json!({ "synced_from": { "type": "block_id", "block_id": original() } }),
            ),
            16 => ("divider", json!({})),
            17 => ("equation", json!({ "expression": "e=mc^2" })),
            18 => ("breadcrumb", json!({})),
            19 => ("table_of_contents", json!({ "color": "default" })),
            20 => ("pdf", outside_file),
            21 => ("ai_block", json!({})),
            22 => ("template", json!({ "rich_text": runs })),
            23 => ("numbered_list_item", plain),
            24 => ("bulleted_list_item", plain),
            25 => ("toggle", plain),
            26 => ("quote", plain),
            27 => (
                "callout",
                json!({ "rich_text": runs, "icon": { "type": "emoji", "emoji": "💡" }, "color": "default" }),
            ),
            28 => ("synced_block", json!({ "synced_from": null })),
            _ => (
                "table",
                json!({ "table_width": 2, "has_column_header": false, "has_row_header": false }),
            ),
        }
    }

    fn any_page(&self, random: &mut Rng) -> String {
        random.choice(&self.pages).unwrap().clone()
    }

    /// A title; now and then it mentions something.
    fn title(&self, random: &mut Rng) -> Value {
        let word = *random.choice(&["Plan", "Notes", "Road map", "Budget", "Team"]).unwrap();
        let mut runs = vec![text(word)];
        if random.u8(..4) == 0 {
            runs.push(mention("page", &target(random.usize(..TARGETS))));
        }
        runs.into()
    }

    /// Rich text that points at things inside and outside.
    fn runs(&self, random: &mut Rng) -> Value {
        let mut runs = vec![text("some words ")];
        for _ in 0..random.usize(0..3) {
            let run = match random.u8(..9) {
                0 | 1 => mention("page", &target(random.usize(..TARGETS))),
                2 => mention("database", &vendors_database()),
                3 => mention("page", &self.any_page(random)),
                4 => mention("user", random.choice(&self.people).unwrap()),
                5 => linked("a link", url(&target(random.usize(..TARGETS))).into()),
                6 => linked("another", "https://example.com/".into()),
                7 => linked("within", url(&self.any_page(random)).into()),
                _ => mention("page", &vendor(random.usize(..VENDORS))),
            };
            runs.push(run);
        }
        runs.into()
    }

    /// Comments on pages and blocks of the inside.
    fn talk(&mut self, random: &mut Rng) {
        let places: Vec<String> = self.pages.iter().chain(&self.blocks).cloned().collect();
        for _ in 0..random.usize(1..5) {
            let (id, thread) = (self.id(6), self.id(7));
            let about = random.choice(&places).unwrap().clone();
            let by = random.choice(&self.people).unwrap().clone();
            let runs = self.runs(random);
            self.comments.push((id.clone(), thread.clone(), about, by, runs));
            self.comment_ids.push(id);
            self.threads.push(thread);
        }
    }

    /// The whole of one of the worlds.
    pub(crate) fn world(&self, number: u16) -> Value {
        let mut random = Rng::with_seed(self.seed.wrapping_mul(2).wrapping_add(number.into()));
        let mut draft = Draft::new();
        for (index, id) in self.people.iter().enumerate() {
            draft.person(id, ["Ada Near", "Ben Near", "Cleo Near"][index]);
        }
        let mut outside = Outside::new(number, &mut random, &mut draft);
        outside.tops(&mut draft, &mut random);
        outside.vendors(&mut draft, &mut random, self);
        for root in &self.roots {
            let parent = match root.place {
                Place::Anywhere => outside.some_parent(&mut draft, &mut random),
                Place::InDatabase => outside.shared_database(&mut draft, &mut random),
                Place::InTable => vendors(),
            };
            draft.node(&root.id, Some(&parent), root.content.clone(), root.made.clone());
        }
        // A parent may have been written down after its children.
        let mut waiting: Vec<_> = self.nodes.iter().collect();
        while !waiting.is_empty() {
            let before = waiting.len();
            waiting.retain(|(id, parent, content, made)| {
                let there = draft.has(parent);
                if there {
                    draft.node(id, Some(parent), content.clone(), made.clone());
                }
                !there
            });
            assert!(waiting.len() < before, "no parent for {:?}", waiting[0].0);
        }
        for (id, thread, about, by, runs) in &self.comments {
            draft.comment(id, thread, about, by, runs.clone());
        }
        for (id, database, source, by, rest) in &self.views {
            draft.view(id, database, source, by, rest.clone());
        }
        outside.rest(&mut draft, &mut random, self);
        draft.finish(self.seed)
    }
}

/// The columns of a table of the inside; some lead outside, at one remove or two.
fn columns(random: &mut Rng, source: &Source, peer: &str) -> Vec<Value> {
    let prop = |id: &str| format!("{{{{notion:block_property:{id}:{}:{WORKSPACE}}}}}", source.id);
    let formula = |id: &str, name: &str, text: String| {
        property(id, name, "formula", json!({ "formula": { "expression": text } }))
    };
    let function = |random: &mut Rng| {
        *random
            .choice(&["show_original", "count", "sum", "max", "show_unique", "not_empty"])
            .unwrap()
    };
    let rollup = |random: &mut Rng, id: &str, name: &str, relation: &str, target: &str| {
        let settings =
            json!({ "relation": relation, "target": target, "function": function(random) });
        property(id, name, "rollup", json!({ "rollup": settings }))
    };
    let options = ["opt-a", "opt-b"]
        .map(|id| json!({ "id": id, "name": id, "color": "blue", "description": null }));
    let relation = |id: &str, name: &str, to: &str| {
        property(id, name, "relation", json!({ "relation": { "source": to, "synced": null } }))
    };
    let mut all = vec![
        property("title", "Name", "title", json!("plain")),
        property("note", "Notes", "rich_text", json!("plain")),
        property("numb", "N", "number", json!({ "number": { "format": "number" } })),
        property(
            "sele",
            "Choice",
            "select",
            json!({ "choices": { "options": options, "groups": [] } }),
        ),
        property("peop", "Owner", "people", json!("plain")),
        property("chec", "Done", "checkbox", json!("plain")),
        property("file", "Files", "files", json!("plain")),
        property("crby", "Author", "created_by", json!("plain")),
        relation("peer", "Peer", peer),
        rollup(random, "rpee", "Peer N", "peer", "numb"),
        rollup(random, "rnam", "Peer names", "peer", "title"),
        rollup(random, "rthr", "Peer vendors", "peer", "outr"),
        formula("fnum", "Twice", format!("{} * 2", prop("numb"))),
        formula("fpee", "Peers", format!("length({})", prop("peer"))),
        formula("ftex", "Shout", format!("{} + \"!\"", prop("title"))),
    ];
    if source.reaches_out {
        all.extend([
            relation("outr", "Vendor", &vendors()),
            rollup(random, "rout", "Vendor sum", "outr", "vbal"),
            rollup(random, "rtex", "Vendor texts", "outr", "vtex"),
            formula("frel", "Vendors", format!("length({})", prop("outr"))),
            formula("frol", "Sum twice", format!("{} * 2", prop("rout"))),
            formula("ftwo", "Sum more", format!("{} + {}", prop("frol"), prop("numb"))),
            formula("fdot", "Dotted", format!("{}.length()", prop("outr"))),
        ]);
    }
    all
}

/// What a block of meeting notes holds.
fn notes(title: Value, tabs: &[String], attendees: &[String]) -> Value {
    let (start, end) = ("2026-01-08T09:00:00Z", "2026-01-08T10:00:00Z");
    json!({
        "title": title, "status": "notes_ready",
        "children": { "summary_block_id": tabs[0], "notes_block_id": tabs[1], "transcript_block_id": tabs[2] },
        "calendar_event": { "start_time": start, "end_time": end, "attendees": attendees },
        "recording": { "start_time": start, "end_time": end },
    })
}

/// What is around the inside in one world.
struct Outside {
    number: u16,
    people: Vec<String>,
    pages: Vec<String>,
    count: usize,
    shared_database: bool,
}

impl Outside {
    fn new(number: u16, random: &mut Rng, draft: &mut Draft) -> Self {
        let people: Vec<String> =
            (0..random.usize(1..5)).map(|at| outside(number, 0xa, at)).collect();
        for (at, id) in people.iter().enumerate() {
            draft.person(id, &format!("Quartz Person {number} {at}"));
        }
        Self { number, people, pages: Vec::new(), count: 0, shared_database: false }
    }

    fn id(&mut self, kind: u16) -> String {
        self.count += 1;
        outside(self.number, kind, self.count)
    }

    fn made(&self, random: &mut Rng) -> Made {
        Made::by(random.choice(&self.people).unwrap(), random.i64(1000..60_000))
    }

    fn words(&self, random: &mut Rng) -> Value {
        json!([text(&format!("Quartz {} {}", self.number, random.u32(..1_000_000)))])
    }

    /// The tops, some pages, and the pages that the inside points at, where they are there.
    fn tops(&mut self, draft: &mut Draft, random: &mut Rng) {
        for top in [SHARED, HIDDEN] {
            let made = self.made(random);
            draft.node(top, None, page(self.words(random)), made);
        }
        for _ in 0..random.usize(1..6) {
            let id = self.id(1);
            let parent = self.some_page(random);
            let made = self.made(random);
            draft.node(&id, Some(&parent), page(self.words(random)), made);
            self.pages.push(id);
        }
        let holder = self.some_page(random);
        for number in 0..TARGETS {
            let parent = match random.u8(..6) {
                0 => continue,
                1 => HIDDEN.to_owned(),
                _ => self.some_page(random),
            };
            let mut made = self.made(random);
            made.in_trash = random.u8(..5) == 0;
            draft.node(&target(number), Some(&parent), page(self.words(random)), made.clone());
            for _ in 0..random.usize(0..3) {
                let id = self.id(5);
                let body = json!({ "rich_text": self.words(random), "color": "default" });
                draft.node(&id, Some(&target(number)), block("quote", body), made.clone());
            }
        }
        // The original of what is copied into the inside.
        if random.u8(..5) > 0 {
            let made = self.made(random);
            let original = original();
            draft.node(
                &original,
                Some(&holder),
                block("synced_block", json!({ "synced_from": null })),
                made.clone(),
            );
            for _ in 0..random.usize(0..4) {
                let id = self.id(5);
                let body =
                    json!({ "rich_text": self.words(random), "icon": null, "color": "default" });
                draft.node(&id, Some(&original), block("paragraph", body), made.clone());
            }
        }
    }

    fn some_page(&self, random: &mut Rng) -> String {
        random.choice(&self.pages).cloned().unwrap_or_else(|| SHARED.to_owned())
    }

    /// A page, or a block on one.
    fn some_parent(&mut self, draft: &mut Draft, random: &mut Rng) -> String {
        let page = self.some_page(random);
        if random.bool() {
            return page;
        }
        let (id, made) = (self.id(5), self.made(random));
        let body = json!({ "rich_text": self.words(random), "color": "default" });
        draft.node(&id, Some(&page), block("toggle", body), made);
        id
    }

    /// A database that holds a table of the inside and others.
    fn shared_database(&mut self, draft: &mut Draft, random: &mut Rng) -> String {
        let id = outside(0, 4, 9);
        if !self.shared_database {
            self.shared_database = true;
            let page = self.some_parent(draft, random);
            let mut content = database(self.words(random));
            content["database"]["is_inline"] = random.bool().into();
            let made = self.made(random);
            draft.node(&id, Some(&page), content, made.clone());
            if random.bool() {
                let (beside, name) =
                    (self.id(3), [property("title", "Quartz", "title", json!("plain"))]);
                draft.node(&beside, Some(&id), data_source(self.words(random), &name), made);
            }
        }
        id
    }

    /// The table that the inside's columns lead to.
    fn vendors(&mut self, draft: &mut Draft, random: &mut Rng, plan: &Plan) {
        // Where the connection itself does not see a table, its columns are not there for the gate, either,
        // and their names are free to be taken: so it always sees this one.
        let page = self.some_page(random);
        let made = self.made(random);
        draft.node(&vendors_database(), Some(&page), database(self.words(random)), made.clone());
        let back = plan.sources.first().map_or_else(vendors, |source| source.id.clone());
        // A row that is inside shows the table's own columns by their names; else these are the outside's.
        let has_row_inside = plan.roots.iter().any(|root| root.place == Place::InTable);
        let named = |name: &str| match has_row_inside {
            true => name.to_owned(),
            false => format!("{name} of quartz {}", self.number),
        };
        let number = json!({ "number": { "format": "number" } });
        let mut columns = vec![
            property("title", "Company", "title", json!("plain")),
            property("vtex", &named("About"), "rich_text", json!("plain")),
            property("vbal", &named("Balance"), "number", number),
            property(
                "vown",
                "Contacts",
                "relation",
                json!({ "relation": { "source": vendors(), "synced": null } }),
            ),
            property(
                "vbak",
                "Customers",
                "relation",
                json!({ "relation": { "source": back, "synced": null } }),
            ),
        ];
        if random.bool() && !has_row_inside {
            columns.push(property(
                "vext",
                "Quartz extra",
                "number",
                json!({ "number": { "format": "number" } }),
            ));
        }
        let content = data_source(self.words(random), &columns);
        draft.node(&vendors(), Some(&vendors_database()), content, made.clone());
        let row_of = |this: &Self, random: &mut Rng| {
            row(json!({
                "title": this.words(random), "vtex": this.words(random), "vbal": random.u16(..),
                "vbak": plan.rows.first(),
            }))
        };
        for number in 0..VENDORS {
            let mut made = self.made(random);
            match random.u8(..6) {
                0 => continue,
                1 => made.in_trash = true,
                _ => {}
            }
            draft.node(&vendor(number), Some(&vendors()), row_of(self, random), made);
        }
        for _ in 0..random.usize(0..4) {
            let (id, made) = (self.id(2), self.made(random));
            draft.node(&id, Some(&vendors()), row_of(self, random), made);
        }
        for _ in 0..random.usize(0..3) {
            let (id, made) = (self.id(2), self.made(random));
            let mut template = row(json!({ "title": self.words(random) }));
            template["page"]["is_template"] = true.into();
            draft.node(&id, Some(&vendors()), template, made);
        }
        // Old versions cannot tell the tables of a database apart, and say which there are.
        if random.bool() {
            let (beside, made) = (self.id(3), self.made(random));
            let columns = [property("title", "Quartz", "title", json!("plain"))];
            let content = data_source(self.words(random), &columns);
            draft.node(&beside, Some(&vendors_database()), content, made);
        }
        let view = self.id(12);
        draft.view(
            &view,
            &vendors_database(),
            &vendors(),
            &self.people[0],
            json!({ "name": "Quartz" }),
        );
    }

    /// Comments, copies of the inside, views of its tables, files, tasks.
    fn rest(&mut self, draft: &mut Draft, random: &mut Rng, plan: &Plan) {
        for about in (0..TARGETS).map(target).chain([SHARED.to_owned()]) {
            if draft.has(&about) && random.bool() {
                let (id, thread) = (self.id(6), self.id(7));
                let by = self.people[0].clone();
                draft.comment(&id, &thread, &about, &by, self.words(random));
            }
        }
        for id in &plan.blocks {
            if random.u8(..8) == 0 {
                let (copy, page, made) = (self.id(5), self.some_page(random), self.made(random));
                let from = json!({ "synced_from": { "type": "block_id", "block_id": id } });
                draft.node(&copy, Some(&page), block("synced_block", from), made);
            }
        }
        for source in &plan.sources {
            for _ in 0..random.usize(0..3) {
                let id = self.id(12);
                let by = self.people[0].clone();
                draft.view(
                    &id,
                    &vendors_database(),
                    &source.id,
                    &by,
                    json!({ "name": "Quartz view" }),
                );
            }
        }
        for number in 0..random.usize(0..4) {
            let id = self.id(8);
            draft.upload(&id, &format!("quartz-{number}.txt"));
        }
        if random.bool() {
            draft.upload(&outside(0, 8, 0), &format!("quartz-{}.txt", random.u32(..)));
        }
        if random.u8(..4) > 0 {
            let words = self.words(random);
            draft.task(
                TASK,
                json!({ "object": "page_markdown", "markdown": words[0]["text"]["content"] }),
            );
        }
        for _ in 0..random.usize(0..3) {
            self.meeting(draft, random);
        }
        if plan.is_crowded() && self.number == 1 {
            self.crowd(draft, random);
        }
    }

    /// More pages than a call has look-ups, each in a block of its own.
    fn crowd(&mut self, draft: &mut Draft, random: &mut Rng) {
        for _ in 0..130 {
            let (block_id, id, made) = (self.id(5), self.id(1), self.made(random));
            let body = json!({ "rich_text": self.words(random), "color": "default" });
            draft.node(&block_id, Some(SHARED), block("toggle", body), made.clone());
            draft.node(&id, Some(&block_id), page(self.words(random)), made);
        }
    }

    fn meeting(&mut self, draft: &mut Draft, random: &mut Rng) {
        let (id, page, made) = (self.id(5), self.some_page(random), self.made(random));
        let tabs: Vec<String> = (0..3).map(|_| self.id(5)).collect();
        let body = notes(self.words(random), &tabs, &self.people);
        draft.node(&id, Some(&page), block("meeting_notes", body), made.clone());
        for tab in tabs {
            let body = json!({ "rich_text": self.words(random), "color": "default" });
            draft.node(&tab, Some(&id), block("toggle", body), made.clone());
        }
    }
}
