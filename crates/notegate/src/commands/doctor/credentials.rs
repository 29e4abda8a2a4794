//! How old the credentials are, and which connections need somebody.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{Finding, Level, Patient};

/// After this a credential ought to be replaced.
const DUE_DAYS: i64 = 90;
/// From then on it is said how long that still is.
const NOTICE_DAYS: i64 = 75;

/// A credential that nobody replaced for a quarter of a year.
pub(super) fn token_age(patient: &Patient) -> Vec<Finding> {
    each(patient, "token_age", "no credentials yet", |tenant, connection| {
        let in_use = matches!(connection["state"].as_str(), Some("active" | "rotating"));
        in_use.then(|| age_of(tenant, connection, patient.now))
    })
}

fn age_of(tenant: &str, connection: &Value, now: Timestamp) -> Finding {
    let code = "token_age";
    let subject = name(tenant, connection);
    let since = connection["rotated_at"].as_str().and_then(|at| at.parse::<Timestamp>().ok());
    let Some(since) = since else {
        return Finding::new(Level::Warning, code, subject, "nobody knows how old it is");
    };
    // A clock that was put back makes nothing younger than new.
    let age = now.duration_since(since).max(SignedDuration::ZERO).as_hours() / 24;
    let left = DUE_DAYS - age;
    let id = connection["bot_id"].as_str().unwrap_or_default();
    let how = match connection["origin"].as_str() {
        Some("environment") => "make a new token in the integration's settings, set it in the \
             environment, and start again"
            .to_owned(),
        _ => format!("make a new token, then `notegate workspaces rotate {id}`"),
    };
    match age {
        DUE_DAYS.. => Finding::new(
            Level::Problem,
            code,
            subject,
            format!("the credential is {age} days old, and was due after {DUE_DAYS}"),
        )
        .advice(how),
        NOTICE_DAYS.. => {
            let days = if left == 1 { "day" } else { "days" };
            let text = format!("the credential is {age} days old: due in {left} {days}");
            Finding::new(Level::Warning, code, subject, text).advice(how)
        }
        _ => Finding::new(
            Level::Good,
            code,
            subject,
            format!("the credential is {age} days old, due in {left} days"),
        ),
    }
}

/// Connections that are out of use, or on the way there.
pub(super) fn connections(patient: &Patient) -> Vec<Finding> {
    each(patient, "connections", "no workspace is connected yet", |tenant, connection| {
        let subject = name(tenant, connection);
        let id = connection["bot_id"].as_str().unwrap_or_default();
        let reason = connection["state_reason"].as_str().map(|word| format!(" ({word})"));
        let reason = reason.unwrap_or_default();
        let code = "connections";
        Some(match connection["state"].as_str().unwrap_or_default() {
            "active" => Finding::new(Level::Good, code, subject, "active"),
            "rotating" => Finding::new(
                Level::Warning,
                code,
                subject,
                format!("a change of its credential is not ended{reason}"),
            )
            .advice("it is ended as soon as Notion can be reached"),
            "needs_reauthorization" => Finding::new(
                Level::Problem,
                code,
                subject,
                format!("somebody has to authorise it again{reason}"),
            )
            .advice("open /auth/notion at the gate, or connect it again with a new token"),
            state => Finding::new(
                Level::Warning,
                code,
                subject,
                format!("out of use: {state}{reason}"),
            )
            .advice(format!(
                "connect it again, or remove its record with `notegate workspaces disconnect {id}`"
            )),
        })
    })
}

fn each(
    patient: &Patient,
    code: &'static str,
    none: &str,
    look: impl Fn(&str, &Value) -> Option<Finding>,
) -> Vec<Finding> {
    let found: Vec<_> = match &patient.connections {
        Ok(all) => all.iter().filter_map(|(tenant, it)| look(tenant, it)).collect(),
        Err(why) => vec![Finding::new(Level::Problem, code, "data directory", why)],
    };
    match found.is_empty() {
        true => vec![Finding::new(Level::Warning, code, "-", none)],
        false => found,
    }
}

/// What people call a connection.
fn name(tenant: &str, connection: &Value) -> String {
    let text = |member: &str| connection[member].as_str().filter(|text| !text.is_empty());
    let of = text("workspace_name").map(|workspace| format!(" in {workspace}"));
    let name = text("name").or(text("bot_id")).unwrap_or("(unnamed)");
    let whose = if tenant == "default" { String::new() } else { format!("{tenant}: ") };
    format!("{whose}{name}{}", of.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_credential_is_named_in_time_and_blocks_when_it_is_due() {
        let now: Timestamp = "2026-06-01T00:00:00Z".parse().unwrap();
        let aged = |hours: i64| {
            let since = now - SignedDuration::from_hours(hours);
            let connection = json!({
                "bot_id": "b", "name": "Bot", "workspace_name": "Acme", "origin": "given",
                "rotated_at": since.to_string(), "state": "active",
            });
            age_of("default", &connection, now)
        };
        for (days, level, text) in [
            (0, Level::Good, "due in 90 days"),
            (74, Level::Good, "due in 16 days"),
            (75, Level::Warning, "due in 15 days"),
            (80, Level::Warning, "due in 10 days"),
            (89, Level::Warning, "due in 1 day"),
            (90, Level::Problem, "90 days old"),
            (91, Level::Problem, "91 days old"),
            (-5, Level::Good, "0 days old"),
        ] {
            let finding = aged(days * 24);
            assert_eq!(finding.level, level, "{days}: {finding:?}");
            assert!(finding.text.contains(text), "{days}: {finding:?}");
            assert_eq!(finding.code, "token_age");
            assert_eq!(finding.advice.is_some(), level != Level::Good, "{finding:?}");
        }
        assert_eq!(aged(90 * 24 - 1).level, Level::Warning, "the day is not over");
        let unknown = age_of("acme", &json!({ "bot_id": "b" }), now);
        assert_eq!((unknown.level, unknown.subject.as_str()), (Level::Warning, "acme: b"));
    }
}
