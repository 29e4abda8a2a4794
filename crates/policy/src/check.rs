//! Tests of policies, in a file: who, what, where, and what should come of it. Nothing is asked of Notion
//! or of a running gate.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::user::{User, UserId};
use model::{Budget, ConnectionId, Key, KeyId, Principal, Role, Scope, TenantId};
use notion::catalogue::Place as At;
use notion::{Capabilities, Effect, Id, Kind, Operation};
use serde::Deserialize;

use crate::engine::{Column, Policies};
use crate::explain::{Explanation, Outcome};
use crate::permit::{Aim, Place, Target};

/// Tests that a file can hold.
const TESTS_MAX: usize = 10_000;

/// What a test expects.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Expected {
    /// It is allowed.
    Allow,
    /// It is refused, with a 403.
    Deny,
    /// The object does not exist for the caller: a 404. Or the column does not.
    Hidden,
    /// The column is there, without its values.
    Masked,
}

impl Expected {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Hidden => "hidden",
            Self::Masked => "masked",
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    test: Vec<Case>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    #[serde(default)]
    name: Option<String>,
    who: Caller,
    /// Nothing, where it is about a column.
    #[serde(default)]
    operation: Option<String>,
    /// A column of the object, by its name.
    #[serde(default)]
    property: Option<String>,
    #[serde(default)]
    property_id: Option<String>,
    #[serde(default)]
    property_type: Option<String>,
    /// The object and what it stands in, nearest first.
    #[serde(default)]
    object: Vec<Id>,
    /// The values of the row that the object is, or stands in, by property.
    #[serde(default)]
    row: Option<BTreeMap<String, BTreeSet<String>>>,
    /// Whether something is put at the top of the workspace.
    #[serde(default)]
    at_top: bool,
    expect: Expected,
    /// The rule that should decide.
    #[serde(default)]
    rule: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Caller {
    role: Role,
    #[serde(default)]
    within: Vec<Id>,
    #[serde(default)]
    capabilities: Option<Capabilities>,
    #[serde(default)]
    key: Option<String>,
    #[serde(default)]
    user: Option<UserId>,
    /// The groups that the key's person is in.
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    agent: Option<String>,
}

/// How a test went.
#[derive(Clone, Debug)]
pub struct Checked {
    /// What it is called.
    pub name: String,
    /// Whether it came out as expected.
    pub passed: bool,
    /// What was expected.
    pub expected: Expected,
    /// The rule that was expected, if one was.
    pub expected_rule: Option<String>,
    /// What came out.
    pub came: Expected,
    /// The decision, and why.
    pub found: Explanation,
}

impl Policies {
    /// Runs the tests of a file, in TOML or, where it begins with `{`, in JSON. The error says what is
    /// wrong with the file.
    pub fn check(self: &Arc<Self>, text: &str) -> Result<Vec<Checked>, String> {
        let file: File = if text.trim_start().starts_with('{') {
            serde_json::from_str(text).map_err(|error| error.to_string())?
        } else {
            toml::from_str(text).map_err(|error| error.to_string())?
        };
        if file.test.is_empty() {
            return Err("there is no test in it: begin one with `[[test]]`".to_owned());
        }
        if file.test.len() > TESTS_MAX {
            return Err(format!("there are more than {TESTS_MAX} tests in it"));
        }
        let tests = file.test.into_iter().enumerate();
        tests.map(|(index, case)| self.check_one(index + 1, case)).collect()
    }

