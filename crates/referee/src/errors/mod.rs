//! The catalogue of errors: what Notion is known to answer, each with how well it is known.
//!
//! [`run`] puts every case of [`cases`] to a sandbox and says what came back. Facts and evidence:
//! recordings, texts that users quoted, Notion's documentation.

mod cases;

use std::fmt;

use serde_json::{Value, json};

pub use cases::cases;

/// How well an answer is known.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Evidence {
    /// An exchange with the real Notion was recorded.
    Recorded,
    /// Somebody quoted the server's own words.
    Observed,
    /// Notion's documentation says so.
    Documented,
    /// Nobody knows: the sandbox's own wording.
    Own,
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Recorded => "recorded",
            Self::Observed => "observed",
            Self::Documented => "documented",
            Self::Own => "own wording",
        })
    }
}

/// Whose token a case shows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Token {
    /// May do everything with all that is shared.
    Full,
    /// May read content, and nothing else.
    ReadsContent,
    /// May do everything, but nothing is shared with it.
    SeesNothing,
    /// Nobody's.
    Unknown,
    /// A header in another form.
    NotBearer,
    /// No header at all.
    None,
}

/// What the cases are about: ids of the demo workspace and of what [`run`] adds to it.
#[derive(Clone, Debug)]
pub struct Names {
    /// A page that is shared.
    pub page: String,
    /// A table under it, and its database.
    pub data_source: String,
    /// The database of the table.
    pub database: String,
    /// A database with two data sources.
    pub several: String,
    /// The two.
    pub several_sources: [String; 2],
    /// A database on the page that shows a table of another one.
    pub linked: String,
    /// A paragraph on the page.
    pub block: String,
    /// A divider on the page.
    pub divider: String,
    /// A page in the trash.
    pub trashed: String,
    /// A block on the page in the trash.
    pub in_trashed: String,
    /// An id that nothing has.
    pub nobody: String,
    /// The bot of the token that sees nothing.
    pub stranger_bot: String,
    /// The bot of the token that may do everything.
    pub bot: String,
}

/// One request and the refusal that belongs to it.
#[derive(Clone, Debug)]
pub struct Case {
    /// How well it is known.
    pub evidence: Evidence,
    /// The `Notion-Version`; empty sends none.
    pub version: &'static str,
    /// Whose token.
    pub token: Token,
    /// The HTTP method.
    pub method: &'static str,
    /// Path and query.
    pub path: String,
    /// The body as it is sent; empty sends none.
    pub body: String,
    /// The status of the answer.
    pub status: u16,
    /// Its `code`.
    pub code: &'static str,
    /// Its `message`, the whole of it.
    pub message: String,
    /// Its `additional_data`; `Null` when it has none.
    pub additional_data: Value,
}

/// What a case came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The case.
    pub case: Case,
    /// What was answered, if it was something else.
    pub instead: Option<String>,
}

/// Where a sandbox with the demo workspace is.
#[derive(Clone, Debug)]
pub struct Demo {
    /// A token that may do everything.
    pub token: String,
    /// A page that is shared.
    pub page: String,
    /// A table under it.
    pub data_source: String,
    /// The database of the table.
    pub database: String,
}

/// Puts every case to a sandbox. `ask` sends a request (method, path, headers, body) and gives
/// status and JSON of the answer.
///
/// # Errors
///
/// What had to be prepared was refused: the answer.
pub async fn run<F>(ask: F, demo: &Demo) -> Result<Vec<Outcome>, String>
where
    F: AsyncFn(&str, &str, Vec<(String, String)>, String) -> (u16, Value),
{
    let (names, tokens) = prepare(&ask, demo).await?;
    let mut outcomes = Vec::new();
    for case in cases(&names) {
        let mut headers = Vec::new();
        let token = match case.token {
            Token::Full => Some(format!("Bearer {}", demo.token)),
            Token::ReadsContent => Some(format!("Bearer {}", tokens.reads_content)),
            Token::SeesNothing => Some(format!("Bearer {}", tokens.sees_nothing)),
            Token::Unknown => Some("Bearer ntn_sandboxNobody".to_owned()),
            Token::NotBearer => Some("Token abc".to_owned()),
            Token::None => None,
        };
        headers.extend(token.map(|token| ("authorization".to_owned(), token)));
        if !case.version.is_empty() {
            headers.push(("notion-version".to_owned(), case.version.to_owned()));
        }
        let (status, body) = ask(case.method, &case.path, headers, case.body.clone()).await;
        let fits = status == case.status
            && body["code"] == case.code
            && body["message"] == case.message.as_str()
            && body.get("additional_data").unwrap_or(&Value::Null) == &case.additional_data;
        let instead = (!fits).then(|| format!("{status} {body}"));
        outcomes.push(Outcome { case, instead });
    }
    Ok(outcomes)
}

