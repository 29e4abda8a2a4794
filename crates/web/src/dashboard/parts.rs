//! How a connection is told: its sign, its state, its owner, its age; and who somebody is.

use gate::CredentialAge;
use jiff::Timestamp;
use maud::{Markup, html};
use model::{Connection, ConnectionKind, ConnectionState, Origin};

use super::words;
use crate::App;
use crate::session::Visitor;

/// What people call the workspace.
pub(super) fn workspace_name(connection: &Connection) -> String {
    let name = connection.workspace_name.as_deref().filter(|name| !name.trim().is_empty());
    words::line(name.unwrap_or(&connection.name), 80)
}

/// The path of a connection's page.
pub(super) fn path(connection: &Connection) -> String {
    format!("/dashboard/workspaces/{}", connection.bot_id)
}

/// The sign of a workspace: its emoji, otherwise its initials. Pictures are not loaded: that would tell
/// their host who looks at this page.
pub(super) fn sign(connection: &Connection) -> Markup {
    let icon = connection.workspace_icon.as_deref().filter(|icon| is_emoji(icon));
    let text = icon.map_or_else(|| initials(&workspace_name(connection)), str::to_owned);
    html! { span class={ "sign" @if icon.is_some() { " emoji" } } aria-hidden="true" { (text) } }
}

fn is_emoji(text: &str) -> bool {
    (1..=8).contains(&text.chars().count()) && text.chars().all(|c| c >= '\u{203c}')
}

fn initials(name: &str) -> String {
    let words =
        name.split_whitespace().filter_map(|word| word.chars().find(|c| c.is_alphanumeric()));
    words.take(2).flat_map(char::to_uppercase).collect()
}

/// The state, in words and colour.
pub(super) fn state(connection: &Connection) -> Markup {
    let (class, word) = match connection.state {
        ConnectionState::Active => ("good", "Active"),
        ConnectionState::Rotating => ("good", "Active, rotating"),
        ConnectionState::NeedsReauthorization => ("warn", "Needs re-authorisation"),
        ConnectionState::Revoked if reason_of(connection) == "disconnected" => {
            ("idle", "Disconnected")
        }
        ConnectionState::Revoked => ("bad", "Revoked"),
    };
    html! { span class={ "badge " (class) } { (word) } }
}

fn reason_of(connection: &Connection) -> &str {
    connection.state_reason.as_deref().unwrap_or_default()
}

/// Why calls do not go out by a connection, and what to do; `None` if they do.
pub(super) fn trouble(connection: &Connection) -> Option<&'static str> {
    if connection.state.is_usable() {
        return None;
    }
    Some(match reason_of(connection) {
        "unauthorized" => {
            "Notion does not take its credential any more: somebody removed the integration, or \
             replaced its token. Connect the workspace again."
        }
        "refresh_lost" => {
            "A refresh of its tokens was cut off, and neither the old nor the new ones work. Connect \
             the workspace again."
        }
        "refresh_refused" => {
            "Notion does not refresh its tokens any more. Connect the workspace again."
        }
        "refresh_mismatch" => {
            "A refresh brought tokens of another workspace, which were not taken. Connect the \
             workspace again."
        }
        "environment" => {
            "The environment does not name its token any more. Set it there and start the gate again, \
             or connect the workspace here."
        }
        "disconnected" => {
            "Somebody disconnected it. Its credential is gone; calls by its keys are refused."
        }
        _ => "No calls go out by it. Connect the workspace again.",
    })
}

/// Whether somebody ought to do something about a connection that is out of use.
pub(super) fn is_urgent(connection: &Connection) -> bool {
    !connection.state.is_usable() && reason_of(connection) != "disconnected"
}

/// How the connection came here and what its credential is.
pub(super) fn kind(connection: &Connection) -> &'static str {
    match (connection.kind, &connection.writer, connection.origin) {
        (ConnectionKind::Oauth, _, _) => "OAuth installation",
        (_, Some(_), Origin::Environment) => "Pair of tokens, from the environment",
        (_, Some(_), _) => "Pair of tokens",
        (_, None, Origin::Environment) => "Integration token, from the environment",
        (_, None, _) => "Integration token",
    }
}

