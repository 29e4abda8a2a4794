//! Templates of data sources: people make them in the app; the API can only use them.

use http::Method;
use serde_json::{Value, json};

use super::{Answer, human, id, node};
use crate::app::Inner;
use crate::world::node::Parent;

/// `POST templates` `{data_source_id, page_id | name, markdown?, is_default?}`: makes a page of the
/// data source a template, or a new one of that name. Answers `{id}`.
pub(super) fn create(inner: &mut Inner, body: &Value) -> Answer {
    let source = node(inner, id(body, "data_source_id")?)?;
    if inner.world.source(source).is_none() {
        return Err((400, format!("{source} is no data source")));
    }
    let is_default = match body.get("is_default") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(is_default)) => *is_default,
        Some(_) => return Err((400, "`is_default` must be true or false".to_owned())),
    };
    let page = if body.get("page_id").is_some() {
        node(inner, id(body, "page_id")?)?
    } else {
        let name = body["name"].as_str().filter(|name| !name.is_empty());
        let name = name.ok_or((
            400,
            "give `page_id` (a page of the data source) or `name` (of a new one)".to_owned(),
        ))?;
        let mut request = json!({
            "parent": {"data_source_id": source},
            "properties": {"title": {"title": [{"text": {"content": name}}]}},
        });
        if let Some(markdown) = body["markdown"].as_str() {
            request["markdown"] = markdown.into();
        }
        let made = human::act(
            inner,
            &json!({"method": Method::POST.as_str(), "path": "/v1/pages", "body": request}),
        )?;
        if made.0 != 200 {
            return Err((made.0, made.1["message"].as_str().unwrap_or_default().to_owned()));
        }
        id(&made.1, "id")?
    };
    let is_row = inner.world.node(page).is_some_and(|node| node.parent == Parent::Node(source));
    let template = inner.world.nodes.get_mut(&page).and_then(|node| node.page_mut());
    let Some(template) = template.filter(|_| is_row) else {
        return Err((400, format!("{page} is no page of the data source {source}")));
    };
    template.is_template = true;
    if is_default
        && let Some(source) = inner.world.nodes.get_mut(&source).and_then(|node| node.source_mut())
    {
        source.default_template = Some(page);
    }
    Ok((200, json!({"id": page})))
}
