//! Compares two recordings, and says where they differ so that one can act on it.

use std::collections::BTreeSet;
use std::fmt;

use anyhow::{Context, Result};
use serde_json::Value;

use super::normalise::Normaliser;

/// How much of a differing value is shown.
const SHOWN: usize = 240;

/// One line of a recording: an answer, or what the SDK made of a refusal.
struct Line {
    step: String,
    request: String,
    /// Everything but the body, as text.
    envelope: String,
    /// The answer as it arrived.
    body: String,
}

/// What a script wrote down.
pub(super) struct Recording(Vec<Line>);

impl Recording {
    /// Reads the lines that a script printed.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let mut lines = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let mut value: Value = serde_json::from_str(line)
                .with_context(|| format!("line {} is not JSON: {line}", index + 1))?;
            let field = |value: &Value, name: &str| {
                value[name].as_str().map(str::to_owned).unwrap_or_default()
            };
            let step = field(&value, "step");
            let request = field(&value, "request");
            let body = field(&value, "body");
            if let Some(object) = value.as_object_mut() {
                object.remove("body");
            }
            lines.push(Line { step, request, envelope: value.to_string(), body });
        }
        anyhow::ensure!(!lines.is_empty(), "nothing was recorded");
        Ok(Self(lines))
    }

    /// How many answers there are.
    pub(super) fn exchanges(&self) -> usize {
        self.0.iter().filter(|line| !line.request.is_empty()).count()
    }

    /// How long the answers are together.
    pub(super) fn bytes(&self) -> usize {
        self.0.iter().map(|line| line.body.len()).sum()
    }

    fn normalised(&self, fixed: &BTreeSet<String>) -> Vec<Line> {
        let mut normaliser = Normaliser::new(fixed);
        let lines = self.0.iter().map(|line| Line {
            step: line.step.clone(),
            request: normaliser.apply(&line.request),
            envelope: normaliser.apply(&line.envelope),
            body: normaliser.apply(&line.body),
        });
        lines.collect()
    }
}

/// One thing that is not the same through the gate.
pub(super) struct Difference {
    step: String,
    request: String,
    path: String,
    direct: String,
    gate: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "      step   {} ({})", self.step, self.request)?;
        writeln!(f, "      at     {}", self.path)?;
        writeln!(f, "      direct {}", self.direct)?;
        writeln!(f, "      gate   {}", self.gate)
    }
}

/// Everything that differs, in the order in which it happened.
pub(super) fn compare(
    direct: &Recording,
    gate: &Recording,
    fixed: &BTreeSet<String>,
) -> Vec<Difference> {
    let (direct, gate) = (direct.normalised(fixed), gate.normalised(fixed));
    let mut differences = Vec::new();
    for (one, other) in direct.iter().zip(&gate) {
        let mut note = |path: &str, direct: &str, gate: &str| {
            differences.push(Difference {
                step: one.step.clone(),
                request: one.request.clone(),
                path: path.to_owned(),
                direct: shortened(direct),
                gate: shortened(gate),
            });
        };
        if (&one.step, &one.request) != (&other.step, &other.request) {
            let call = |line: &Line| format!("{} ({})", line.step, line.request);
            note("the course of the scenario", &call(one), &call(other));
            // From here on unlike things would be compared.
            return differences;
        }
        if one.envelope != other.envelope {
            note("status or headers", &one.envelope, &other.envelope);
        }
        if one.body != other.body {
            let (path, direct, gate) = first_difference(&one.body, &other.body);
            note(&path, &direct, &gate);
        }
    }
    if direct.len() != gate.len() {
        let longer = if direct.len() > gate.len() { &direct } else { &gate };
        let extra = &longer[direct.len().min(gate.len())];
        differences.push(Difference {
            step: extra.step.clone(),
            request: extra.request.clone(),
            path: "the number of exchanges".to_owned(),
            direct: direct.len().to_string(),
            gate: gate.len().to_string(),
        });
    }
    differences
}