    fn check_one(self: &Arc<Self>, number: usize, case: Case) -> Result<Checked, String> {
        let place = place(case.object.clone(), case.row.clone());
        let found = match (&case.operation, &case.property) {
            (Some(operation), None) => self.found(&case.who, operation, place, case.at_top),
            (None, Some(property)) => self.found_column(&case, place, property),
            _ => Err("name either an `operation` or a `property`".to_owned()),
        };
        let found = found.map_err(|error| format!("test {number}: {error}"))?;
        let what = case.operation.or(case.property).unwrap_or_default();
        let name = case.name.unwrap_or_else(|| format!("test {number}: {} {what}", case.who.role));
        let came = match found.decision {
            Outcome::Allow => Expected::Allow,
            Outcome::Deny if found.hidden => Expected::Hidden,
            Outcome::Deny if found.masked => Expected::Masked,
            Outcome::Deny => Expected::Deny,
        };
        let right_rule = case.rule.as_ref().is_none_or(|rule| *rule == found.rule);
        Ok(Checked {
            name,
            passed: came == case.expect && right_rule,
            expected: case.expect,
            expected_rule: case.rule,
            came,
            found,
        })
    }

    fn found_column(
        self: &Arc<Self>,
        case: &Case,
        place: Option<(Id, Place)>,
        property: &str,
    ) -> Result<Explanation, String> {
        let missing = || "`object` names the table of the column, and what it stands in".to_owned();
        let (id, place) = place.ok_or_else(missing)?;
        let table = Target { kind: Kind::DataSource, id, place };
        let column = Column {
            name: property,
            id: case.property_id.as_deref().unwrap_or_default(),
            kind: case.property_type.as_deref().unwrap_or_default(),
        };
        Ok(self.explain_column(&case.who.principal()?, &table, column))
    }

    fn found(
        self: &Arc<Self>,
        who: &Caller,
        operation: &str,
        place: Option<(Id, Place)>,
        at_top: bool,
    ) -> Result<Explanation, String> {
        let principal = who.principal()?;
        if operation == "manage" {
            return Ok(self.explain_manage(&principal));
        }
        let (name, deletes) = match operation.strip_suffix("/delete") {
            Some(name) => (name, true),
            None => (operation, false),
        };
        let operation =
            Operation::named(name).ok_or_else(|| format!("there is no operation `{name}`"))?;
        let effect = if deletes { Effect::Destroy } else { operation.effect };
        let kind = operation.ids.first().map_or(Kind::Page, |place| match place {
            At::Path(_, kind) | At::Query(_, kind) => *kind,
        });
        let target = place.map(|(id, place)| Target { kind, id, place });
        let aim = Aim { targets: target.into_iter().collect(), nowhere: at_top };
        Ok(self.explain(&principal, operation, effect, None, &aim))
    }
}

/// The object of a test, and where it stands.
fn place(path: Vec<Id>, row: Option<BTreeMap<String, BTreeSet<String>>>) -> Option<(Id, Place)> {
    let id = *path.first()?;
    let row = row.map(|row| row.into_iter().map(|(name, values)| (name, Some(values))).collect());
    let place = match row {
        Some(row) => Place::InRows(path, vec![(0, Arc::new(row))]),
        None => Place::Path(path),
    };
    Some((id, place))
}

impl Caller {
    fn principal(&self) -> Result<Principal, String> {
        let id = self.key.as_deref().unwrap_or("000000000000");
        let key = Key {
            id: KeyId::parse(id).ok_or_else(|| format!("`{id}` is no id of a key"))?,
            name: "test".to_owned(),
            tenant: TenantId::default(),
            connection: None,
            role: self.role,
            within: Scope::new(self.within.clone()),
            capabilities: self.capabilities.unwrap_or(Capabilities::ALL),
            budget: Budget::default(),
            user: self.user,
            agent: self.agent.clone(),
            parent: None,
            may_delegate: false,
            tools: None,
            auditor: false,
            created_at: jiff::Timestamp::UNIX_EPOCH,
            created_by: "test".to_owned(),
            expires_at: None,
            revoked_at: None,
        };
        let person = User {
            id: self.user.unwrap_or(UserId(Id::NIL)),
            tenant: TenantId::default(),
            email: "test".to_owned(),
            role: self.role,
            bot_id: None,
            identity: None,
            groups: self.groups.clone(),
            created_at: jiff::Timestamp::UNIX_EPOCH,
        };
        let principal = Principal::of_key(Arc::new(key), ConnectionId::NONE);
        Ok(Principal { person: Some(Arc::new(person)), ..principal })
    }
}
