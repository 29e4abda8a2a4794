//! What comes of a call, and what goes back through the door.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use notion::client::{REQUEST_ID_HEADER, StreamBody};
use notion::{Capabilities, Id, Operation};
use serde_json::Value;

use crate::Gate;
use crate::columns::StandIns;
use crate::error::Error;
use crate::{trim, view};

/// What goes back through the door.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers that matter to a client of Notion.
    pub headers: HeaderMap,
    /// The body.
    pub body: AnswerBody,
}

/// The body of an answer.
#[derive(Debug)]
pub enum AnswerBody {
    /// All of it.
    Whole(Bytes),
    /// Bytes that pass through.
    Stream(StreamBody),
}

/// What came of the act.
pub(crate) struct Acted {
    pub(crate) answer: Answer,
    /// Notion's word for an error.
    pub(crate) code: Option<String>,
    /// What was created.
    pub(crate) made: Option<Id>,
}

impl Gate {
    /// An answer that the gate makes itself, as Notion would answer it. `body` is an object.
    pub(crate) fn own_answer(&self, mut body: Value) -> Acted {
        let request_id = self.new_request_id();
        let mut headers = HeaderMap::new();
        let json = HeaderValue::from_static("application/json; charset=utf-8");
        headers.insert(header::CONTENT_TYPE, json);
        if let Ok(request_id) = HeaderValue::from_str(&request_id) {
            headers.insert(REQUEST_ID_HEADER, request_id);
        }
        body["request_id"] = request_id.into();
        let body = AnswerBody::Whole(body.to_string().into());
        let answer = Answer { status: StatusCode::OK, headers, body };
        Acted { answer, code: None, made: None }
    }
}

impl Acted {
    /// In the caller's own words, where the request used others.
    pub(super) fn in_the_words_of(mut self, stand_ins: &StandIns) -> Self {
        if let AnswerBody::Whole(bytes) = self.answer.body {
            self.answer.body = AnswerBody::Whole(stand_ins.restore(bytes));
        }
        self
    }

    /// Cut down to the capabilities of the caller.
    pub(super) fn trimmed(
        mut self,
        operation: &Operation,
        granted: Capabilities,
    ) -> Result<Self, Error> {
        if let AnswerBody::Whole(bytes) = &self.answer.body
            && self.answer.status.is_success()
            && let Some(trimmed) = trim::trim(operation, granted, bytes)?
        {
            self.answer.body = AnswerBody::Whole(trimmed);
        }
        Ok(self)
    }

    /// With the gate's own address where the caller shall call again.
    pub(super) fn readdressed(mut self, operation: &Operation, notion: &str, gate: &str) -> Self {
        if let AnswerBody::Whole(bytes) = &self.answer.body
            && view::holds_addresses(operation)
        {
            let bytes = view::readdress(bytes.clone(), notion, gate);
            self.answer.body = AnswerBody::Whole(bytes);
        }
        self
    }
}

/// The headers of an answer that a client of Notion needs.
pub(crate) fn passing_headers(all: &HeaderMap) -> HeaderMap {
    const REQUEST_ID: HeaderName = HeaderName::from_static(REQUEST_ID_HEADER);
    let mut passing = HeaderMap::with_capacity(4);
    for name in [header::CONTENT_TYPE, REQUEST_ID, header::RETRY_AFTER] {
        if let Some(value) = all.get(&name) {
            passing.insert(name, value.clone());
        }
    }
    passing
}
