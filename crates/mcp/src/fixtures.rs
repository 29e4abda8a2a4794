//! For tests only: the tools, prompts and resources that the conformance suite asks a server to have,
//! behind the same front and the same protocol settings as the product's own. What they must do is said
//! in the suite's scenarios; everything here is made of the JSON that stands there.

use std::sync::Arc;
use std::time::Duration;

use gate::Gate;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ClientCapabilities,
    CompleteRequestParams, CompleteResult, DiscoverResult, ErrorCode, ErrorData,
    GetPromptRequestParams, GetPromptResponse, GetPromptResult, InputRequests, InputRequiredResult,
    InputResponses, JsonObject, ListPromptsResult, ListResourceTemplatesResult,
    ListResourcesResult, ListToolsResult, PaginatedRequestParams, ProgressNotificationParam,
    ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult, ServerCapabilities,
    ServerConfig, SubscriptionFilter,
};
use rmcp::service::{RequestContext, SubscriptionContext};
use rmcp::{RoleServer, ServerHandler};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::broadcast;

use crate::Door;
use crate::server::{Server, is_modern};
use crate::settings::Settings;

/// A 1×1 PNG.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";
/// An empty WAV.
const WAV: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=";
/// What a state must end with that this server gave out.
const SEAL: &str = ".sealed-by-this-server";

/// The server with the fixtures.
#[derive(Clone, Debug)]
pub struct Fixtures {
    server: Server,
    changes: broadcast::Sender<Change>,
}

/// What subscribers are told.
#[derive(Clone, Copy, Debug)]
enum Change {
    Tools,
    Prompts,
}

impl Door<Fixtures> {
    /// A door that offers the fixtures instead of Notion.
    pub fn with_fixtures(gate: Gate, settings: Settings) -> Self {
        let settings = Arc::new(settings);
        let server = Server::new(gate.clone(), settings.clone());
        let fixtures = Fixtures { server, changes: broadcast::channel(16).0 };
        Self::of(gate, settings, fixtures)
    }
}

/// JSON as one of the protocol's types.
fn made<T: DeserializeOwned>(value: Value) -> Result<T, ErrorData> {
    serde_json::from_value(value)
        .map_err(|error| ErrorData::internal_error(format!("a bad fixture: {error}"), None))
}

fn complete(content: Value) -> Result<CallToolResponse, ErrorData> {
    made::<CallToolResult>(json!({ "resultType": "complete", "content": content })).map(Into::into)
}

fn text(text: &str) -> Result<CallToolResponse, ErrorData> {
    complete(json!([{ "type": "text", "text": text }]))
}

fn wanted(requests: Value, state: Option<&str>) -> Result<InputRequiredResult, ErrorData> {
    let requests: InputRequests = made(requests)?;
    Ok(InputRequiredResult::new(Some(requests), state.map(|state| format!("{state}{SEAL}"))))
}

fn ask(message: &str, name: &str, kind: &str) -> Value {
    json!({ "method": "elicitation/create", "params": {
        "mode": "form",
        "message": message,
        "requestedSchema": {
            "type": "object", "properties": { name: { "type": kind } }, "required": [name],
        },
    } })
}

fn sample(text: &str) -> Value {
    json!({ "method": "sampling/createMessage", "params": {
        "messages": [{ "role": "user", "content": { "type": "text", "text": text } }],
        "maxTokens": 100,
    } })
}

fn roots() -> Value {
    json!({ "method": "roots/list", "params": {} })
}

/// What the client answered under a key, if it is an answer at all.
fn answer<'a>(responses: &'a Option<InputResponses>, key: &str) -> Option<&'a Value> {
    responses.as_ref()?.get(key).filter(|it| it.is_object())
}

fn tool(name: &str) -> Value {
    json!({
        "name": name, "description": format!("Fixture {name}"),
        "inputSchema": { "type": "object", "properties": {} },
    })
}

const TOOLS: [&str; 19] = [
    "test_simple_text",
    "test_image_content",
    "test_audio_content",
    "test_embedded_resource",
    "test_multiple_content_types",
    "test_tool_with_logging",
    "test_error_handling",
    "test_tool_with_progress",
    "test_missing_capability",
    "test_logging_tool",
    "test_streaming_elicitation",
    "test_input_required_result_elicitation",
    "test_input_required_result_sampling",
    "test_input_required_result_list_roots",
    "test_input_required_result_request_state",
    "test_input_required_result_multiple_inputs",
    "test_input_required_result_multi_round",
    "test_input_required_result_tampered_state",
    "test_input_required_result_capabilities",
];

