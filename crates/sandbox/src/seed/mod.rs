//! What a world holds at first: nothing, or a demo workspace that looks like a real team's.
//!
//! The demo is made by requests, as a person would make it, so it obeys every rule that the
//! operations enforce. Clock and ids are fixed: it is the same every time.

mod author;
mod engineering;
pub(crate) mod files;
mod finance;
mod handbook;
mod meetings;
mod projects;
mod views;
mod words;

use std::fmt;

use jiff::Timestamp;
use notion::{Capabilities, Capability, Id};
use serde::Serialize;
use serde_json::{Value, json};

use crate::clock::Clock;
use crate::world::World;
use crate::world::connection::Connection;
use crate::world::user::Person;
use author::Author;

/// The number that all ids of the demo come from.
const SEED: u64 = 0x6e6f_7465_6761_7465;
/// When the demo workspace was begun: 2026-01-05T09:00:00Z, in seconds.
const BEGUN: i64 = 1_767_603_600;

/// Ids and tokens of the demo workspace.
#[derive(Clone, Debug)]
pub struct Demo {
    /// Tokens of its connections.
    pub tokens: DemoTokens,
    /// The workspace.
    pub workspace_id: Id,
    /// The page that is shared with all tokens; all other ids here lie under it.
    pub root_page_id: Id,
    /// The page of the engineering team.
    pub team_page_id: Id,
    /// A page outside the team's.
    pub other_page_id: Id,
    /// The team's tasks: the table.
    pub data_source_id: Id,
    /// The team's tasks: the container.
    pub database_id: Id,
}

/// One token per sort of connection.
#[derive(Clone, Serialize)]
pub struct DemoTokens {
    /// All capabilities.
    pub full: String,
    /// Reads content, comments, and people without addresses.
    pub reader: String,
    /// Reads, inserts and updates content, and writes comments.
    pub writer: String,
}

impl fmt::Debug for DemoTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DemoTokens { *** }")
    }
}

impl Serialize for Demo {
    /// The `sandbox` member of the ready file, without its URLs.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        json!({
            "tokens": self.tokens,
            "workspace_id": self.workspace_id,
            "demo": {
                "root_page_id": self.root_page_id,
                "team_page_id": self.team_page_id,
                "other_page_id": self.other_page_id,
                "data_source_id": self.data_source_id,
                "database_id": self.database_id,
            },
        })
        .serialize(serializer)
    }
}

/// A workspace with one person in it.
pub(crate) fn empty() -> World {
    empty_of(0, "Empty workspace")
}

/// The workspace of that number; each has other ids.
pub(crate) fn empty_of(number: u64, name: &str) -> World {
    let mut world = World::empty(SEED.wrapping_add(number));
    world.workspace.name = name.to_owned();
    person(&mut world, "Owner", "owner@example.com");
    world
}

fn person(world: &mut World, name: &str, email: &str) -> Id {
    let id = world.ids.random();
    let person = Person {
        id,
        name: name.to_owned(),
        email: email.to_owned(),
        avatar_url: None,
        guest: false,
    };
    world.people.insert(id, person);
    id
}

/// People of the demo, for mentions and assignments.
#[derive(Clone, Copy, Debug)]
pub(super) struct Team {
    pub(super) ada: Id,
    pub(super) ben: Id,
    pub(super) chloe: Id,
    pub(super) dmitri: Id,
    pub(super) eve: Id,
}

impl Team {
    pub(super) fn pick(&self, index: usize) -> Id {
        [self.ada, self.ben, self.chloe, self.dmitri, self.eve][index % 5]
    }
}

/// The demo workspace.
pub(crate) fn demo() -> (World, Demo) {
    demo_of(0, "Acme")
}

