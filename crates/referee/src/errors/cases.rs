//! The cases, in the order in which Notion checks: transport, caller, schema, meaning, objects.

use serde_json::{Value, json};

use super::Evidence::{Documented, Observed, Own, Recorded};
use super::{Case, Evidence, Names, Token};

const OLD: &str = "2022-06-28";
const MID: &str = "2025-09-03";
const NEW: &str = "2026-03-11";

/// Collects cases; what most of them share is said once.
struct Table(Vec<Case>);

impl Table {
    /// A `validation_error` that the full token gets.
    fn invalid(
        &mut self,
        evidence: Evidence,
        version: &'static str,
        request: (&'static str, impl Into<String>),
        body: Value,
        message: impl Into<String>,
    ) {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        self.add(evidence, version, Token::Full, request, text, (400, "validation_error"), message);
    }

    #[expect(clippy::too_many_arguments, reason = "a row of a table")]
    fn add(
        &mut self,
        evidence: Evidence,
        version: &'static str,
        token: Token,
        (method, path): (&'static str, impl Into<String>),
        body: impl Into<String>,
        (status, code): (u16, &'static str),
        message: impl Into<String>,
    ) {
        self.0.push(Case {
            evidence,
            version,
            token,
            method,
            path: path.into(),
            body: body.into(),
            status,
            code,
            message: message.into(),
            additional_data: Value::Null,
        });
    }

    /// What the last case carries besides its message.
    fn with(&mut self, data: Value) {
        if let Some(case) = self.0.last_mut() {
            case.additional_data = data;
        }
    }
}

/// Every case.
pub fn cases(names: &Names) -> Vec<Case> {
    let mut table = Table(Vec::new());
    transport(&mut table);
    callers(&mut table, names);
    ids(&mut table, names);
    bodies(&mut table, names);
    blocks(&mut table, names);
    properties(&mut table, names);
    queries(&mut table, names);
    objects(&mut table, names);
    trash(&mut table, names);
    table.0
}

fn transport(table: &mut Table) {
    let route = (400, "invalid_request_url");
    let no_route = "Invalid request URL.";
    let me = "/v1/users/me";
    // An unknown route comes before a bad token; wrong methods are unknown routes.
    table.add(Recorded, NEW, Token::Unknown, ("GET", "/v1/nothing"), "", route, no_route);
    table.add(Recorded, NEW, Token::Unknown, ("PUT", me), "", route, no_route);
    table.add(Recorded, NEW, Token::Full, ("DELETE", "/v1/search"), "", route, no_route);
    let json = (400, "invalid_json");
    let no_json = "Error parsing JSON body.";
    table.add(Recorded, NEW, Token::Unknown, ("POST", "/v1/search"), "{", json, no_json);
    // An endpoint that the version does not have.
    let path = ("GET", "/v1/data_sources/AAA");
    table.add(Observed, OLD, Token::Full, path, "", route, no_route);
    let path = ("POST", "/v1/databases/AAA/query");
    table.add(Own, NEW, Token::Full, path, "", route, no_route);
    let missing = (400, "missing_version");
    let start = "Notion-Version header failed validation: Notion-Version header should be";
    let message = format!("{start} defined, instead was `undefined`.");
    table.add(Observed, "", Token::Full, ("GET", me), "", missing, message);
    let message = format!(
        "{start} `\"2021-05-11\"`, `\"2021-05-13\"`, `\"2021-08-16\"`, `\"2022-02-22\"`, \
         `\"2022-06-28\"`, `\"2025-09-03\"`, or `\"2026-03-11\"`, instead was `\"2020-01-01\"`."
    );
    table.add(Observed, "2020-01-01", Token::Full, ("GET", me), "", missing, message);
    // Bodies of GET requests are validated too.
    table.invalid(
        Observed,
        NEW,
        ("GET", "/v1/users"),
        json!({"start_cursor": "x"}),
        "body failed validation: body.start_cursor should be not present, instead was `\"x\"`.",
    );
}

fn callers(table: &mut Table, names: &Names) {
    let me = ("GET", "/v1/users/me");
    let unauthorized = (401, "unauthorized");
    let form = "Authorization header must use the format \"Bearer <token>\".";
    table.add(Recorded, "", Token::None, me, "", unauthorized, form);
    table.add(Recorded, NEW, Token::NotBearer, me, "", unauthorized, form);
    table.add(Recorded, NEW, Token::Unknown, me, "", unauthorized, "API token is invalid.");
    // The token is looked at before the version.
    table.add(Recorded, "", Token::Unknown, me, "", unauthorized, "API token is invalid.");
    // Capabilities come before ids, and ids before existence.
    let restricted = (403, "restricted_resource");
    let lacks = "Insufficient permissions for this endpoint.";
    for path in ["/v1/users", "/v1/users/AAA", "/v1/comments?block_id=AAA"] {
        table.add(Recorded, NEW, Token::ReadsContent, ("GET", path), "", restricted, lacks);
    }
    let path = format!("/v1/pages/{}", names.page);
    let body = json!({"in_trash": true}).to_string();
    table.add(Recorded, NEW, Token::ReadsContent, ("PATCH", path), body, restricted, lacks);
    let path = format!("/v1/blocks/{}/children", names.page);
    table.add(Recorded, NEW, Token::ReadsContent, ("PATCH", path), "{}", restricted, lacks);
    table.add(
        Recorded,
        NEW,
        Token::ReadsContent,
        ("POST", "/v1/comments"),
        "{}",
        restricted,
        lacks,
    );
    table.add(Recorded, NEW, Token::ReadsContent, ("POST", "/v1/pages"), "{}", restricted, lacks);
}

fn ids(table: &mut Table, names: &Names) {
    for (route, name) in [
        ("pages", "page_id"),
        ("blocks", "block_id"),
        ("databases", "database_id"),
        ("data_sources", "data_source_id"),
        ("users", "user_id"),
    ] {
        let message = format!(
            "path failed validation: path.{name} should be a valid uuid, instead was `\"AAA\"`."
        );
        table.invalid(Recorded, NEW, ("GET", format!("/v1/{route}/AAA")), Value::Null, message);
    }
    // A wrong variant, and a UUID of version 1.
    for id in ["12345678-1234-1234-1234-123456789abc", "f3f2e850-b5d4-11ef-ac7e-96584d5248b2"] {
        for version in [OLD, NEW] {
            let message = format!(
                "path failed validation: path.page_id should be a valid uuid, instead was `\"{id}\"`."
            );
            table.invalid(
                Recorded,
                version,
                ("GET", format!("/v1/pages/{id}")),
                Value::Null,
                message,
            );
        }
    }
    let children = format!("/v1/blocks/{}/children", names.page);
    table.invalid(
        Observed,
        NEW,
        ("GET", format!("{children}?start_cursor=bogus")),
        Value::Null,
        "query failed validation: query.start_cursor should be a valid uuid or `undefined`, \
         instead was `\"bogus\"`.",
    );
    table.invalid(
        Observed,
        NEW,
        ("GET", format!("/v1/comments?block_id={}&page_size=101", names.page)),
        Value::Null,
        "query failed validation: query.page_size should be ≤ `100` or `undefined`, instead was \
         `101`.",
    );
    table.invalid(
        Observed,
        NEW,
        ("POST", "/v1/search"),
        json!({"start_cursor": "made-up"}),
        "The start_cursor provided is invalid: made-up",
    );
}

fn bodies(table: &mut Table, names: &Names) {
    let search = ("POST", "/v1/search");
    let query = format!("/v1/data_sources/{}/query", names.data_source);
    table.invalid(
        Observed,
        NEW,
        search,
        json!({"page_size": "ten"}),
        "body failed validation: body.page_size should be a number or `undefined`, instead was \
         `\"ten\"`.",
    );
    table.invalid(
        Observed,
        NEW,
        search,
        json!({"start_cursor": {}}),
        "body failed validation: body.start_cursor should be a string or `undefined`, instead was \
         `{}`.",
    );
    table.invalid(
        Observed,
        OLD,
        search,
        json!({"filter": {"property": "object", "value": "data_source"}}),
        "body failed validation: body.filter.value should be `\"page\"` or `\"database\"`, instead \
         was `\"data_source\"`.",
    );
    table.invalid(
        Observed,
        NEW,
        search,
        json!({"sort": {"timestamp": "last_edited_time", "direction": "up"}}),
        "body failed validation: body.sort.direction should be `\"ascending\"`, `\"descending\"`, \
         or `undefined`, instead was `\"up\"`.",
    );
    table.invalid(
        Observed,
        NEW,
        ("POST", query),
        json!({"filter_properties": ["ID"]}),
        "body failed validation: body.filter_properties should be not present, instead was \
         `[\"ID\"]`.",
    );
    // The union of parents: the branch with the wrong type says so.
    table.invalid(
        Recorded,
        OLD,
        ("POST", "/v1/pages"),
        json!({"parent": {"page_id": null}, "properties": {}}),
        "body failed validation. Fix one:\n\
         body.parent.database_id should be defined, instead was `undefined`.\n\
         body.parent.page_id should be a string, instead was `null`.",
    );
    table.invalid(
        Observed,
        NEW,
        ("POST", "/v1/pages"),
        json!({
            "parent": {"page_id": names.page},
            "properties": {"title": {"title": [{"text": {"content": "x"}}]}},
            "cover": {"type": "external", "external": {"url": "nonsense"}},
        }),
        "body failed validation: body.cover.external.url should be a valid url.",
    );
}

fn blocks(table: &mut Table, names: &Names) {
    let path = || ("PATCH", format!("/v1/blocks/{}/children", names.page));
    let text = |length: usize| json!({"paragraph": {"rich_text": [{"text": {"content": "x".repeat(length)}}]}});
    table.invalid(
        Recorded,
        NEW,
        path(),
        json!({"children": [{"image": {}}]}),
        "body failed validation: body.children[0].image.external should be defined, instead was \
         `undefined`.",
    );
    for kind in [
        "paragraph",
        "heading_1",
        "heading_2",
        "heading_3",
        "bulleted_list_item",
        "numbered_list_item",
        "to_do",
        "toggle",
        "quote",
        "callout",
    ] {
        let at = format!("body.children[0].{kind}.rich_text[0]");
        table.invalid(
            Recorded,
            NEW,
            path(),
            json!({"children": [{kind: {"rich_text": [{}]}}]}),
            format!(
                "body failed validation. Fix one:\n\
                 {at}.text should be defined, instead was `undefined`.\n\
                 {at}.mention should be defined, instead was `undefined`.\n\
                 {at}.equation should be defined, instead was `undefined`."
            ),
        );
    }
    let at = "body.children[0].table.children[0].table_row.cells[0][0]";
    table.invalid(
        Recorded,
        NEW,
        path(),
        json!({"children": [{"table": {"table_width": 1,
            "children": [{"table_row": {"cells": [[{}]]}}]}}]}),
        format!(
            "body failed validation. Fix one:\n\
             {at}.text should be defined, instead was `undefined`.\n\
             {at}.mention should be defined, instead was `undefined`.\n\
             {at}.equation should be defined, instead was `undefined`."
        ),
    );
    table.invalid(
        Observed,
        NEW,
        path(),
        json!({"children": [text(2001)]}),
        "body failed validation: body.children[0].paragraph.rich_text[0].text.content.length \
         should be ≤ `2000`, instead was `2001`.",
    );
    table.invalid(
        Observed,
        NEW,
        path(),
        json!({"children": vec![text(1); 124]}),
        "body failed validation: body.children.length should be ≤ `100`, instead was `124`.",
    );
    let runs = vec![json!({"text": {"content": "x"}}); 111];
    table.invalid(
        Observed,
        NEW,
        path(),
        json!({"children": [{"paragraph": {"rich_text": runs}}]}),
        "body failed validation: body.children[0].paragraph.rich_text.length should be ≤ `100`, \
         instead was `111`.",
    );
    table.invalid(
        Observed,
        NEW,
        path(),
        json!({"children": "x"}),
        "body failed validation: body.children should be an array, instead was `\"x\"`.",
    );
    table.invalid(
        Observed,
        NEW,
        path(),
        json!({"children": [{"archived": false, "divider": {}}]}),
        "body failed validation: body.children[0].archived should be not present, instead was \
         `false`.",
    );
    table.invalid(
        Observed,
        NEW,
        path(),
        json!({"children": [{"divider": {}}], "after": names.block}),
        format!(
            "body failed validation: body.after should be not present, instead was `\"{}\"`.",
            names.block
        ),
    );
    let item =
        |children: Value| json!({"bulleted_list_item": {"rich_text": [], "children": children}});
    let deep = item(json!([item(json!([item(json!([{"divider": {}}]))]))]));
    table.invalid(
        Observed,
        NEW,
        path(),
        json!({"children": [deep]}),
        "body failed validation: \
         body.children[0].bulleted_list_item.children[0].bulleted_list_item.children[0]\
         .bulleted_list_item.children should be not present, instead was `[{\"divider\":{}}]`.",
    );
    let link = json!({"text": {"content": "x", "link": {"url": "not a url"}}});
    table.invalid(
        Observed,
        NEW,
        path(),
        json!({"children": [{"paragraph": {"rich_text": [link]}}]}),
        "Content creation Failed. Fix the following: \nInvalid URL for link.",
    );
    for id in [&names.database, &names.divider] {
        table.invalid(
            Observed,
            NEW,
            ("PATCH", format!("/v1/blocks/{id}/children")),
            json!({"children": [{"divider": {}}]}),
            "Block does not support children.",
        );
    }
    table.invalid(
        Observed,
        NEW,
        ("PATCH", format!("/v1/blocks/{}", names.block)),
        json!({"heading_1": {"rich_text": []}}),
        "Expected block type paragraph in request body",
    );
}

fn properties(table: &mut Table, names: &Names) {
    let row = |properties: Value| json!({"parent": {"data_source_id": names.data_source}, "properties": properties});
    let pages = ("POST", "/v1/pages");
    table.invalid(
        Observed,
        NEW,
        pages,
        row(json!({"Nope": {"number": 1}, "Nada": {"number": 1}})),
        "Nope is not a property that exists. Nada is not a property that exists.",
    );
    table.invalid(
        Recorded,
        NEW,
        pages,
        row(json!({"Estimate": {"checkbox": true}})),
        "Body Validation Failed. Fix the following:\nInvalid property value for: \"Estimate\".",
    );
    table.invalid(
        Observed,
        OLD,
        pages,
        json!({"parent": {"database_id": names.database},
            "properties": {"Estimate": {"checkbox": true}, "Due": {"url": "x"}}}),
        "Estimate is expected to be number. Due is expected to be date.",
    );
    table.invalid(
        Observed,
        NEW,
        pages,
        row(json!({"Priority": {"select": {"name": "a,b"}}})),
        "Invalid select option, commas not allowed: a,b",
    );
    let schema = || ("PATCH", format!("/v1/data_sources/{}", names.data_source));
    table.invalid(
        Recorded,
        NEW,
        schema(),
        json!({"properties": {"added number property": {"nonsense": {}}}}),
        "added number property is not a valid property schema",
    );
    table.invalid(
        Recorded,
        NEW,
        schema(),
        json!({"properties": {"R": {"relation": {"data_source_id": names.data_source}}}}),
        "body failed validation. Fix one:\n\
         body.properties.R.relation.single_property should be defined, instead was `undefined`.\n\
         body.properties.R.relation.dual_property should be defined, instead was `undefined`.",
    );
}

fn queries(table: &mut Table, names: &Names) {
    let query = || ("POST", format!("/v1/data_sources/{}/query", names.data_source));
    table.invalid(
        Recorded,
        NEW,
        query(),
        json!({"filter": {"property": "Nope", "checkbox": {"equals": true}}}),
        "Could not find property with name or id: Nope",
    );
    table.invalid(
        Observed,
        NEW,
        query(),
        json!({"sorts": [{"property": "Nope", "direction": "ascending"}]}),
        "Could not find sort property with name or id: Nope",
    );
    table.invalid(
        Observed,
        NEW,
        query(),
        json!({"filter": {"property": "Estimate", "checkbox": {"equals": true}}}),
        "The property type in the database does not match the property type of the filter \
         provided: database property number does not match filter checkbox",
    );
}

fn objects(table: &mut Table, names: &Names) {
    let missing = (404, "object_not_found");
    let shared = "Make sure the relevant pages and databases are shared with your integration";
    for (route, kind) in [
        ("pages", "page"),
        ("blocks", "block"),
        ("databases", "database"),
        ("data_sources", "data_source"),
    ] {
        let path = format!("/v1/{route}/{}", names.nobody);
        let message =
            format!("Could not find {kind} with ID: {}. {shared} \"Stranger\".", names.nobody);
        table.add(Recorded, NEW, Token::SeesNothing, ("GET", path), "", missing, message);
        table.with(json!({"integration_id": names.stranger_bot}));
    }
    // What is not shared is not there; the id is dashed although the request's was not.
    let path = format!("/v1/pages/{}", names.page.replace('-', ""));
    let message = format!("Could not find page with ID: {}. {shared} \"Stranger\".", names.page);
    table.add(Recorded, MID, Token::SeesNothing, ("GET", path.clone()), "", missing, message);
    table.with(json!({"integration_id": names.stranger_bot}));
    let message = format!("Could not find page with ID: {}. {shared}.", names.page);
    table.add(Recorded, OLD, Token::SeesNothing, ("GET", path), "", missing, message);
    // The nil UUID is an id, which nothing has.
    let nil = "00000000-0000-0000-0000-000000000000";
    let message = format!("Could not find page with ID: {nil}. {shared}.");
    let path = ("GET", format!("/v1/pages/{nil}"));
    table.add(Recorded, OLD, Token::SeesNothing, path, "", missing, message);
    for (version, data) in [(OLD, Value::Null), (NEW, json!({"integration_id": names.bot}))] {
        let message = format!(
            "Could not find user with ID: {}. Make sure your integration has capabilities to read \
             user information. With those capabilities, only members and guests in the \
             integration's workspace are visible.",
            names.nobody
        );
        let path = ("GET", format!("/v1/users/{}", names.nobody));
        table.add(Recorded, version, Token::Full, path, "", missing, message);
        table.with(data);
    }
    let ours = json!({"integration_id": names.bot});
    let message = format!(
        "Could not find discussion with ID: {}. {shared} \"Acme Automations\".",
        names.nobody
    );
    let body = json!({"discussion_id": names.nobody, "rich_text": [{"text": {"content": "x"}}]});
    let path = ("POST", "/v1/comments");
    table.add(Recorded, NEW, Token::Full, path, body.to_string(), missing, message);
    table.with(ours.clone());
    let message =
        format!("Could not find property_item with ID: nope. {shared} \"Acme Automations\".");
    let path = ("GET", format!("/v1/pages/{}/properties/nope", names.page));
    table.add(Recorded, NEW, Token::Full, path, "", missing, message);
    table.with(ours);
    table.invalid(
        Recorded,
        OLD,
        ("GET", format!("/v1/databases/{}", names.linked)),
        Value::Null,
        format!(
            "Database with ID {} does not contain any data sources accessible by this API bot.",
            names.linked
        ),
    );
    let several = "Databases with multiple data sources are not supported in this API version.";
    let path = || format!("/v1/databases/{}", names.several);
    let row = json!({"parent": {"database_id": names.several}, "properties": {}});
    for (request, body) in [
        (("GET", path()), Value::Null),
        (("POST", format!("{}/query", path())), json!({})),
        (("POST", "/v1/pages".to_owned()), row),
    ] {
        table.invalid(Documented, OLD, request, body, several);
        table.with(json!({
            "error_type": "multiple_data_sources_for_database",
            "database_id": names.several,
            "child_data_source_ids": names.several_sources,
            "minimum_api_version": "2025-09-03",
        }));
    }
}

fn trash(table: &mut Table, names: &Names) {
    let archived =
        "Can't edit block that is archived. You must unarchive the block before editing.";
    let ancestor = "Can't edit page on block with an archived ancestor. You must unarchive the \
                    ancestor before editing page.";
    let divider = || json!({"children": [{"divider": {}}]});
    let path = format!("/v1/blocks/{}/children", names.trashed);
    table.invalid(Observed, NEW, ("PATCH", path), divider(), archived);
    let path = format!("/v1/blocks/{}/children", names.in_trashed);
    table.invalid(Observed, NEW, ("PATCH", path), divider(), ancestor);
    let path = format!("/v1/pages/{}", names.trashed);
    let title = json!({"properties": {"title": {"title": [{"text": {"content": "x"}}]}}});
    table.invalid(Observed, NEW, ("PATCH", path), title, archived);
}
