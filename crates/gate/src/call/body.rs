//! The body of a call, read once.

use bytes::Bytes;
use http::HeaderValue;
use notion::ApiError;
use notion::client::StreamBody;
use serde_json::Value;

/// The largest JSON body that Notion takes.
pub const BODY_MAX: usize = 500 * 1024;

/// The body of a call.
#[derive(Debug)]
pub enum CallBody {
    /// Nothing, or everything at once, at most [`BODY_MAX`] bytes. Taken for JSON.
    Whole(Bytes),
    /// A body larger than [`BODY_MAX`], or one that broke off.
    TooLarge,
    /// Bytes that pass through, with their content type (file uploads).
    Stream(HeaderValue, StreamBody),
}

/// Bytes that pass through unread, with their content type.
pub(super) struct Upload(pub(super) HeaderValue, pub(super) StreamBody);

/// The JSON of a body, or what is to pass through, as the operation has it.
pub(super) fn read(
    body: CallBody,
    multipart: bool,
) -> Result<(Option<Value>, Option<Upload>), ApiError> {
    match body {
        CallBody::TooLarge => Err(ApiError::validation(format!(
            "body failed validation: body should be no larger than {} KB.",
            BODY_MAX / 1024
        ))),
        CallBody::Stream(content_type, stream) if multipart => {
            Ok((None, Some(Upload(content_type, stream))))
        }
        CallBody::Stream(..) => Err(ApiError::invalid_json()),
        CallBody::Whole(bytes) if bytes.is_empty() => Ok((None, None)),
        CallBody::Whole(_) if multipart => {
            Err(ApiError::validation("body failed validation: body should be multipart/form-data."))
        }
        // What is sent on is written anew from what was judged, so that no second reading of the
        // same bytes (doubled members, say) can differ from ours.
        CallBody::Whole(bytes) => match serde_json::from_slice(&bytes) {
            Ok(json) => Ok((Some(json), None)),
            Err(_) => Err(ApiError::invalid_json()),
        },
    }
}