struct Tokens {
    reads_content: String,
    sees_nothing: String,
}

/// Adds to the demo what the cases need.
async fn prepare<F>(ask: &F, demo: &Demo) -> Result<(Names, Tokens), String>
where
    F: AsyncFn(&str, &str, Vec<(String, String)>, String) -> (u16, Value),
{
    let headers = || {
        vec![
            ("authorization".to_owned(), format!("Bearer {}", demo.token)),
            ("notion-version".to_owned(), "2026-03-11".to_owned()),
        ]
    };
    let call = async |method: &str, path: &str, body: Value| {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        match ask(method, path, headers(), text).await {
            (200, answer) => Ok(answer),
            (status, answer) => Err(format!("{method} {path}: {status} {answer}")),
        }
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let connection = |name: &str, capabilities: &[&str], shared: &[&str]| json!({"name": name, "capabilities": capabilities, "shared": shared});

    let rich = json!([{"text": {"content": "a"}}]);
    let children = format!("/v1/blocks/{}/children", demo.page);
    let body = json!({"children": [{"paragraph": {"rich_text": rich}}, {"divider": {}}]});
    let added = call("PATCH", &children, body).await?;
    let body = json!({
        "parent": {"page_id": demo.page},
        "properties": {"title": {"title": rich}},
        "children": [{"paragraph": {"rich_text": rich}}],
    });
    let trashed = text(&call("POST", "/v1/pages", body).await?["id"]);
    let inside = call("GET", &format!("/v1/blocks/{trashed}/children"), Value::Null).await?;
    call("PATCH", &format!("/v1/pages/{trashed}"), json!({"in_trash": true})).await?;
    let body = json!({"parent": {"type": "page_id", "page_id": demo.page}});
    let several = call("POST", "/v1/databases", body).await?;
    let body =
        json!({"parent": {"database_id": several["id"]}, "properties": {"Name": {"title": {}}}});
    let second = call("POST", "/v1/data_sources", body).await?;
    let body = json!({
        "data_source_id": demo.data_source,
        "name": "Elsewhere",
        "type": "table",
        "create_database": {"parent": {"type": "page_id", "page_id": demo.page}},
    });
    let linked = call("POST", "/v1/views", body).await?;
    let reads = call(
        "POST",
        "/_sandbox/tokens",
        connection("Reader of content", &["read_content"], &[&demo.page]),
    )
    .await?;
    let all = [
        "read_content",
        "update_content",
        "insert_content",
        "read_comments",
        "insert_comments",
        "read_users_with_email",
    ];
    let blind = call("POST", "/_sandbox/tokens", connection("Stranger", &all, &[])).await?;
    let me = call("GET", "/v1/users/me", Value::Null).await?;
    let names = Names {
        page: demo.page.clone(),
        data_source: demo.data_source.clone(),
        database: demo.database.clone(),
        several: text(&several["id"]),
        several_sources: [text(&several["data_sources"][0]["id"]), text(&second["id"])],
        linked: text(&linked["parent"]["database_id"]),
        block: text(&added["results"][0]["id"]),
        divider: text(&added["results"][1]["id"]),
        trashed,
        in_trashed: text(&inside["results"][0]["id"]),
        nobody: "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d".to_owned(),
        stranger_bot: text(&blind["bot_id"]),
        bot: text(&me["id"]),
    };
    let tokens =
        Tokens { reads_content: text(&reads["token"]), sees_nothing: text(&blind["token"]) };
    Ok((names, tokens))
}
