//! Policies as people write them: read, checked against the schema, and named by their `@id`.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use cedar_policy::{
    ActionConstraint, Effect, Policy, PolicyId, PolicySet, PrincipalConstraint, ValidationMode,
    Validator,
};
use miette::Diagnostic;
use model::KeyId;
use notion::Id;

use crate::row::{RowProperties, looked_at};
use crate::schema::{Actions, is_about_columns, schema};

/// The longest text of a tenant's own policies, in bytes.
pub const TEXT_MAX: usize = 256 * 1024;
/// The most policies that a tenant can have of its own.
pub const POLICIES_MAX: usize = 1_000;
/// The longest name of a policy, and the longest sentence.
const NAME_MAX: usize = 100;
const SAYS_MAX: usize = 400;
/// Faults that are told at once.
const FAULTS_MAX: usize = 20;

/// The built-in policies, as text.
pub const BUILT_IN: &str = include_str!("builtin.cedar");

/// What a decision goes back to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rule {
    /// Its `@id`.
    pub id: Arc<str>,
    /// Its sentence (`@says`).
    pub says: Arc<str>,
    /// Whether the tenant wrote it.
    pub own: bool,
}

/// A policy that was checked.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) rule: Rule,
    pub(crate) policy: Policy,
    pub(crate) forbids: bool,
    /// The properties of rows that it names; `None` if it does not look at rows.
    pub(crate) row: Option<RowProperties>,
}

/// The policies in force for a tenant: the built-in ones and its own.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) checked: Vec<Checked>,
    /// The properties of rows that they name; `None` if none of them looks at rows.
    pub(crate) row_properties: Option<Arc<RowProperties>>,
}

/// What is wrong with a policy, and where.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// In which line, from 1.
    pub line: Option<usize>,
    /// At which character of it, from 1.
    pub column: Option<usize>,
}

