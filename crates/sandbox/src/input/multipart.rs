//! Reads `multipart/form-data`: the body of `send`.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::{FutureExt, stream};
use http::header::CONTENT_TYPE;

use crate::fail::Fail;
use crate::pipeline::Incoming;

/// Most fields of a form.
const FIELDS_MAX: usize = 20;

/// What `send` brings.
#[derive(Debug, Default)]
pub(crate) struct Form {
    pub(crate) file: Option<Sent>,
    pub(crate) part_number: Option<String>,
}

/// The bytes of the field `file`, and what the field says of them.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) bytes: Bytes,
    pub(crate) filename: Option<String>,
    pub(crate) content_type: Option<String>,
}

/// Reads the form of a request (own wording: nobody has recorded what Notion answers).
pub(crate) fn read(incoming: &Incoming) -> Result<Form, Fail> {
    let kind = incoming.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let boundary = kind.and_then(|kind| multer::parse_boundary(kind).ok()).ok_or_else(|| {
        Fail::validation("Content-Type of this request must be multipart/form-data.")
    })?;
    // The whole body is here, so nothing waits.
    let form = form(incoming.body.clone(), boundary).now_or_never();
    form.and_then(Result::ok).ok_or_else(|| {
        Fail::validation("body failed validation: body should be a valid multipart/form-data form.")
    })
}

async fn form(body: Bytes, boundary: String) -> multer::Result<Form> {
    let body = stream::iter([Ok::<_, Infallible>(body)]);
    let mut fields = multer::Multipart::new(body, boundary);
    let mut form = Form::default();
    for _ in 0..FIELDS_MAX {
        let Some(field) = fields.next_field().await? else { break };
        match field.name() {
            Some("file") => {
                let filename = field.file_name().map(str::to_owned);
                let content_type = field.content_type().map(ToString::to_string);
                // Copied: a slice would keep the rest of the body in memory.
                let bytes = Bytes::copy_from_slice(&field.bytes().await?);
                form.file = Some(Sent { bytes, filename, content_type });
            }
            Some("part_number") => form.part_number = Some(field.text().await?),
            _ => {}
        }
    }
    Ok(form)
}