/// Who owns the integration, as Notion tells it.
pub(super) fn owner(connection: &Connection) -> Markup {
    let owner = connection.owner.as_ref();
    let text = |path: &str| {
        let found = owner.and_then(|owner| owner.pointer(path)).and_then(|value| value.as_str());
        found.map(|text| words::line(text, 80)).filter(|text| !text.is_empty())
    };
    let is_workspace = text("/type").as_deref() == Some("workspace");
    html! {
        @match (text("/user/name"), text("/user/person/email")) {
            (Some(name), Some(email)) => { (name) " " span.quiet { (email) } }
            (Some(one), None) | (None, Some(one)) => { (one) }
            (None, None) if is_workspace => "The workspace",
            (None, None) => { span.quiet { "Notion does not tell" } }
        }
    }
}

/// How old the credential is, and when it ought to be replaced.
pub(super) fn age(connection: &Connection, now: Timestamp) -> Markup {
    let age = CredentialAge::of(connection, now);
    let days = words::count(age.days.unsigned_abs(), "day");
    let soon = !age.is_due && age.days >= SOON_AFTER_DAYS;
    html! {
        @if connection.kind == ConnectionKind::Oauth {
            (days) span.quiet.under { "refreshed by itself" }
        } @else if age.is_due {
            span.late { (days) span.under { "overdue" } }
        } @else if soon {
            span.soon { (days) span.under { "due " (words::when(age.rotation_due_at, now)) } }
        } @else {
            (days) span.quiet.under { "due " (words::when(age.rotation_due_at, now)) }
        }
    }
}

/// Who did something, by the name of the key.
pub(super) fn who(app: &App, visitor: &Visitor, principal: &str) -> Markup {
    let key = principal.strip_prefix("key:");
    let name = key.and_then(|id| app.gate.name_of_key(visitor.principal(), id));
    html! {
        @match (key, name) {
            (Some(id), Some(name)) => { span title={ "key " (id) } { (words::line(&name, 60)) } }
            (Some(id), None) => { "key " code { (words::line(id, 60)) } }
            _ if principal == "gate" => "notegate itself",
            _ if principal.starts_with("user:") => {
                @match app.gate.email_of(visitor.principal(), principal) {
                    Some(email) => (words::line(&email, 60)),
                    None => "somebody who is no user any more",
                }
            }
            _ => (words::line(principal, 60)),
        }
    }
}

/// From this age on a credential is shown as one to replace soon.
const SOON_AFTER_DAYS: i64 = 76;

/// Whether the credential of a connection in use ought to be replaced now.
pub(super) fn is_overdue(connection: &Connection, now: Timestamp) -> bool {
    connection.state.is_usable()
        && connection.kind == ConnectionKind::Internal
        && CredentialAge::of(connection, now).is_due
}

#[cfg(test)]
mod tests {
    use model::{ConnectionId, TenantId};
    use notion::Id;

    use super::*;

    fn connection() -> Connection {
        let (bot, at) = (ConnectionId(Id::NIL), Timestamp::UNIX_EPOCH);
        let (kind, origin) = (ConnectionKind::Internal, Origin::Given);
        Connection::new(TenantId::default(), bot, "Bot", kind, origin, at)
    }

    #[test]
    fn a_sign_is_an_emoji_or_initials_and_never_from_elsewhere() {
        let with = |icon: &str, name: &str| {
            let mut connection = connection();
            connection.workspace_icon = Some(icon.to_owned());
            connection.workspace_name = Some(name.to_owned());
            sign(&connection).into_string()
        };
        assert!(with("🏔️", "Acme").contains("🏔"));
        for other in ["https://evil.example/x.png", "<img src=x>", "", "javascript:alert(1)", "ab"]
        {
            let sign = with(other, "<acme> big company");
            assert!(sign.contains(">AB</span>"), "{sign}");
        }
    }

    #[test]
    fn owners_are_told_as_far_as_notion_tells() {
        let told = |owner: serde_json::Value| {
            let connection = Connection { owner: Some(owner), ..connection() };
            super::owner(&connection).into_string()
        };
        let person = serde_json::json!({
            "type": "user", "user": { "name": "Ada <b>", "person": { "email": "ada@example.com" } }
        });
        assert_eq!(told(person), "Ada &lt;b&gt; <span class=\"quiet\">ada@example.com</span>");
        assert_eq!(
            told(serde_json::json!({"type": "workspace", "workspace": true})),
            "The workspace"
        );
        for odd in [serde_json::json!(null), serde_json::json!([1]), serde_json::json!({"user": 7})]
        {
            assert!(told(odd).contains("does not tell"));
        }
    }
}