/// What is wrong with policies.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.column) {
            (Some(line), Some(column)) => write!(f, "line {line}, column {column}: ")?,
            (Some(line), None) => write!(f, "line {line}: ")?,
            _ => {}
        }
        f.write_str(&self.message)?;
        self.help.as_ref().map_or(Ok(()), |help| write!(f, " ({help})"))
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            write!(f, "{}{fault}", if index == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl Rules {
    /// The built-in ones alone.
    pub(crate) fn built_in() -> Arc<Self> {
        static BUILT_IN_RULES: LazyLock<Arc<Rules>> = LazyLock::new(|| {
            // INVARIANT: the text is ours; a test reads it.
            let checked = read(BUILT_IN, false).expect("the built-in policies are well-formed");
            Arc::new(Rules { checked, row_properties: None })
        });
        BUILT_IN_RULES.clone()
    }

    /// The built-in ones and those of `text`.
    pub(crate) fn with_own(text: &str) -> Result<Self, Faults> {
        let mut checked = read(BUILT_IN, false)?;
        let own = read(text, true)?;
        let taken = own.iter().find(|own| checked.iter().any(|it| it.rule.id == own.rule.id));
        if let Some(taken) = taken {
            let fault = at_policy(text, &taken.policy);
            return Err(Faults(vec![Fault {
                message: format!("`{}` is the name of a built-in policy", taken.rule.id),
                help: Some("give it another @id".to_owned()),
                ..fault
            }]));
        }
        let mut row_properties = None::<RowProperties>;
        for properties in own.iter().filter_map(|own| own.row.as_ref()) {
            row_properties.get_or_insert_default().extend(properties.iter().cloned());
        }
        checked.extend(own);
        Ok(Self { checked, row_properties: row_properties.map(Arc::new) })
    }
}

/// Reads and checks policies. The order is the text's.
fn read(text: &str, own: bool) -> Result<Vec<Checked>, Faults> {
    if text.len() > TEXT_MAX {
        return Err(one(format!("the policies are longer than {} KB", TEXT_MAX / 1024)));
    }
    let parsed = PolicySet::from_str(text).map_err(|errors| {
        Faults(errors.iter().take(FAULTS_MAX).map(|error| fault_of(text, error, error)).collect())
    })?;
    if let Some(template) = parsed.templates().next() {
        let shown: String = template.to_cedar().chars().take(60).collect();
        return Err(one(format!(
            "`{shown}…` has a slot (`?principal`, `?resource`): name somebody"
        )));
    }
    if parsed.num_of_policies() > POLICIES_MAX {
        return Err(one(format!("there are more than {POLICIES_MAX} policies")));
    }
    let mut named = PolicySet::new();
    let mut checked = Vec::new();
    let mut faults = Vec::new();
    for policy in parsed.policies() {
        match name(policy, own) {
            Err(fault) => faults.push(Fault { ..located(fault, at_policy(text, policy)) }),
            Ok(rule) => {
                let policy = policy.new_id(PolicyId::new(&*rule.id));
                faults.extend(strange_names(text, &policy));
                faults.extend(forgets_children(text, &policy));
                if named.add(policy.clone()).is_err() {
                    let message = format!("there are two policies with the @id `{}`", rule.id);
                    let help = Some("give one of them another".to_owned());
                    faults.push(Fault { message, help, ..at_policy(text, &policy) });
                }
                let row = looked_at(&policy).unwrap_or_else(|fault| {
                    faults.push(located(fault, at_policy(text, &policy)));
                    None
                });
                if row.is_some() && is_only_about_columns(&policy) {
                    let message = format!("`{}` is about columns and goes by rows", rule.id);
                    let help =
                        "a column is there for all rows of its table, or for none".to_owned();
                    faults.push(located((message, help), at_policy(text, &policy)));
                }
                let forbids = policy.effect() == Effect::Forbid;
                checked.push(Checked { rule, policy, forbids, row });
            }
        }
    }
    let validated = Validator::new(schema().clone()).validate(&named, ValidationMode::Strict);
    faults.extend(validated.validation_errors().map(|error| fault_of(text, error, error)));
    if faults.is_empty() {
        // A policy that can never apply is a mistake: whoever wrote it believes that it does something.
        let warnings = validated.validation_warnings();
        faults.extend(warnings.map(|warning| fault_of(text, warning, warning)));
    }
    // Cedar tells what is wrong at one place in any order.
    let order = |fault: &Fault| (fault.line, fault.column, fault.message.clone());
    faults.sort_by_cached_key(order);
    faults.dedup();
    faults.truncate(FAULTS_MAX);
    if faults.is_empty() { Ok(checked) } else { Err(Faults(faults)) }
}

fn one(message: String) -> Faults {
    Faults(vec![Fault { message, help: None, line: None, column: None }])
}

/// The name and sentence of a policy, or what is wrong with them.
fn name(policy: &Policy, own: bool) -> Result<Rule, (String, String)> {
    let id = policy.annotation("id").unwrap_or_default();
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    if id.is_empty() {
        let help = "write `@id(\"no-deletions\")` before it: refusals and explanations name it";
        return Err(("the policy has no name".to_owned(), help.to_owned()));
    }
    if id.len() > NAME_MAX || !id.chars().all(good) {
        let help = format!("use at most {NAME_MAX} letters, digits, `-`, `_`, `.` and `/`");
        let shown: String = id.chars().take(NAME_MAX).collect();
        return Err((format!("`{shown}` is no name for a policy"), help));
    }
    let says = match policy.annotation("says") {
        Some(says) if says.chars().count() > SAYS_MAX || says.chars().any(char::is_control) => {
            let help = format!("use one line of at most {SAYS_MAX} characters");
            return Err((format!("the sentence (@says) of `{id}` is too long"), help));
        }
        Some(says) if !says.trim().is_empty() => says.trim().to_owned(),
        _ if policy.effect() == Effect::Forbid => format!("the policy `{id}` forbids it"),
        _ => format!("the policy `{id}` permits it"),
    };
    Ok(Rule { id: id.into(), says: says.into(), own })
}

fn located((message, help): (String, String), at: Fault) -> Fault {
    Fault { message, help: Some(help), ..at }
}

/// Ids in a policy that nothing can have: a policy about them would never apply.
fn strange_names(text: &str, policy: &Policy) -> Vec<Fault> {
    let literals = policy.entity_literals();
    let strange = literals.iter().filter_map(|literal| {
        let (kind, id) = (literal.type_name().to_string(), literal.id().unescaped());
        let (message, help) = match kind.as_str() {
            "Object" | "Workspace" | "User"
                if Id::parse(id).is_none_or(|it| it.to_string() != id) =>
            {
                let help = match Id::from_pasted(id) {
                    Some(id) => format!("write `{kind}::\"{id}\"`"),
                    None => "ids are UUIDs, with dashes and in lower case".to_owned(),
                };
                (format!("`{literal}`: no {} has this id", kind.to_lowercase()), help)
            }
            "Key" if KeyId::parse(id).is_none() => (
                format!("`{literal}`: no key has this id"),
                "write the twelve characters that `notegate keys list` shows".to_owned(),
            ),
            "Row" => (
                format!("`{literal}`: rows have no names of their own"),
                "a row is an `Object`, by the id of its page".to_owned(),
            ),
            _ => return None,
        };
        Some(located((message, help), at_policy(text, policy)))
    });
    strange.collect()
}

/// Whether all that a policy names as actions is about columns.
fn is_only_about_columns(policy: &Policy) -> bool {
    match policy.action_constraint() {
        ActionConstraint::Any => false,
        ActionConstraint::Eq(action) => is_about_columns(&action),
        ActionConstraint::In(actions) => actions.iter().all(is_about_columns),
    }
}

/// What is forbidden to a key must be forbidden to the keys that it makes.
fn forgets_children(text: &str, policy: &Policy) -> Option<Fault> {
    let PrincipalConstraint::Eq(named) = policy.principal_constraint() else { return None };
    let is_key = named.type_name().to_string() == "Key" && policy.effect() == Effect::Forbid;
    is_key.then(|| {
        let message = format!("`principal == {named}` leaves out the keys that this key makes");
        located((message, format!("write `principal in {named}`")), at_policy(text, policy))
    })
}

/// Where a policy begins.
fn at_policy(text: &str, policy: &Policy) -> Fault {
    let offset = policy.to_cedar().and_then(|own| text.find(own.trim()));
    at(text, offset)
}

fn at(text: &str, offset: Option<usize>) -> Fault {
    let before = offset.and_then(|offset| text.get(..offset));
    let line = before.map(|before| before.matches('\n').count() + 1);
    let column =
        before.map(|before| before.rsplit('\n').next().unwrap_or_default().chars().count() + 1);
    Fault { message: String::new(), help: None, line, column }
}

/// A fault that Cedar found.
fn fault_of(text: &str, shown: &dyn fmt::Display, diagnostic: &dyn Diagnostic) -> Fault {
    let offset =
        diagnostic.labels().and_then(|mut labels| labels.next()).map(|label| label.offset());
    let message = shown.to_string();
    // Cedar names some action; there are many.
    let help = match message.split_once("unrecognized action `Action::\"") {
        Some((_, rest)) => {
            let wanted = rest.split('"').next().unwrap_or_default();
            Some(Actions::all().nearest(wanted).map_or_else(
                || "`notegate policy schema` lists the actions".to_owned(),
                |name| format!("did you mean `Action::\"{name}\"`?"),
            ))
        }
        None => diagnostic.help().map(|help| help.to_string()),
    };
    Fault { message, help, ..at(text, offset) }
}
