//! Calls that share connections: each is judged by what it shows itself, never by what came before it on
//! the same connection.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use testkit::Kit;
use tokio::net::TcpStream;
use tokio::sync::watch;
use web::{App, Limits};

use crate::authorization::{Client, answer, pair};
use crate::browser::Browser;

/// How many calls there are, and over how many connections.
const CALLS: usize = 10_000;
const CONNECTIONS: usize = 8;

/// A connection that stays open.
async fn connect<B>(address: &str) -> SendRequest<B>
where
    B: hyper::body::Body<Data = Bytes, Error = std::convert::Infallible> + Send + 'static,
{
    let socket = TcpStream::connect(address).await.unwrap();
    socket.set_nodelay(true).unwrap();
    let (sender, connection) = handshake(TokioIo::new(socket)).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn read(answer: Response<Incoming>) -> (u16, Value) {
    let (head, body) = answer.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    (head.status.as_u16(), serde_json::from_slice(&bytes).unwrap_or_default())
}

/// Somebody who calls, and what is whose.
#[derive(Clone, Debug)]
struct Caller {
    tenant: &'static str,
    headers: Vec<(&'static str, String)>,
    bot: String,
    page: String,
}

/// A workspace in the sandbox: its token, its bot, a page.
async fn workspace(kit: &Kit, name: &str) -> (String, String, String) {
    let made = kit.add_workspace(name).await;
    let token = made["tokens"]["full"].as_str().unwrap().to_owned();
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("notion-version", testkit::VERSION)];
    let url = format!("{}/v1/users/me", kit.sandbox.url());
    let bot = testkit::send("GET", &url, &headers, Bytes::new()).await.json()["id"].clone();
    let page = made["demo"]["team_page_id"].as_str().unwrap().to_owned();
    (token, bot.as_str().unwrap().to_owned(), page)
}

/// A tenant with a workspace: its callers with a key, with an access token, and with a token of Notion of
/// their own.
async fn tenant(kit: &Kit, name: &'static str) -> (String, Vec<Caller>) {
    let body = json!({ "name": name });
    let made = kit.as_operator("POST", "/api/v1/tenants", None, Some(&body)).await;
    let admin = made.json()["key"].as_str().unwrap().to_owned();
    let on = json!({ "token_passthrough": true });
    assert_eq!(kit.patch(&admin, "/api/v1/tenant", &on).await.status, 200);
    let (token, bot, page) = workspace(kit, name).await;
    let connected = kit.post(&admin, "/api/v1/workspaces", &json!({ "token": token })).await;
    assert_eq!(connected.status, 201, "{}", connected.text());
    let body = json!({ "name": "agent", "role": "viewer" });
    let key = kit.post(&admin, "/api/v1/keys", &body).await.json()["key"].clone();

    let client = Client::new(kit).await;
    let mut browser = Browser::new(kit);
    browser.sign_in(&admin).await;
    let approved = client.approve(&browser, &[("role", "viewer")]).await;
    let code = answer(&approved, "code").unwrap();
    let (access, _) = pair(&client.token(client.exchange(&code, &[])).await);

    let (guest, guest_bot, guest_page) = workspace(kit, &format!("guest of {name}")).await;
    let bearer = |shown: &str| ("authorization", format!("Bearer {shown}"));
    let key = key.as_str().unwrap();
    let own = |headers| Caller { tenant: name, headers, bot: bot.clone(), page: page.clone() };
    let callers = vec![
        own(vec![bearer(key)]),
        own(vec![bearer(&access)]),
        Caller {
            tenant: name,
            headers: vec![bearer(key), ("notion-token", guest)],
            bot: guest_bot,
            page: guest_page,
        },
    ];
    (admin, callers)
}

/// A call of a tool, in either era. `id` is that of the message.
fn message(
    host: &str,
    headers: &[(&'static str, String)],
    id: usize,
    tool: &str,
    given: &Value,
    modern: bool,
) -> Request<Full<Bytes>> {
    let mut params = json!({ "name": tool, "arguments": given });
    let mut request = Request::post("/mcp/official")
        .header("host", host)
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream");
    if modern {
        let version = "2026-07-28";
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": version,
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let named = [("protocol-version", version), ("method", "tools/call"), ("name", tool)];
        for (name, value) in named {
            request = request.header(format!("mcp-{name}"), value);
        }
    }
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let body = json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params });
    request.body(Full::new(Bytes::from(body.to_string()))).unwrap()
}

/// One connection's share of the calls: everybody's in turn, as chance has it. Gives how many reached
/// the gate's ledger for each tenant.
async fn share(
    address: String,
    host: String,
    callers: Vec<Caller>,
    first: usize,
) -> BTreeMap<&'static str, usize> {
    let mut chance = fastrand::Rng::with_seed(first as u64);
    let mut connection = connect(&address).await;
    let mut made = BTreeMap::new();
    for id in first..first + CALLS / CONNECTIONS {
        let caller = &callers[chance.usize(..callers.len())];
        let other = &callers[chance.usize(..callers.len())];
        let kind = chance.usize(..10);
        let (tool, given) = match kind {
            0..4 => ("API-retrieve-a-page", json!({ "page_id": caller.page })),
            4..7 => ("API-retrieve-a-page", json!({ "page_id": other.page })),
            _ => ("API-get-self", json!({})),
        };
        let mut headers = caller.headers.clone();
        // What selects somebody elsewhere selects nobody here.
        headers.push(("mcp-session-id", other.bot.clone()));
        match kind {
            8 => headers.retain(|(name, _)| *name != "authorization"),
            9 => headers.push(("authorization", other.headers[0].1.clone())),
            _ => {}
        }
        let request = message(&host, &headers, id, tool, &given, chance.bool());
        let (status, told) = read(connection.send_request(request).await.unwrap()).await;
        assert_eq!(told["id"], json!(id), "{told}");
        if kind >= 8 {
            assert_eq!(status, 401, "nobody, or two at once: {told}");
            continue;
        }
        assert_eq!(status, 200, "{told}");
        *made.entry(caller.tenant).or_default() += 1;
        let result = &told["result"];
        let text: Value =
            serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
        let is_error = result["isError"] == true;
        match kind {
            4..7 if other.page != caller.page => {
                assert!(is_error && text["code"] == "object_not_found", "{text}");
            }
            0..7 => assert_eq!((is_error, &text["id"]), (false, &json!(caller.page)), "{text}"),
            _ => assert_eq!((is_error, &text["id"]), (false, &json!(caller.bot)), "{text}"),
        }
    }
    assert!(!connection.is_closed(), "all of it went over one connection");
    made
}