/// The demo under another name, with the ids of that number.
pub(crate) fn demo_of(number: u64, name: &str) -> (World, Demo) {
    let mut world = World::empty(SEED.wrapping_add(number));
    world.workspace.name = name.to_owned();
    let begun = Timestamp::from_second(BEGUN).unwrap_or(Timestamp::UNIX_EPOCH);
    world.clock = Clock::frozen_at(begun);
    let team = Team {
        ada: person(&mut world, "Ada Marsh", "ada@acme.example"),
        ben: person(&mut world, "Ben Okafor", "ben@acme.example"),
        chloe: person(&mut world, "Chloé Dupont", "chloe@acme.example"),
        dmitri: person(&mut world, "Dmitri Sokolov", "dmitri@acme.example"),
        eve: person(&mut world, "Eve Lindqvist", "eve@acme.example"),
    };
    let reading =
        [Capability::ReadContent, Capability::ReadComments, Capability::ReadUsersWithoutEmail];
    let writing = [
        Capability::ReadContent,
        Capability::InsertContent,
        Capability::UpdateContent,
        Capability::InsertComments,
    ];
    let full = connection(&mut world, &format!("{name} Automations"), Capabilities::ALL);
    let reader = connection(&mut world, &format!("{name} Reader"), reading.into_iter().collect());
    let writer = connection(&mut world, &format!("{name} Writer"), writing.into_iter().collect());

    let mut author = Author::new(&mut world, team.ada);
    let root = author.page(&json!({"workspace": true}), name, "🏔️", welcome(name));
    author.by(team.chloe);
    handbook::write(&mut author, root, &team);
    author.by(team.ben);
    let engineering = engineering::write(&mut author, root, &team);
    author.by(team.dmitri);
    projects::write(&mut author, root, &engineering, &team);
    author.by(team.ada);
    let weekly = meetings::write(&mut author, root, engineering.page, &team);
    author.by(team.eve);
    let other_page_id = finance::write(&mut author, root, &team);
    author.by(team.ada);
    board(&mut author);
    author.by(team.ben);
    views::write(&mut author, &engineering);
    engineering::templates(&mut author, engineering.tasks);

    for bot in [full.0, reader.0, writer.0] {
        if let Some(connection) = world.connections.get_mut(&bot) {
            connection.shared.push(root);
        }
    }
    for name in ["acme", "shipped", "larch"] {
        world.add_emoji(name, None);
    }
    meetings::record(&mut Author::new(&mut world, team.ada), weekly, &team);
    world.clock = Clock::default();
    let demo = Demo {
        tokens: DemoTokens { full: full.1, reader: reader.1, writer: writer.1 },
        workspace_id: world.workspace.id,
        root_page_id: root,
        team_page_id: engineering.page,
        other_page_id,
        data_source_id: engineering.tasks,
        database_id: engineering.database,
    };
    (world, demo)
}

fn connection(world: &mut World, name: &str, capabilities: Capabilities) -> (Id, String) {
    let (token, bot_id) = (world.ids.token(), world.ids.random());
    let connection = Connection::new(bot_id, name, token.clone(), capabilities);
    world.connections.insert(bot_id, connection);
    (bot_id, token)
}

fn welcome(name: &str) -> Vec<Value> {
    vec![
        words::callout("👋", &format!("This is {name}'s workspace. Everything we know is below.")),
        words::heading(2, "Where to find things"),
        words::bullet("Handbook: how we work"),
        words::bullet("Engineering: what we build, and what is broken"),
        words::bullet("Projects: what we have promised, and to whom"),
        words::divider(),
    ]
}

/// An area that no connection sees.
fn board(author: &mut Author) {
    let workspace = json!({"workspace": true});
    let board = author.page(
        &workspace,
        "Board (private)",
        "🔒",
        vec![words::paragraph("Only the board reads this. No connection may ever see it.")],
    );
    let parent = json!({"page_id": board});
    for (title, text) in [
        ("Salaries 2026", "Bands and exceptions."),
        ("Acquisition talks", "Code name: Larch. Do not forward."),
    ] {
        author.page(&parent, title, "📕", vec![words::paragraph(text)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_is_the_same_every_time_and_holds_together() {
        let (world, first) = demo();
        let (again, second) = demo();
        assert_eq!(json!(first), json!(second));
        assert_eq!(json!(world.nodes), json!(again.nodes));
        assert_eq!(world.check(), Ok(()));
        assert!(world.nodes.len() >= 150, "{}", world.nodes.len());
        assert!(first.tokens.full.starts_with("ntn_sandbox") && first.tokens.full.len() == 50);
        let inside = |id| world.lineage(id).unwrap().contains(&first.team_page_id);
        assert!(inside(first.data_source_id) && inside(first.database_id));
        assert!(!inside(first.other_page_id));
        assert!(!format!("{first:?}").contains("ntn_"));
    }
}
