//! Step 7, act: the one request to Notion, or as many as a list takes that is filtered here.

use bytes::Bytes;
use notion::client::{Request, RequestBody};
use policy::Permit;
use serde_json::json;

use super::body::Upload;
use super::{Acted, Underway};
use crate::error::Error;
use crate::{Gate, listing};

impl Gate {
    /// Asks Notion, and gives the answer as the caller sees it. The body is moved out of the call.
    pub(super) async fn act(
        &self,
        call: &mut Underway<'_>,
        upload: Option<Upload>,
        permit: Permit,
    ) -> Result<Acted, Error> {
        let json = call.body.take();
        let call = &*call;
        let operation = call.operation();
        let path_and_query = call.path_and_query();
        if let Some(relation) = &call.stand_ins.related {
            let asked = call.asked(&path_and_query, &[]);
            return self.list_related(&call.looking, &asked, relation, call.query.as_deref()).await;
        }
        let sight = self.sight(call.principal);
        if let Some(acted) = Box::pin(self.kept_result(call)).await? {
            return Ok(acted);
        }
        if operation.name == "create-view-query"
            && let Some((_, view)) = call.object()
            && let Some(part) = Box::pin(self.part_of_view(&call.looking, view)).await?
        {
            return self.in_time(Box::pin(self.run_view(call, permit, json, part))).await;
        }
        if !sight.is_everything() {
            if operation.name == "query-meeting-notes" && !sight.is_every_object() {
                let asked = call.asked(&path_and_query, &[]);
                let json = json.unwrap_or_else(|| json!({}));
                return self.list_meetings(&call.looking, asked, permit, json).await;
            }
            let texts = call.stand_ins.texts.as_slice();
            let relations = call.stand_ins.relations.as_slice();
            let decides = !texts.is_empty() || !relations.is_empty();
            if listing::is_filtered(operation, &sight) || decides {
                let (found, query) = (&call.found, call.query.as_deref());
                let version = call.version;
                let list = listing::Listing {
                    found,
                    query,
                    version,
                    body: json,
                    texts,
                    relations,
                    template: call.stand_ins.template.as_deref(),
                };
                return self.list(call.principal, permit, list, call.request_id).await;
            }
        }
        let mut said = Bytes::new();
        let body = match (json, upload) {
            (Some(json), _) => {
                said = json.to_string().into();
                RequestBody::Json(said.clone())
            }
            (None, Some(Upload(content_type, stream))) => RequestBody::Stream(content_type, stream),
            (None, None) => RequestBody::Empty,
        };
        let request = Request {
            method: operation.verb.into(),
            path_and_query: path_and_query.clone(),
            version: call.version.as_str(),
            body,
            repeatable: operation.repeatable(),
        };
        let response = self.send(permit, request).await?;
        self.view(call.asked(&path_and_query, &said), response, &call.looking).await
    }
}
