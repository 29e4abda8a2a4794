//! `/api/v1/pages` (also `/api/pages`): the few things that a script does with pages, with advice in
//! the errors.

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use gate::{Answer, AnswerBody, Call, CallBody};
use http::{Method, StatusCode};
use http_body_util::{BodyExt, Limited};
use notion::catalogue::find;
use notion::{ApiError, Id, Version};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::App;
use crate::caller::{Caller, JsonBody, PathParam};
use crate::problem::Problem;
use crate::routes::{DELETE, READ, Routes, WRITE, get, post};

/// The largest page object that is read.
const ANSWER_MAX: usize = 8 * 1024 * 1024;

pub(super) fn routes() -> Routes {
    let mut routes = Routes::new();
    for base in ["/api/v1/pages", "/api/pages"] {
        routes = routes
            .route(base, post(WRITE, create))
            .route(&format!("{base}/{{id}}"), get(READ, retrieve).delete(DELETE, trash));
    }
    routes
}

/// A new page.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewPage {
    /// Where: an id or URL of a page, or a parent object as Notion writes it.
    #[serde(alias = "parent_id")]
    parent: Value,
    /// Its title.
    #[serde(default)]
    title: Option<String>,
    /// Its content as markdown.
    #[serde(default)]
    markdown: Option<String>,
    /// Its content as Notion's blocks.
    #[serde(default)]
    children: Option<Value>,
    /// Its properties, as Notion writes them.
    #[serde(default)]
    properties: Option<Map<String, Value>>,
    /// Its icon, as Notion writes it.
    #[serde(default)]
    icon: Option<Value>,
}

impl NewPage {
    /// The body that Notion takes.
    fn into_notion(self) -> Result<Value, Problem> {
        let parent = match self.parent {
            Value::String(text) => {
                let id = Id::from_pasted(&text).ok_or_else(|| {
                    let detail = "`parent` is neither an id nor a URL of Notion";
                    Problem::new(StatusCode::BAD_REQUEST, "validation_error", detail)
                })?;
                json!({ "page_id": id })
            }
            other => other,
        };
        let mut properties = self.properties.unwrap_or_default();
        if let Some(title) = self.title {
            properties
                .insert("title".into(), json!({ "title": [{ "text": { "content": title } }] }));
        }
        let mut body = Map::from_iter([
            ("parent".to_owned(), parent),
            ("properties".to_owned(), Value::Object(properties)),
        ]);
        let rest = [
            ("markdown", self.markdown.map(Value::String)),
            ("children", self.children),
            ("icon", self.icon),
        ];
        for (name, value) in rest {
            value.map(|value| body.insert(name.to_owned(), value));
        }
        Ok(Value::Object(body))
    }
}

async fn retrieve(
    State(app): State<App>,
    caller: Caller,
    PathParam(id): PathParam,
) -> Result<Response, Problem> {
    let path = format!("/v1/pages/{}", page_id(&id)?);
    call(&app, &caller, Method::GET, &path, None, StatusCode::OK).await
}

async fn create(
    State(app): State<App>,
    caller: Caller,
    body: Result<JsonBody<NewPage>, Problem>,
) -> Result<Response, Problem> {
    // Who may not write at all is told so, whatever the body looks like.
    let body = match body {
        Ok(JsonBody(page)) => page.into_notion()?,
        Err(_) if !caller.principal.role.grants(model::role::Permission::Write) => json!({}),
        Err(problem) => return Err(problem),
    };
    call(&app, &caller, Method::POST, "/v1/pages", Some(body), StatusCode::CREATED).await
}

async fn trash(
    State(app): State<App>,
    caller: Caller,
    PathParam(id): PathParam,
) -> Result<Response, Problem> {
    let path = format!("/v1/pages/{}", page_id(&id)?);
    let body = json!({ "in_trash": true });
    call(&app, &caller, Method::PATCH, &path, Some(body), StatusCode::OK).await
}

fn page_id(text: &str) -> Result<Id, Problem> {
    Id::from_pasted(text).ok_or_else(|| {
        let detail = "The id in the path is neither an id nor a URL of Notion";
        Problem::new(StatusCode::BAD_REQUEST, "validation_error", detail)
    })
}

/// One call through the gate; a success gets the status `good`, an error becomes a problem.
async fn call(
    app: &App,
    caller: &Caller,
    method: Method,
    path: &str,
    body: Option<Value>,
    good: StatusCode,
) -> Result<Response, Problem> {
    let body = body.map_or_else(bytes::Bytes::new, |body| body.to_string().into());
    let call = Call {
        found: find(&method, path),
        query: None,
        version: Some(Version::LATEST.as_str()),
        body: CallBody::Whole(body),
        request_id: caller.request_id.as_str(),
        origin: None,
    };
    let Answer { status, headers, body } = app.gate.call(&caller.principal, call).await?;
    let bytes = match body {
        AnswerBody::Whole(bytes) => bytes,
        AnswerBody::Stream(stream) => Limited::new(stream, ANSWER_MAX)
            .collect()
            .await
            .map_err(|error| gate::Error::Answer(error.to_string()))?
            .to_bytes(),
    };
    if !status.is_success() {
        let text = || format!("Notion answered {}", status.as_u16());
        let error = ApiError::parse(status.as_u16(), &bytes)
            .unwrap_or_else(|| ApiError::new(status.as_u16(), "notion_error", text()));
        return Err(Problem::of_notion(&error));
    }
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = good;
    *response.headers_mut() = headers;
    Ok(response)
}
