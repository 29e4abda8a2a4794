//! Who is asking, and what of the world they see.

use notion::{Capabilities, Capability, Id, Version};

use super::World;

/// Whoever makes a request.
#[derive(Clone, Debug)]
pub(crate) struct Who {
    /// The bot or person; author of what they write.
    pub(crate) user: Id,
    pub(crate) name: String,
    pub(crate) capabilities: Capabilities,
    /// Roots of what they see; `None` sees everything (a person in the app).
    pub(crate) shared: Option<Vec<Id>>,
}

impl Who {
    pub(crate) fn is_person(&self) -> bool {
        self.shared.is_none()
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
            shared: Some(connection.shared.clone()),
        })
    }

    /// A person who edits in the app: all rights.
    pub(crate) fn person(&self, id: Id) -> Option<Who> {
        let person = self.people.get(&id)?;
        Some(Who {
            user: id,
            name: person.name.clone(),
            capabilities: Capabilities::ALL,
            shared: None,
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
        match &self.who.shared {
            None => true,
            Some(roots) => way.iter().any(|above| roots.contains(above)),
        }
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
