//! Who calls a tool, and how a tool makes a call to Notion: always through the gate.

use bytes::Bytes;
use gate::{AnswerBody, Call, CallBody, Error, Gate};
use http::{HeaderValue, header};
use http_body_util::{BodyExt, Full, Limited};
use model::Principal;
use notion::{Id, Operation, Version};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rmcp::model::{ProgressNotificationParam, ProgressToken};
use rmcp::{Peer, RoleServer};
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// The largest answer that a tool reads.
const ANSWER_MAX: usize = 32 * 1024 * 1024;

/// Who calls a tool, in one request.
pub(crate) struct Caller<'a> {
    pub(crate) gate: &'a Gate,
    pub(crate) principal: &'a Principal,
    pub(crate) request_id: &'a str,
    pub(crate) read_only: bool,
    pub(crate) progress: Option<Progress>,
}

/// Where news of a long call goes, if the caller asked for any.
pub(crate) struct Progress {
    pub(crate) token: ProgressToken,
    pub(crate) peer: Peer<RoleServer>,
}

/// One call to Notion.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ask<'a> {
    /// The name of the operation in the catalogue.
    pub(crate) operation: &'a str,
    /// The parameters of its path, by name.
    pub(crate) path: Vec<(&'a str, String)>,
    /// The query, not yet encoded.
    pub(crate) query: Vec<(&'a str, String)>,
    /// The JSON body.
    pub(crate) body: Option<Value>,
    /// The version to ask with, if not the usual one. (One that the gate is told always wins.)
    pub(crate) version: Option<Version>,
}

impl Ask<'_> {
    fn as_body(&self) -> CallBody {
        let bytes = self.body.as_ref().map(|body| Bytes::from(body.to_string()));
        match bytes.unwrap_or_default() {
            bytes if bytes.len() > gate::BODY_MAX => CallBody::TooLarge,
            bytes => CallBody::Whole(bytes),
        }
    }
}

/// What Notion answered, or the gate in its stead: an error looks like Notion's either way.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Value,
    /// The rule that refused, if the gate did.
    pub(crate) reason: Option<&'static str>,
    /// Seconds to wait before another try.
    pub(crate) retry_after: Option<u64>,
}

impl Reply {
    /// Whether it is what was asked for.
    pub(crate) fn is_success(&self) -> bool {
        is_success(self.status)
    }
}

fn is_success(status: u16) -> bool {
    (200..300).contains(&status)
}

/// An answer, not yet read.
struct Answered {
    status: u16,
    bytes: Bytes,
    retry_after: Option<u64>,
}

impl Answered {
    fn read(self) -> Result<Reply, Error> {
        let body = match self.bytes.is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(&self.bytes).map_err(no_json)?,
        };
        Ok(Reply { status: self.status, body, reason: None, retry_after: self.retry_after })
    }

    /// The JSON as it came, which is looked at no more than needed to know that it is some.
    fn text(self) -> Result<String, Error> {
        if self.bytes.is_empty() {
            return Ok(Value::Null.to_string());
        }
        let whole: &RawValue = serde_json::from_slice(&self.bytes).map_err(no_json)?;
        Ok(whole.get().to_owned())
    }
}

fn no_json(error: serde_json::Error) -> Error {
    Error::Answer(error.to_string())
}

