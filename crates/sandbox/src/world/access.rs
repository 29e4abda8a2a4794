//! Who is asking, and what of the world they see.

use notion::{Capabilities, Capability, Id, Version};

use super::World;
use super::connection::Connection;

/// Whoever makes a request.
#[derive(Clone, Debug)]
pub(crate) struct Who {
    /// The bot or person; author of what they write.
    pub(crate) user: Id,
    pub(crate) name: String,
    pub(crate) capabilities: Capabilities,
    /// What they see; `None` sees everything (a person in the app).
    pub(crate) reach: Option<Reach>,
}

/// Roots of subtrees: of what is seen, and of what is not. The nearest above a node decides.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reach {
    shared: Vec<Id>,
    hidden: Vec<Id>,
}

impl Reach {
    pub(crate) fn of(connection: &Connection) -> Self {
        Self { shared: connection.shared.clone(), hidden: connection.hidden.clone() }
    }

    /// Whether a node is seen, whose way to the top is `way`.
    pub(crate) fn covers(&self, way: &[Id]) -> bool {
        let decides = |id: &&Id| self.shared.contains(id) || self.hidden.contains(id);
        way.iter().find(decides).is_some_and(|id| !self.hidden.contains(id))
    }
}

impl Who {
    pub(crate) fn is_person(&self) -> bool {
        self.reach.is_none()
    }

    pub(crate) fn can(&self, capability: Capability) -> bool {
        self.capabilities.grants(capability)
    }
}

impl World {
    /// The owner of a token.
    pub(crate) fn who_has(&self, token: &str) -> Option<Who> {
        let connection = self
            .connections
            .values()
            .find(|connection| connection.token.as_deref() == Some(token))?;
        Some(Who {
            user: connection.bot_id,
            name: connection.name.clone(),
            capabilities: connection.capabilities,
            reach: Some(Reach::of(connection)),
        })
    }

    /// A person who edits in the app: all rights.
    pub(crate) fn person(&self, id: Id) -> Option<Who> {
        let person = self.people.get(&id)?;
        Some(Who {
            user: id,
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
        self.who.reach.as_ref().is_none_or(|reach| reach.covers(&way))
    }

    /// Whether the version knows data sources.
    pub(crate) fn has_sources(&self) -> bool {
        self.version >= Version::V2025_09_03
    }

    /// Whether answers still carry `archived`.
    pub(crate) fn has_archived(&self) -> bool {
        self.version < Version::V2026_03_11
    }
}
