//! Faults: answers that go wrong on demand, to test what stands in front of Notion.

use notion::Id;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::calls::fingerprint;
use crate::fail::Fail;
use crate::pipeline::Incoming;

/// Most faults at a time.
const FAULTS_MAX: usize = 1000;
/// Longest wait.
const LATENCY_MAX_MS: u64 = 120_000;

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
                 token?}}, answer: {{status, code?, retry_after?, committed?}} | latency_ms | \
                 drop, times?, probability?}}"
            )
        })?;
        if fault.answer.is_none() && fault.latency_ms.is_none() && !fault.drop {
            return Err("the fault does nothing: give `answer`, `latency_ms` or `drop`".to_owned());
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
    pub(crate) fn plan(&mut self, incoming: &Incoming, bot: Option<Id>) -> Plan {
        let mut plan = Plan::default();
        for fault in &mut self.all {
            let is_decided = plan.answer.is_some() || plan.drop;
            let decides = fault.answer.is_some() || fault.drop;
            if fault.times == Some(0)
                || is_decided && decides
                || !fault.matches.fits(incoming, bot)
                || !fault.strikes()
            {
                continue;
            }
            fault.hits += 1;
            fault.times = fault.times.map(|times| times - 1);
            let latency = fault.latency_ms.unwrap_or_default();
            plan.latency_ms = plan.latency_ms.saturating_add(latency).min(LATENCY_MAX_MS);
            plan.answer = plan.answer.or_else(|| fault.answer.clone());
            plan.drop |= fault.drop;
        }
        plan
    }
}

impl Fault {
    fn strikes(&self) -> bool {
        let Some(probability) = self.probability else { return true };
        let drawn = (Uuid::new_v4().as_u128() >> 96) as f64 / f64::from(u32::MAX);
        drawn < probability
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

    /// The refusal; `done` is the answer of an operation that was carried out all the same.
    pub(crate) fn fail(&self, done: Option<&Value>, incoming: &Incoming) -> Fail {
        let Some(answer) = &self.answer else {
            return Fail::new(503, "service_unavailable", text(503));
        };
        let code = answer.code.clone().unwrap_or_else(|| code(answer.status).to_owned());
        let mut fail = Fail::new(answer.status, &code, text(answer.status));
        fail.retry_after = answer.retry_after.or((answer.status == 429).then_some(1));
        if answer.status == 429 {
            fail.additional_data = Some(json!({
                "rate_limit_reason": "public_api_request_rate_limit",
                "retry_after": fail.retry_after.unwrap_or_default().to_string(),
            }));
        }
        if let Some(done) = done {
            fail.additional_data = Some(committed(done, incoming));
        }
        fail
    }
}

/// What a late answer to a saved write tells: the new object, or the parent and its new children.
fn committed(done: &Value, incoming: &Incoming) -> Value {
    let mut data = json!({
        "retry_guidance": ["Read the object again", "Do not repeat the write"],
    });
    if done["object"] == "list" {
        let results = done["results"].as_array().into_iter().flatten();
        let children: Vec<Value> = results.map(|child| child["id"].clone()).collect();
        let parent = incoming.path.split('/').nth(3).and_then(Id::parse);
        data["committed_resource_id"] = json!(parent);
        data["committed_child_ids"] = children.into();
    } else if incoming.method == http::Method::POST {
        data["committed_resource_id"] = done["id"].clone();
    }
    data
}

fn code(status: u16) -> &'static str {
    match status {
        400 => "validation_error",
        401 => "unauthorized",
        403 => "restricted_resource",
        404 => "object_not_found",
        409 => "conflict_error",
        429 => "rate_limited",
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
        429 => "You have been rate limited. Please try again in a few minutes.",
        502 => "Bad Gateway",
        503 => "Notion is unavailable, please try again later.",
        504 => "Gateway Timeout",
        529 => "Notion is overloaded, please try again later.",
        _ => "Unexpected error occurred.",
    }
}