impl Caller<'_> {
    /// Makes one call to Notion, through all steps of the gate.
    pub(crate) async fn ask(&self, ask: Ask<'_>) -> Reply {
        match self.try_ask(ask).await {
            Ok(reply) => reply,
            Err(error) => self.refused(&error),
        }
    }

    /// Sends the bytes of a file upload, as a form.
    pub(crate) async fn upload(&self, id: Id, content_type: HeaderValue, form: Bytes) -> Reply {
        let path = vec![("file_upload_id", id.to_string())];
        let ask = Ask { operation: "upload-file", path, ..Ask::default() };
        let form = Full::new(form).map_err(|never| match never {}).boxed_unsync();
        match self.call(&ask, CallBody::Stream(content_type, form)).await {
            Ok(reply) => reply,
            Err(error) => self.refused(&error),
        }
    }

    /// Whether the gate would let these calls through, one after the other. Nothing is sent. The answer
    /// of a refusal is what the call would get.
    pub(crate) async fn rehearse(&self, asks: &[Ask<'_>]) -> Result<(), Reply> {
        let rehearsed = async {
            let queries: Vec<String> = asks.iter().map(|ask| encoded(&ask.query)).collect();
            let calls = asks
                .iter()
                .zip(&queries)
                .map(|(ask, query)| self.as_call(ask, query, ask.as_body()));
            self.gate.rehearse(self.principal, calls.collect::<Result<_, _>>()?).await
        };
        rehearsed.await.map_err(|error| self.refused(&error))
    }

    async fn try_ask(&self, ask: Ask<'_>) -> Result<Reply, Error> {
        let body = ask.as_body();
        self.call(&ask, body).await
    }

    /// What is asked, as the gate takes it.
    fn as_call<'a>(
        &'a self,
        ask: &Ask<'a>,
        query: &'a str,
        body: CallBody,
    ) -> Result<Call<'a>, Error> {
        let operation = Operation::named(ask.operation);
        let found = operation.and_then(|operation| operation.with_params(&ask.path));
        if found.is_none() {
            let faulty = ask.path.iter().map(|(name, value)| format!("{name} `{value}`"));
            let faulty: Vec<_> = faulty.collect();
            return Err(Error::Invalid(format!("not an id: {}", faulty.join(", "))));
        }
        Ok(Call {
            found,
            query: (!query.is_empty()).then_some(query),
            version: Some(ask.version.unwrap_or(Version::DEFAULT).as_str()),
            body,
            request_id: self.request_id,
            origin: None,
        })
    }

    /// Makes one call to Notion, for its answer as it came. What is none is a reply.
    pub(crate) async fn relay(&self, ask: Ask<'_>) -> Result<String, Reply> {
        let answered = self.send(&ask, ask.as_body()).await;
        let text = answered.and_then(|answered| match is_success(answered.status) {
            true => answered.text().map(Ok),
            false => answered.read().map(Err),
        });
        text.unwrap_or_else(|error| Err(self.refused(&error)))
    }

    async fn call(&self, ask: &Ask<'_>, body: CallBody) -> Result<Reply, Error> {
        self.send(ask, body).await?.read()
    }

    async fn send(&self, ask: &Ask<'_>, body: CallBody) -> Result<Answered, Error> {
        let query = encoded(&ask.query);
        let call = self.as_call(ask, &query, body)?;
        let answer = self.gate.call(self.principal, call).await?;
        let bytes = match answer.body {
            AnswerBody::Whole(bytes) => bytes,
            AnswerBody::Stream(stream) => match Limited::new(stream, ANSWER_MAX).collect().await {
                Ok(whole) => whole.to_bytes(),
                Err(error) => return Err(Error::Answer(error.to_string())),
            },
        };
        let retry_after = answer.headers.get(header::RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
        Ok(Answered { status: answer.status.as_u16(), bytes, retry_after })
    }

    /// An error of the gate, as a caller of `/v1` would see it.
    fn refused(&self, error: &Error) -> Reply {
        let api = error.to_api();
        if api.status >= 500 {
            let causes =
                std::iter::successors(std::error::Error::source(error), |cause| cause.source());
            let causes: Vec<_> = causes.map(ToString::to_string).collect();
            tracing::warn!(request_id = self.request_id, causes = causes.join(": "), "{error}");
        }
        Reply {
            status: api.status,
            body: json!(api.to_json(self.request_id)),
            reason: error.reason(),
            retry_after: error.retry_after(),
        }
    }

    /// Tells the caller how far a long call is, if it wants to know.
    pub(crate) async fn progress(&self, done: f64, total: Option<f64>, message: &str) {
        let Some(Progress { token, peer }) = &self.progress else { return };
        let mut news =
            ProgressNotificationParam::new(token.clone(), done).with_message(message.to_owned());
        news.total = total;
        // Somebody who does not listen any more is found out elsewhere.
        let _ = peer.notify_progress(news).await;
    }
}

fn encoded(query: &[(&str, String)]) -> String {
    let mut text = String::new();
    for (name, value) in query {
        let between = if text.is_empty() { "" } else { "&" };
        let value = utf8_percent_encode(value, NON_ALPHANUMERIC);
        text.push_str(&format!("{between}{name}={value}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_in_a_query_stays_one() {
        let query = [("start_cursor", "a&b=c d".to_owned()), ("page_size", "5".to_owned())];
        assert_eq!(encoded(&query), "start_cursor=a%26b%3Dc%20d&page_size=5");
    }
}
