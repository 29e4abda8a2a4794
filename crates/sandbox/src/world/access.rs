//! Who is asking, and what of the world they see.

use notion::{Capabilities, Capability, Id, Version};

use super::World;
use super::connection::{Connection, Owner};
use super::era::Era;

/// Whoever makes a request.
#[derive(Clone, Debug)]
pub(crate) struct Who {
    /// The bot or person; author of what they write.
    pub(crate) user: Id,
    /// The connection by which they came: what errors name. In the app, the person again.
    pub(crate) connection: Id,
    pub(crate) name: String,
    /// Whose the connection is; `None` for a person in the app.
    pub(crate) owner: Option<Owner>,
    pub(crate) capabilities: Capabilities,
    /// What they see; `None` sees everything (a person in the app).
    pub(crate) reach: Option<Reach>,
}

/// Roots of subtrees: of what is seen, and of what is not. The nearest above a node decides.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reach {
    /// Everything is shared, as far as the person sees it: a personal token.
    whole: bool,
    shared: Vec<Id>,
    hidden: Vec<Id>,
    /// The person without whom nothing is seen either.
    person: Option<Id>,
}

impl Reach {
    pub(crate) fn of(connection: &Connection) -> Self {
        Self {
            whole: matches!(connection.owner, Owner::Personal(_)),
            shared: connection.shared.clone(),
            hidden: connection.hidden.clone(),
            person: connection.owner.person(),
        }
    }

    /// Whether a node is shared, whose way to the top is `way`; the person is another question.
    pub(crate) fn covers(&self, way: &[Id]) -> bool {
        if self.whole {
            return true;
        }
        let decides = |id: &&Id| self.shared.contains(id) || self.hidden.contains(id);
        way.iter().find(decides).is_some_and(|id| !self.hidden.contains(id))
    }
}

impl Who {
    /// As whom a connection acts.
    pub(crate) fn of(connection: &Connection) -> Self {
        let user = match connection.owner {
            Owner::Personal(person) => person,
            _ => connection.bot_id,
        };
        Self {
            user,
            connection: connection.bot_id,
            name: connection.name.clone(),
            owner: Some(connection.owner),
            capabilities: connection.capabilities,
            reach: Some(Reach::of(connection)),
        }
    }

    pub(crate) fn is_person(&self) -> bool {
        self.reach.is_none()
    }

    /// Whether it is a personal access token.
    pub(crate) fn is_personal(&self) -> bool {
        matches!(self.owner, Some(Owner::Personal(_)))
    }

    pub(crate) fn can(&self, capability: Capability) -> bool {
        self.capabilities.grants(capability)
    }
}

impl World {
    /// The owner of a token.
    pub(crate) fn who_has(&self, token: &str) -> Option<Who> {
        let now = self.now();
        let connection =
            self.connections.values().find(|connection| connection.opens_with(token, now))?;
        Some(Who::of(connection))
    }

    /// Who acts by a connection that is still there.
    pub(crate) fn who_is(&self, connection: Id) -> Option<Who> {
        let connection = self.connections.get(&connection)?;
        connection.token.as_ref().map(|_| Who::of(connection))
    }

    /// Whether a person sees a node, whose way to the top is `way`: the nearest private page
    /// above it says so, and without one everybody does.
    pub(crate) fn shows_to(&self, person: Id, way: &[Id]) -> bool {
        let nearest = way.iter().find_map(|id| self.private.get(id));
        nearest.is_none_or(|people| people.contains(&person))
    }

    /// Somebody who looks at everything and changes nothing.
    pub(crate) fn observer(&self) -> Who {
        Who {
            user: self.workspace.id,
            connection: self.workspace.id,
            owner: None,
            name: self.workspace.name.clone(),
            capabilities: Capabilities::ALL,
            reach: None,
        }
    }

    /// A person who edits in the app: all rights.
    pub(crate) fn person(&self, id: Id) -> Option<Who> {
        let person = self.people.get(&id)?;
        Some(Who {
            user: id,
            connection: id,
            owner: None,
            name: person.name.clone(),
            capabilities: Capabilities::ALL,
            reach: None,
        })
    }
}

/// The world as one caller sees it, in one version's shapes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    pub(crate) world: &'a World,
    pub(crate) who: &'a Who,
    pub(crate) version: Version,
}

impl View<'_> {
    /// Whether the caller sees the node: it or something above it was shared.
    pub(crate) fn sees(&self, id: Id) -> bool {
        let Some(way) = self.world.lineage(id) else { return false };
        self.who.reach.as_ref().is_none_or(|reach| {
            reach.covers(&way) && reach.person.is_none_or(|id| self.world.shows_to(id, &way))
        })
    }

    /// Whether there may be something below a node that the caller sees, but not the caller to see.
    pub(crate) fn has_holes(&self) -> bool {
        let reach = self.who.reach.as_ref();
        reach.is_some_and(|reach| !reach.hidden.is_empty() || reach.person.is_some())
    }

    /// Whether the version knows data sources.
    pub(crate) fn has_sources(&self) -> bool {
        self.version >= Version::V2025_09_03
    }

    /// Whether answers have the form that versions before 2026-03-11 had until 2026.
    pub(crate) fn is_dated(&self) -> bool {
        self.has_archived() && self.world.era(self.version) < Era::Of2026
    }

    /// Whether answers still carry `archived`.
    pub(crate) fn has_archived(&self) -> bool {
        self.version < Version::V2026_03_11
    }
}
