//! What policies can talk about: the schema, and the actions that follow from the catalogue.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::sync::LazyLock;

use cedar_policy::{Entity, EntityId, EntityTypeName, EntityUid, Schema};
use model::Role;
use model::role::Permission;
use notion::catalogue::{Auth, OPERATIONS};
use notion::{Effect, Operation};

/// What somebody wants to do.
#[derive(Clone, Copy, Debug)]
pub enum Action {
    /// Find out that an object is there.
    See,
    /// Find out that a column is there.
    SeeProperty,
    /// Read the values of a column.
    ReadProperty,
    /// Look after keys, people, connections, policies and the ledger.
    Manage,
    /// Make a call with this effect.
    Call(&'static Operation, Effect),
}

/// The place of an action in [`Actions`].
pub(crate) type ActionNumber = u16;

/// An action as Cedar knows it.
pub(crate) struct ActionRow {
    pub(crate) uid: EntityUid,
    /// With the groups that it is in.
    pub(crate) entity: Entity,
    pub(crate) permission: Permission,
}

impl ActionRow {
    /// Whether the action is `other` or in it.
    pub(crate) fn is_in(&self, other: &EntityUid) -> bool {
        self.uid == *other || self.groups().any(|group| group == *other)
    }

    fn groups(&self) -> impl Iterator<Item = EntityUid> {
        // What is asked of objects and columns is in `read`; no group of actions is in another one.
        let named = (self.permission != Permission::Manage)
            .then(|| uid("Action", self.permission.as_str()));
        named.into_iter()
    }
}

/// Every action.
pub(crate) struct Actions {
    rows: Vec<ActionRow>,
    by_name: HashMap<(&'static str, Permission), ActionNumber>,
}

const SEE: &str = "see";
const MANAGE: &str = "manage";
const SEE_PROPERTY: &str = "see-property";
const READ_PROPERTY: &str = "read-property";
/// What is no operation of Notion's; the schema's text has these itself.
const OURS: [(&str, Permission); 4] = [
    (SEE, Permission::Read),
    (MANAGE, Permission::Manage),
    (SEE_PROPERTY, Permission::Read),
    (READ_PROPERTY, Permission::Read),
];
/// What follows the name of an operation where its body makes it a destruction.
const DELETES: &str = "/delete";

static ACTIONS: LazyLock<Actions> = LazyLock::new(|| {
    let mut actions = Actions { rows: Vec::new(), by_name: HashMap::new() };
    for (name, permission) in OURS {
        actions.add(name, permission, name);
    }
    for operation in OPERATIONS.iter().filter(|operation| operation.auth == Auth::Bearer) {
        actions.add(operation.name, operation.effect.into(), operation.name);
        if !operation.triggers.is_empty() {
            let name = format!("{}{DELETES}", operation.name);
            actions.add(operation.name, Permission::Delete, &name);
        }
    }
    actions
});

impl Actions {
    /// All of them.
    pub(crate) fn all() -> &'static Self {
        &ACTIONS
    }

    fn add(&mut self, of: &'static str, permission: Permission, name: &str) {
        let mut row = ActionRow {
            uid: uid("Action", name),
            entity: Entity::new_no_attrs(uid("Action", name), HashSet::new()),
            permission,
        };
        row.entity = Entity::new_no_attrs(row.uid.clone(), row.groups().collect());
        // INVARIANT: there are about a hundred operations.
        let number = ActionNumber::try_from(self.rows.len()).expect("few actions");
        self.by_name.insert((of, permission), number);
        self.rows.push(row);
    }

    /// The number of an action; `None` for an operation that no key can make, or an effect that the
    /// operation cannot have.
    pub(crate) fn number(&self, action: Action) -> Option<ActionNumber> {
        let name = match action {
            Action::See => (SEE, Permission::Read),
            Action::SeeProperty => (SEE_PROPERTY, Permission::Read),
            Action::ReadProperty => (READ_PROPERTY, Permission::Read),
            Action::Manage => (MANAGE, Permission::Manage),
            Action::Call(operation, effect) => (operation.name, effect.into()),
        };
        self.by_name.get(&name).copied()
    }

    pub(crate) fn row(&self, number: ActionNumber) -> &ActionRow {
        &self.rows[usize::from(number)]
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The action whose name is the nearest to one that does not exist: that begins and ends alike.
    pub(crate) fn nearest(&self, wanted: &str) -> Option<&str> {
        let same = |name: &str| {
            let alike = |pairs: &mut dyn Iterator<Item = (char, char)>| {
                pairs.take_while(|(a, b)| a == b).count()
            };
            let begin = alike(&mut name.chars().zip(wanted.chars()));
            begin + alike(&mut name.chars().rev().zip(wanted.chars().rev()))
        };
        let names = self.rows.iter().map(|row| row.uid.id().unescaped());
        let nearest = names.max_by_key(|name| (same(name), std::cmp::Reverse(name.len())))?;
        (2 * same(nearest) >= wanted.chars().count()).then_some(nearest)
    }
}

/// Whether an action is about columns.
pub(crate) fn is_about_columns(action: &EntityUid) -> bool {
    [SEE_PROPERTY, READ_PROPERTY].contains(&action.id().unescaped())
}

/// The schema as text: what is written in `notegate.cedarschema`, the roles, the operations.
pub fn schema_text() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let mut text = include_str!("notegate.cedarschema").to_owned();
        let roles = Role::ALL.map(|role| format!("\"{role}\"")).join(", ");
        text.push_str("\n// Each caller is in exactly one.\n");
        // INVARIANT: writing to a string does not fail.
        let mut line = |line: std::fmt::Arguments<'_>| writeln!(text, "{line}").expect("a string");
        line(format_args!("entity Role enum [{roles}];\n"));
        line(format_args!("// Notion's operations, by Notion's names."));
        for permission in [Permission::Read, Permission::Write, Permission::Delete] {
            let rows =
                ACTIONS.rows.iter().skip(OURS.len()).filter(|row| row.permission == permission);
            let names: Vec<_> =
                rows.map(|row| format!("  \"{}\"", row.uid.id().unescaped())).collect();
            line(format_args!(
                "action\n{}\nin [\"{}\"] appliesTo {{ principal: [Key, User, Operator], \
                 resource: [Object, Workspace], context: Call }};",
                names.join(",\n"),
                permission.as_str()
            ));
        }
        text
    });
    &TEXT
}

/// The schema that policies are checked against.
pub(crate) fn schema() -> &'static Schema {
    static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
        // INVARIANT: the text is ours; a test reads it.
        Schema::from_cedarschema_str(schema_text()).expect("the schema is well-formed").0
    });
    &SCHEMA
}

/// The name of an entity. `kind` is one of the schema's types.
pub(crate) fn uid(kind: &'static str, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(type_name(kind), EntityId::new(id))
}

/// Reading a type's name costs a parser; the few that there are are kept.
fn type_name(kind: &'static str) -> EntityTypeName {
    static NAMES: LazyLock<HashMap<&'static str, EntityTypeName>> = LazyLock::new(|| {
        [
            "Action",
            "Agent",
            "Group",
            "Key",
            "Object",
            "Operator",
            "Role",
            "Row",
            "Tenant",
            "User",
            "Workspace",
        ]
        .into_iter()
        // INVARIANT: these are plain identifiers.
        .map(|name| (name, name.parse().expect("an identifier")))
        .collect()
    });
    NAMES[kind].clone()
}
