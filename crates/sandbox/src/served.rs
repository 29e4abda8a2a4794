//! Serves uploaded files, as the storage behind Notion does: whoever has the URL reads, for an hour.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use notion::Id;

use crate::app::App;
use crate::pipeline::Incoming;
use crate::render::file_upload::{FILES, may_read};
use crate::world::file_upload::Status;
use crate::world::property::encode;

/// Answers a request for a file; `None` when it is for something else.
pub(crate) fn answer(app: &App, incoming: &Incoming) -> Option<Response> {
    let rest = incoming.path.strip_prefix(FILES)?;
    if incoming.method != Method::GET && incoming.method != Method::HEAD {
        return Some(refuse(StatusCode::METHOD_NOT_ALLOWED, "files are read with GET"));
    }
    let inner = app.lock();
    let world = &inner.world;
    let id = rest.split('/').next().and_then(Id::parse);
    let Some(id) = id.filter(|id| may_read(world, *id, &incoming.query)) else {
        let text = "this URL has expired, or was never given: read the object again for a new one";
        return Some(refuse(StatusCode::FORBIDDEN, text));
    };
    let found = world.file_uploads.get(&id).filter(|it| it.status == Status::Uploaded);
    let Some(upload) = found else {
        return Some(refuse(StatusCode::NOT_FOUND, "this file is no longer there"));
    };
    let mut response = Response::new(Body::from(upload.bytes()));
    let kind = upload.content_type.as_deref().unwrap_or("application/octet-stream");
    let name = format!("inline; filename*=UTF-8''{}", encode(upload.name()));
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_DISPOSITION, &name),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // A page among the files must not act as this server.
        (header::CONTENT_SECURITY_POLICY, "sandbox"),
    ];
    for (header, value) in headers {
        put(&mut response, header, value);
    }
    Some(response)
}

fn put(response: &mut Response, header: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(header, value);
    }
}

fn refuse(status: StatusCode, error: &str) -> Response {
    let mut response = Response::new(Body::from(serde_json::json!({"error": error}).to_string()));
    *response.status_mut() = status;
    put(&mut response, header::CONTENT_TYPE, "application/json; charset=utf-8");
    response
}