/// The tool of the scenario about JSON Schema 2020-12, as it stands there.
fn schema_tool() -> Value {
    json!({
        "name": "json_schema_2020_12_tool",
        "description": "Tool with JSON Schema 2020-12 features",
        "inputSchema": {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "$defs": { "address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": { "street": { "type": "string" }, "city": { "type": "string" } },
            } },
            "properties": {
                "name": { "type": "string" },
                "address": { "$ref": "#/$defs/address" },
                "contactMethod": { "type": "string", "enum": ["phone", "email"] },
                "phone": { "type": "string" },
                "email": { "type": "string" },
            },
            "allOf": [{ "anyOf": [{ "required": ["phone"] }, { "required": ["email"] }] }],
            "if": { "properties": { "contactMethod": { "const": "phone" } }, "required": ["contactMethod"] },
            "then": { "required": ["phone"] },
            "else": { "required": ["email"] },
            "additionalProperties": false,
        },
    })
}

fn prompts() -> Value {
    let argument = |name: &str| json!({ "name": name, "description": name, "required": true });
    json!([
        { "name": "test_simple_prompt", "description": "A simple prompt" },
        { "name": "test_prompt_with_arguments", "description": "A prompt with arguments",
          "arguments": [argument("arg1"), argument("arg2")] },
        { "name": "test_prompt_with_embedded_resource", "description": "A prompt with a resource",
          "arguments": [argument("resourceUri")] },
        { "name": "test_prompt_with_image", "description": "A prompt with an image" },
        { "name": "test_input_required_result_prompt", "description": "A prompt that asks" },
    ])
}

impl Fixtures {
    async fn run(
        &self,
        request: CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let image = json!({ "type": "image", "data": PNG, "mimeType": "image/png" });
        match &*request.name {
            "test_simple_text" => text("This is a simple text response for testing."),
            "test_image_content" => complete(json!([image])),
            "test_audio_content" => {
                complete(json!([{ "type": "audio", "data": WAV, "mimeType": "audio/wav" }]))
            }
            "test_embedded_resource" => complete(json!([{ "type": "resource", "resource": {
                "uri": "test://embedded-resource", "mimeType": "text/plain",
                "text": "This is an embedded resource content.",
            } }])),
            "test_multiple_content_types" => complete(json!([
                { "type": "text", "text": "Multiple content types test:" },
                image,
                { "type": "resource", "resource": {
                    "uri": "test://mixed-content-resource", "mimeType": "application/json",
                    "text": "{\"test\":\"data\",\"value\":123}",
                } },
            ])),
            "test_error_handling" => {
                let mut result: CallToolResult = made(json!({
                    "resultType": "complete",
                    "content": [{ "type": "text", "text": "This tool intentionally returns an error for testing" }],
                }))?;
                result.is_error = Some(true);
                Ok(result.into())
            }
            "test_tool_with_progress" => progress(context).await,
            "test_tool_with_logging" | "test_logging_tool" => log(context).await,
            "test_missing_capability" => {
                let sampling = context
                    .client_capabilities()
                    .is_some_and(|declared| declared.sampling.is_some());
                if sampling {
                    return text("The client can sample.");
                }
                let required: ClientCapabilities = made(json!({ "sampling": {} }))?;
                Err(ErrorData::missing_required_client_capability(required))
            }
            "test_trigger_tool_change" => {
                let _ = self.changes.send(Change::Tools);
                text("The tools changed.")
            }
            "test_trigger_prompt_change" => {
                let _ = self.changes.send(Change::Prompts);
                text("The prompts changed.")
            }
            name if name.starts_with("test_input_required_result_")
                || name == "test_streaming_elicitation" =>
            {
                rounds(name, &request, context)
            }
            name => Err(ErrorData::invalid_params(format!("Unknown tool: `{name}`"), None)),
        }
    }
}