/// Where two bodies differ first: by JSON path if they say different things, else by byte.
fn first_difference(direct: &str, gate: &str) -> (String, String, String) {
    let parsed = (serde_json::from_str::<Value>(direct), serde_json::from_str::<Value>(gate));
    if let (Ok(one), Ok(other)) = parsed
        && let Some(found) = differing("$", &one, &other)
    {
        return found;
    }
    let at = direct.bytes().zip(gate.bytes()).take_while(|(one, other)| one == other).count();
    let around = |text: &str| {
        let start = text.floor_char_boundary(at.saturating_sub(40));
        let end = text.floor_char_boundary(at + 40);
        text[start..end].to_owned()
    };
    (format!("byte {at} (the same JSON, written otherwise)"), around(direct), around(gate))
}

/// The first path at which two values differ, the order of keys included.
fn differing(path: &str, one: &Value, other: &Value) -> Option<(String, String, String)> {
    match (one, other) {
        (Value::Object(left), Value::Object(right)) => {
            let keys = |object: &serde_json::Map<String, Value>| {
                object.keys().cloned().collect::<Vec<_>>().join(" ")
            };
            if !left.keys().eq(right.keys()) {
                return Some((format!("{path} (keys)"), keys(left), keys(right)));
            }
            left.iter()
                .zip(right.values())
                .find_map(|((key, left), right)| differing(&format!("{path}.{key}"), left, right))
        }
        (Value::Array(left), Value::Array(right)) => {
            let mut pairs = left.iter().zip(right).enumerate();
            let found = pairs.find_map(|(index, (left, right))| {
                differing(&format!("{path}[{index}]"), left, right)
            });
            found.or_else(|| {
                let lengths = (left.len().to_string(), right.len().to_string());
                (left.len() != right.len())
                    .then(|| (format!("{path} (length)"), lengths.0, lengths.1))
            })
        }
        _ => (one != other).then(|| (path.to_owned(), one.to_string(), other.to_string())),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::{Recording, compare};

    fn paths(direct: &[&str], gate: &[&str]) -> Vec<String> {
        let recording = |bodies: &[&str]| {
            let lines = bodies.iter().map(|body| {
                json!({ "step": "s", "request": "GET /v1/x", "status": 200, "body": body })
                    .to_string()
            });
            Recording::parse(&lines.collect::<Vec<_>>().join("\n")).unwrap()
        };
        compare(&recording(direct), &recording(gate), &BTreeSet::new())
            .into_iter()
            .map(|difference| difference.path)
            .collect()
    }

    #[test]
    fn equal_recordings_have_no_difference() {
        assert!(paths(&[r#"{"a":1}"#], &[r#"{"a":1}"#]).is_empty());
    }

    #[test]
    fn a_value_is_named_by_its_path() {
        assert_eq!(paths(&[r#"{"a":[{"b":1}]}"#], &[r#"{"a":[{"b":2}]}"#]), ["$.a[0].b"]);
        assert_eq!(paths(&[r#"{"a":[1]}"#], &[r#"{"a":[1,2]}"#]), ["$.a (length)"]);
    }

    #[test]
    fn the_order_of_keys_counts() {
        assert_eq!(paths(&[r#"{"a":1,"b":2}"#], &[r#"{"b":2,"a":1}"#]), ["$ (keys)"]);
    }

    #[test]
    fn numbers_and_spaces_count_as_written() {
        let written = "byte 5 (the same JSON, written otherwise)";
        assert_eq!(paths(&[r#"{"a":1.0}"#], &[r#"{"a": 1.0}"#]), [written]);
    }

    #[test]
    fn ids_may_differ_but_not_their_places() {
        let one =
            r#"["11111111-2222-4333-8444-555555555555","21111111-2222-4333-8444-555555555555"]"#;
        let other =
            r#"["31111111-2222-4333-8444-555555555555","41111111-2222-4333-8444-555555555555"]"#;
        let twice =
            r#"["31111111-2222-4333-8444-555555555555","31111111-2222-4333-8444-555555555555"]"#;
        assert!(paths(&[one], &[other]).is_empty());
        assert_eq!(paths(&[one], &[twice]), ["$[1]"]);
    }

    #[test]
    fn a_missing_exchange_is_a_difference() {
        assert_eq!(paths(&["1", "2"], &["1"]), ["the number of exchanges"]);
    }
}
