//! Faults: answers that go wrong on demand, to test what stands in front of Notion.

use notion::Id;
use notion::catalogue::Effect;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::calls::fingerprint;
use crate::fail::Fail;
use crate::pipeline::Incoming;
use crate::world::ids::IdSource;

/// Most faults at a time.
const FAULTS_MAX: usize = 1000;
/// Longest wait.
const LATENCY_MAX_MS: u64 = 120_000;
/// How long Notion works on a write before it answers 503 (documented).
const DEADLINE_MS: u64 = 55_000;

/// Which requests a fault is for; what is not said fits all.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Match {
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<String>,
    /// A path; `*` at the end stands for anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// A token, its fingerprint, or the id of its bot. Only its fingerprint is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

/// The answer that a fault gives.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answer {
    status: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    /// The operation is carried out before it "fails".
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    committed: bool,
    /// A page of HTML from what stands in front of Notion, instead of Notion's error object.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    edge: bool,
}

/// One fault.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    #[serde(default, skip_deserializing)]
    id: String,
    #[serde(default, rename = "match")]
    matches: Match,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<Answer>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    latency_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    drop: bool,
    /// So many bytes of the answer's body are sent, and then the connection ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    truncate: Option<usize>,
    /// How often it still happens; without it, for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    times: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    probability: Option<f64>,
    #[serde(default, skip_deserializing)]
    hits: u64,
}

/// What the faults that fit a request do to it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    pub(crate) latency_ms: u64,
    pub(crate) answer: Option<Answer>,
    pub(crate) drop: bool,
    pub(crate) truncate: Option<usize>,
}

/// All faults, in the order in which they were set.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    all: Vec<Fault>,
}

impl Faults {
    /// Sets a fault; gives its id.
    pub(crate) fn add(&mut self, value: Value) -> Result<String, String> {
        let mut fault: Fault = serde_json::from_value(value).map_err(|error| {
            format!(
                "the fault could not be read: {error}; send {{match: {{operation?, path?, \
                 token?}}, answer: {{status, code?, retry_after?, committed?, edge?}} | latency_ms \
                 | drop | truncate, times?, probability?}}"
            )
        })?;
        if !fault.decides() && fault.latency_ms.is_none() {
            let text = "the fault does nothing: give `answer`, `latency_ms`, `drop` or `truncate`";
            return Err(text.to_owned());
        }
        if fault.latency_ms.is_some_and(|ms| ms > LATENCY_MAX_MS) {
            return Err(format!("`latency_ms` must be at most {LATENCY_MAX_MS}"));
        }
        if fault.probability.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
            return Err("`probability` must be from 0 to 1".to_owned());
        }
        if let Some(answer) = &fault.answer
            && !(400..=599).contains(&answer.status)
        {
            return Err("`answer.status` must be from 400 to 599".to_owned());
        }
        if let Some(name) = &fault.matches.operation
            && notion::Operation::named(name).is_none()
        {
            return Err(format!("there is no operation `{name}`; use Notion's operation ids"));
        }
        if self.all.len() >= FAULTS_MAX {
            return Err("there are too many faults: DELETE /_sandbox/faults first".to_owned());
        }
        let token = fault.matches.token.take();
        fault.matches.token =
            token.map(|token| if token.starts_with("ntn_") { fingerprint(&token) } else { token });
        fault.id = Uuid::new_v4().to_string();
        let id = fault.id.clone();
        self.all.push(fault);
        Ok(id)
    }

    pub(crate) fn clear(&mut self) {
        self.all.clear();
    }

    pub(crate) fn shown(&self) -> Value {
        serde_json::to_value(&self.all).unwrap_or_default()
    }

    /// Works out what happens to a request, and counts it.
    pub(crate) fn plan(
        &mut self,
        incoming: &Incoming,
        bot: Option<Id>,
        dice: &mut IdSource,
    ) -> Plan {
        let mut plan = Plan::default();
        let mut is_decided = false;
        for fault in &mut self.all {
            if fault.times == Some(0)
                || is_decided && fault.decides()
                || !fault.matches.fits(incoming, bot)
                || fault.probability.is_some_and(|share| dice.share() >= share)
            {
                continue;
            }
            fault.hits += 1;
            fault.times = fault.times.map(|times| times - 1);
            let latency = fault.latency_ms.unwrap_or_default();
            plan.latency_ms = plan.latency_ms.saturating_add(latency).min(LATENCY_MAX_MS);
            if fault.decides() {
                is_decided = true;
                plan.answer = fault.answer.clone();
                plan.drop = fault.drop;
                plan.truncate = fault.truncate;
            }
        }
        plan
    }
}