/// The tools that ask something before they answer.
fn rounds(
    name: &str,
    request: &CallToolRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<CallToolResponse, ErrorData> {
    let responses = &request.input_responses;
    let state = request.request_state.as_deref();
    if state.is_some_and(|state| !state.ends_with(SEAL)) {
        return Err(ErrorData::invalid_params("requestState was changed on its way", None));
    }
    let name_of = |key: &str| answer(responses, key).map(|it| it["content"]["name"].to_string());
    Ok(match name {
        "test_input_required_result_elicitation" | "test_streaming_elicitation" => {
            match name_of("user_name") {
                Some(name) => return text(&format!("Hello, {name}!")),
                None => {
                    let question = ask("What is your name?", "name", "string");
                    wanted(json!({ "user_name": question }), None)?.into()
                }
            }
        }
        "test_input_required_result_sampling" => match answer(responses, "capital_question") {
            Some(it) => return text(it["content"]["text"].as_str().unwrap_or("no text")),
            None => {
                let question = sample("What is the capital of France?");
                wanted(json!({ "capital_question": question }), None)?.into()
            }
        },
        "test_input_required_result_list_roots" => match answer(responses, "client_roots") {
            Some(it) => return text(&format!("Roots: {}", it["roots"])),
            None => wanted(json!({ "client_roots": roots() }), None)?.into(),
        },
        "test_input_required_result_request_state"
        | "test_input_required_result_tampered_state" => {
            if answer(responses, "confirm").is_some() && state.is_some() {
                return text("state-ok");
            }
            wanted(json!({ "confirm": ask("Please confirm", "ok", "boolean") }), Some("s"))?.into()
        }
        "test_input_required_result_multiple_inputs" => {
            let keys = ["user_name", "greeting", "client_roots"];
            if keys.iter().all(|key| answer(responses, key).is_some()) {
                return text("All three came.");
            }
            let questions = json!({
                "user_name": ask("What is your name?", "name", "string"),
                "greeting": sample("Generate a greeting"),
                "client_roots": roots(),
            });
            wanted(questions, Some("s"))?.into()
        }
        "test_input_required_result_multi_round" => {
            let round = state.and_then(|state| state.chars().next());
            match round {
                Some('2') if answer(responses, "step2").is_some() => return text("Done."),
                Some('1' | '2') if answer(responses, "step1").is_some() || round == Some('2') => {
                    let question = ask("Step 2: What is your favorite color?", "color", "string");
                    wanted(json!({ "step2": question }), Some("2"))?.into()
                }
                _ => {
                    let question = ask("Step 1: What is your name?", "name", "string");
                    wanted(json!({ "step1": question }), Some("1"))?.into()
                }
            }
        }
        _ => {
            let declared = context.client_capabilities().unwrap_or_default();
            let mut questions = JsonObject::new();
            if declared.sampling.is_some() {
                questions.insert("greeting".to_owned(), sample("Generate a greeting"));
            }
            if declared.elicitation.is_some() {
                let question = ask("What is your name?", "name", "string");
                questions.insert("user_name".to_owned(), question);
            }
            if questions.is_empty() || responses.is_some() {
                return text("Nothing more to ask.");
            }
            wanted(Value::Object(questions), None)?.into()
        }
    })
}

async fn progress(context: &RequestContext<RoleServer>) -> Result<CallToolResponse, ErrorData> {
    for done in [0.0, 50.0, 100.0] {
        if let Some(token) = context.meta.get_progress_token() {
            let news = ProgressNotificationParam::new(token, done).with_total(100.0);
            let _ = context.peer.notify_progress(news).await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    text("Made progress.")
}

#[expect(deprecated, reason = "the suite still asks for logging")]
async fn log(context: &RequestContext<RoleServer>) -> Result<CallToolResponse, ErrorData> {
    use rmcp::model::{LoggingLevel, LoggingMessageNotificationParam};
    let modern = is_modern(context);
    // In the current protocol only who asks for it gets any.
    let wanted = !modern || context.meta.log_level().is_some();
    for line in ["Tool execution started", "Tool processing data", "Tool execution completed"] {
        if wanted {
            let entry = LoggingMessageNotificationParam::new(LoggingLevel::Info, json!(line));
            let _ = context.peer.notify_logging_message(entry).await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    text("Logged.")
}

#[expect(deprecated, reason = "the suite still asks for logging and old subscriptions")]
impl ServerHandler for Fixtures {
    fn get_info(&self) -> ServerConfig {
        let mut info = self.server.get_info();
        info.capabilities = ServerCapabilities::builder()
            .enable_completions()
            .enable_logging()
            .enable_prompts()
            .enable_prompts_list_changed()
            .enable_resources()
            .enable_resources_subscribe()
            .enable_tools()
            .enable_tool_list_changed()
            .build();
        info
    }

    async fn discover(
        &self,
        context: RequestContext<RoleServer>,
    ) -> Result<DiscoverResult, ErrorData> {
        let mut result = self.server.discover(context).await?;
        result.capabilities = self.get_info().capabilities;
        Ok(result)
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let mut result = self.server.list_tools(request, context).await?;
        let mut tools: Vec<Value> = TOOLS.iter().map(|name| tool(name)).collect();
        tools.extend(["test_trigger_tool_change", "test_trigger_prompt_change"].map(tool));
        tools.push(schema_tool());
        result.tools = made(Value::Array(tools))?;
        Ok(result)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        self.run(request, &context).await
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Ok(ListPromptsResult::with_all_items(made(prompts())?))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let arguments = request.arguments.unwrap_or_default();
        let given = |name: &str| arguments.get(name).and_then(Value::as_str).unwrap_or_default();
        let user = |content: Value| json!({ "role": "user", "content": content });
        let words = |text: &str| user(json!({ "type": "text", "text": text }));
        let messages = match request.name.as_str() {
            "test_simple_prompt" => vec![words("This is a simple prompt for testing.")],
            "test_prompt_with_arguments" => vec![words(&format!(
                "Prompt with arguments: arg1='{}', arg2='{}'",
                given("arg1"),
                given("arg2")
            ))],
            "test_prompt_with_embedded_resource" => vec![
                user(json!({ "type": "resource", "resource": {
                    "uri": given("resourceUri"), "mimeType": "text/plain",
                    "text": "Embedded resource content for testing.",
                } })),
                words("Please process the embedded resource above."),
            ],
            "test_prompt_with_image" => vec![
                user(json!({ "type": "image", "data": PNG, "mimeType": "image/png" })),
                words("Please analyze the image above."),
            ],
            "test_input_required_result_prompt" => {
                match answer(&request.input_responses, "user_context") {
                    Some(it) => vec![words(&format!("Context: {}", it["content"]["context"]))],
                    None => {
                        let question =
                            ask("What context should the prompt use?", "context", "string");
                        return Ok(wanted(json!({ "user_context": question }), None)?.into());
                    }
                }
            }
            _ => return Err(ErrorData::invalid_params("Unknown prompt", None)),
        };
        let result = json!({ "resultType": "complete", "messages": messages });
        made::<GetPromptResult>(result).map(Into::into)
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let resource = |name: &str, kind: &str| {
            json!({
                "uri": format!("test://{name}"), "name": name, "description": name, "mimeType": kind,
            })
        };
        Ok(ListResourcesResult::with_all_items(made(json!([
            resource("static-text", "text/plain"),
            resource("static-binary", "image/png"),
            resource("watched-resource", "text/plain"),
        ]))?))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(ListResourceTemplatesResult::with_all_items(made(json!([{
            "uriTemplate": "test://template/{id}/data", "name": "template",
            "description": "A template", "mimeType": "application/json",
        }]))?))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let uri = &request.uri;
        let id = uri.strip_prefix("test://template/").and_then(|it| it.strip_suffix("/data"));
        let contents = match (uri.as_str(), id) {
            ("test://static-text", _) => json!({
                "uri": uri, "mimeType": "text/plain",
                "text": "This is the content of the static text resource.",
            }),
            ("test://static-binary", _) => {
                json!({ "uri": uri, "mimeType": "image/png", "blob": PNG })
            }
            ("test://watched-resource", _) => {
                json!({ "uri": uri, "mimeType": "text/plain", "text": "Watched." })
            }
            (_, Some(id)) => {
                let data = json!({
                    "id": id, "templateTest": true, "data": format!("Data for ID: {id}"),
                });
                json!({ "uri": uri, "mimeType": "application/json", "text": data.to_string() })
            }
            _ => {
                let data = json!({ "uri": uri });
                return Err(ErrorData::new(
                    ErrorCode::RESOURCE_NOT_FOUND,
                    "Resource not found",
                    Some(data),
                ));
            }
        };
        let result = json!({ "resultType": "complete", "contents": [contents] });
        made::<ReadResourceResult>(result).map(Into::into)
    }

    async fn complete(
        &self,
        _: CompleteRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        Ok(CompleteResult::default())
    }

    async fn set_level(
        &self,
        _: rmcp::model::SetLevelRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let modern = is_modern(&context);
        let gone = || ErrorData::new(ErrorCode::METHOD_NOT_FOUND, "logging/setLevel", None);
        if modern { Err(gone()) } else { Ok(()) }
    }

    async fn subscribe(
        &self,
        _: rmcp::model::SubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn unsubscribe(
        &self,
        _: rmcp::model::UnsubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        Ok(())
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        Some(requested.clone())
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let mut changes = self.changes.subscribe();
        loop {
            let change = tokio::select! {
                change = changes.recv() => change,
                () = context.cancelled() => return Ok(()),
            };
            let sink = context.sink();
            let told = match change {
                Ok(Change::Tools) => sink.notify_tool_list_changed().await,
                Ok(Change::Prompts) => sink.notify_prompt_list_changed().await,
                Err(_) => return Ok(()),
            };
            if told.is_err() && context.request_context().ct.is_cancelled() {
                return Ok(());
            }
        }
    }
}