/// How many of the calls that are made here a tenant's ledger has.
async fn recorded(kit: &Kit, admin: &str) -> usize {
    // What is on its way arrives.
    kit.entries(1).await;
    let (mut recorded, mut cursor) = (0, String::new());
    loop {
        let list = kit.get(admin, &format!("/api/v1/audit?limit=1000{cursor}")).await.json();
        let entries = list["items"].as_array().unwrap_or_else(|| panic!("{list}")).iter();
        let calls = entries.map(|entry| entry["operation"].as_str().unwrap_or_default());
        recorded += calls.filter(|it| ["retrieve-a-page", "get-self"].contains(it)).count();
        let Some(next) = list["next_cursor"].as_str() else { return recorded };
        cursor = format!("&cursor={next}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mt_05_ten_thousand_calls_of_two_tenants_on_shared_connections_never_mix() {
    let kit = Kit::start().await;
    let (aurora, mut callers) = tenant(&kit, "aurora").await;
    let (borealis, others) = tenant(&kit, "borealis").await;
    callers.extend(others);
    // A second door of the same gate, which takes tokens of Notion. Access tokens are for the first one's
    // address, so that is what it is called by.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let settings = mcp::Settings { passthrough: true, ..mcp::Settings::default() };
    let mcp = Some(testkit::mcp_door(&kit.gate, settings));
    let router = web::router(App { mcp, ..App::new(kit.gate.clone()) });
    let (stop, stopped) = watch::channel(false);
    let door = tokio::spawn(web::serve_tcp(listener, router, Limits::default(), stopped));

    let before = (recorded(&kit, &aurora).await, recorded(&kit, &borealis).await);
    let host = kit.url.strip_prefix("http://").unwrap().to_owned();
    let shares = (0..CONNECTIONS).map(|number| {
        let first = number * (CALLS / CONNECTIONS);
        tokio::spawn(share(address.clone(), host.clone(), callers.clone(), first))
    });
    let mut made = BTreeMap::<_, usize>::new();
    for share in futures_util::future::join_all(shares).await {
        for (tenant, calls) in share.unwrap() {
            *made.entry(tenant).or_default() += calls;
        }
    }
    stop.send(true).unwrap();
    door.await.unwrap().unwrap();
    // Each tenant's ledger has its own calls, all of them and no others.
    for (name, admin, before) in [("aurora", aurora, before.0), ("borealis", borealis, before.1)] {
        assert_eq!(recorded(&kit, &admin).await - before, made[name], "{name}");
    }
    kit.finish().await;
}

#[tokio::test]
async fn a_refusal_leaves_the_connection_usable_when_the_body_comes_later() {
    let kit = Kit::start().await;
    let address = kit.url.strip_prefix("http://").unwrap();
    let mut connection = connect(address).await;
    for round in 0..3 {
        for (path, size) in [("/mcp", 100), ("/v1/search", 100), ("/oauth/token", 3_000_000)] {
            // The head alone is enough for a refusal; hardly anybody waits for it before the body.
            let (body, rest) = tokio::sync::mpsc::channel(1);
            let rest = futures_util::stream::unfold(rest, async |mut rest| {
                let part: Bytes = rest.recv().await?;
                Some((Ok(Frame::data(part)), rest))
            });
            let request = Request::post(path)
                .header("host", address)
                .header("content-type", "application/json")
                .header("content-length", size)
                .body(StreamBody::new(Box::pin(rest)))
                .unwrap();
            connection.ready().await.unwrap_or_else(|error| panic!("{path}, {round}: {error}"));
            let answer = tokio::spawn(connection.send_request(request));
            tokio::time::sleep(Duration::from_millis(30)).await;
            body.send(Bytes::from(vec![b' '; size])).await.unwrap();
            drop(body);
            let (status, _) = read(answer.await.unwrap().unwrap()).await;
            assert!(matches!(status, 400 | 401), "{path}: {status}");
        }
    }
    kit.finish().await;
}

#[tokio::test]
async fn a_refusal_at_the_mcp_door_bears_the_id_of_the_message() {
    let kit = Kit::start().await;
    let address = kit.url.strip_prefix("http://").unwrap();
    let mut connection = connect(address).await;
    for headers in [vec![], vec![("authorization", "Bearer ngk_wrong".to_owned())]] {
        for modern in [true, false] {
            let request = message(address, &headers, 17, "API-get-self", &json!({}), modern);
            let (status, told) = read(connection.send_request(request).await.unwrap()).await;
            assert_eq!((status, &told["id"]), (401, &json!(17)), "{told}");
        }
    }
    kit.finish().await;
}