impl Fault {
    /// Whether it says what the answer is; of those, only the first that fits a request counts.
    fn decides(&self) -> bool {
        self.answer.is_some() || self.drop || self.truncate.is_some()
    }
}

impl Match {
    fn fits(&self, incoming: &Incoming, bot: Option<Id>) -> bool {
        let operation = incoming.operation().map(|operation| operation.name);
        let operation_fits = self.operation.is_none() || self.operation.as_deref() == operation;
        let path_fits = self.path.as_ref().is_none_or(|path| match path.strip_suffix('*') {
            Some(start) => incoming.path.starts_with(start),
            None => incoming.path == *path,
        });
        let token_fits = self.token.as_ref().is_none_or(|wanted| {
            incoming.token().map(fingerprint).as_ref() == Some(wanted)
                || bot.is_some_and(|bot| Id::parse(wanted) == Some(bot))
        });
        operation_fits && path_fits && token_fits
    }
}

impl Plan {
    /// Whether the operation is not carried out at all.
    pub(crate) fn skips(&self) -> bool {
        self.drop && self.answer.is_none()
            || self.answer.as_ref().is_some_and(|answer| !answer.committed)
    }

    /// Whether the answer comes from what stands in front of Notion.
    pub(crate) fn is_from_edge(&self) -> bool {
        self.answer.as_ref().is_some_and(|answer| answer.edge)
    }

    /// The refusal; `done` is the answer of an operation that was carried out all the same.
    pub(crate) fn fail(&self, done: Option<&Value>, incoming: &Incoming) -> Fail {
        let Some(answer) = &self.answer else {
            return Fail::new(503, "service_unavailable", text(503));
        };
        let mut fail = if answer.status == 429 {
            Fail::rate_limited("public_api_request_rate_limit", answer.retry_after.unwrap_or(1))
        } else {
            Fail::new(answer.status, code(answer.status), text(answer.status))
        };
        if let Some(code) = &answer.code {
            fail.code.clone_from(code);
        }
        fail.retry_after = fail.retry_after.or(answer.retry_after);
        let is_write = incoming.operation().is_some_and(|found| found.effect != Effect::Read);
        if let Some(done) = done.filter(|_| is_write) {
            fail.additional_data = Some(self.committed(done, incoming));
        }
        fail
    }

    /// What a late answer to a saved write tells: the new object, or the parent and its new
    /// children; of an update, nothing (documented, but for the value of `from`).
    fn committed(&self, done: &Value, incoming: &Incoming) -> Value {
        let elapsed = self.latency_ms.max(DEADLINE_MS);
        let mut data = json!({
            "from": "public_api",
            "elapsed_ms": elapsed.to_string(),
            "deadline_ms": DEADLINE_MS.to_string(),
            "retry_guidance": ["Read the object again", "Do not repeat the write"],
        });
        if done["object"] == "list" {
            let asked: Value = serde_json::from_slice(&incoming.body).unwrap_or_default();
            let new = asked["children"].as_array().map_or(0, Vec::len);
            // The list runs on to the parent's last child; the new ones come first.
            let results = done["results"].as_array().into_iter().flatten().take(new);
            let children: Vec<Value> = results.map(|child| child["id"].clone()).collect();
            let parent = incoming.path.split('/').nth(3).and_then(Id::parse);
            data["committed_resource_id"] = json!(parent);
            data["committed_child_ids"] = children.into();
        } else if incoming.method == http::Method::POST {
            data["committed_resource_id"] = done["id"].clone();
        }
        data
    }
}

fn code(status: u16) -> &'static str {
    match status {
        400 => "validation_error",
        401 => "unauthorized",
        403 => "restricted_resource",
        404 => "object_not_found",
        409 => "conflict_error",
        502 => "bad_gateway",
        503 => "service_unavailable",
        504 => "gateway_timeout",
        529 => "service_overload",
        _ => "internal_server_error",
    }
}

fn text(status: u16) -> &'static str {
    match status {
        400 => "The request failed validation.",
        401 => "API token is invalid.",
        403 => "API token does not have access to this resource.",
        404 => "Could not find the object.",
        409 => "Conflict occurred while saving. Please try again.",
        502 => "Bad Gateway",
        503 => "Notion is unavailable, please try again later.",
        504 => "Gateway Timeout",
        529 => "Notion is overloaded, please try again later.",
        _ => "Unexpected error occurred.",
    }
}
