//! File uploads: their life, attaching them, and reading the bytes back.
use serde_json::{Value, json};

use crate::bench::{Answer, Bench, NEW, OLD};

const MEBIBYTE: usize = 1024 * 1024;

/// A form as clients send it: the number of the part may stand before or after the file.
fn form(bytes: &[u8], name: &str, kind: &str, number: Option<&str>, first: bool) -> Vec<u8> {
    let number = number.map(|number| {
        format!("--XX\r\nContent-Disposition: form-data; name=\"part_number\"\r\n\r\n{number}\r\n")
    });
    let number = number.unwrap_or_default();
    let mut out = Vec::new();
    if first {
        out.extend_from_slice(number.as_bytes());
    }
    out.extend_from_slice(
        format!(
            "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             Content-Type: {kind}\r\n\r\n"
        )
        .as_bytes(),
    );
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
    if !first {
        out.extend_from_slice(number.as_bytes());
    }
    out.extend_from_slice(b"--XX--\r\n");
    out
}

pub(crate) async fn send_as(bench: &Bench, token: &str, id: &str, body: Vec<u8>) -> Answer {
    let bearer = format!("Bearer {token}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("notion-version", NEW),
        ("content-type", "multipart/form-data; boundary=XX"),
        ("host", "box.example:3001"),
    ];
    bench.raw("POST", &format!("/v1/file_uploads/{id}/send"), &headers, body).await
}

/// The form of a recording.
pub(crate) fn audio() -> Vec<u8> {
    form(b"hello", "a.mp3", "audio/mpeg", None, true)
}

async fn send(bench: &Bench, id: &str, body: Vec<u8>) -> Answer {
    send_as(bench, &bench.demo.tokens.full, id, body).await
}

async fn begin(bench: &Bench, body: Value) -> Answer {
    bench.call("POST", "/v1/file_uploads", body).await
}

/// A text file that was sent, and is not attached.
pub(crate) async fn uploaded(bench: &Bench, name: &str, kind: &str) -> String {
    let id = begin(bench, json!({"filename": name})).await.ok().id();
    send(bench, &id, form(b"hello", name, kind, None, true)).await.ok();
    id
}

async fn advance(bench: &Bench, seconds: i64) {
    bench.control("POST", "clock", json!({"advance_ms": seconds * 1000})).await.ok();
}

/// What is behind a URL of the sandbox.
async fn read(bench: &Bench, url: &Value) -> (u16, http::HeaderMap, Vec<u8>) {
    let url = url.as_str().unwrap();
    let path = url.splitn(4, '/').nth(3).unwrap();
    bench.bytes(&format!("/{path}")).await
}

#[tokio::test]
async fn a_file_in_one_part_is_sent_attached_and_read() {
    let bench = Bench::new();
    let begun = begin(&bench, Value::Null).await.ok();
    assert_eq!(begun.body["status"], "pending");
    assert_eq!(begun.body["content_length"], Value::Null);
    assert!(begun.body["created_by"]["type"] == "bot", "{}", begun.body);
    let id = begun.id();
    let sent = send(&bench, &id, form(b"hello", "a b.txt", "text/plain", None, true)).await.ok();
    assert_eq!(
        sent.keys(),
        [
            "object",
            "id",
            "created_time",
            "created_by",
            "last_edited_time",
            "expiry_time",
            "in_trash",
            "status",
            "filename",
            "content_type",
            "content_length",
            "request_id"
        ]
    );
    assert_eq!(sent.body["status"], "uploaded");
    assert_eq!(sent.body["filename"], "a b.txt");
    assert_eq!(
        (&sent.body["content_length"], &sent.body["content_type"]),
        (&json!(5), &json!("text/plain"))
    );
    assert!(sent.body["expiry_time"].is_string());

    let page = bench.demo.team_page_id;
    let block = json!({"type": "file", "file": {"type": "file_upload", "file_upload": {"id": id}}});
    let path = format!("/v1/blocks/{page}/children");
    let made = bench.call("PATCH", &path, json!({"children": [block]})).await.ok();
    let file = &made.body["results"][0]["file"];
    assert_eq!((&file["type"], &file["name"]), (&json!("file"), &json!("a b.txt")));
    let (status, headers, bytes) = read(&bench, &file["file"]["url"]).await;
    assert_eq!((status, bytes.as_slice()), (200, b"hello".as_slice()));
    assert_eq!(headers["content-type"], "text/plain");
    assert_eq!(headers["content-disposition"], "inline; filename*=UTF-8''a%20b.txt");

    // Attached, it stays, and can be attached again.
    let path = format!("/v1/file_uploads/{id}");
    assert_eq!(bench.get(&path).await.ok().body["expiry_time"], Value::Null);
    advance(&bench, 2 * 3600).await;
    assert_eq!(bench.get(&path).await.ok().body["status"], "uploaded");
    assert_eq!(read(&bench, &file["file"]["url"]).await.0, 403);
    let cover = json!({"cover": {"type": "file_upload", "file_upload": {"id": id}}});
    let again = bench.call("PATCH", &format!("/v1/pages/{page}"), cover).await.ok();
    assert_eq!(read(&bench, &again.body["cover"]["file"]["url"]).await.0, 200);

    // The file as it was read can be written back, with its old URL.
    let back = json!({"cover": {"type": "file", "file": file["file"]}});
    let back = bench.call("PATCH", &format!("/v1/pages/{page}"), back).await.ok();
    assert_eq!(read(&bench, &back.body["cover"]["file"]["url"]).await.0, 200);
    let mut forged = file["file"].clone();
    forged["url"] = format!("{}0", forged["url"].as_str().unwrap()).into();
    let forged = json!({"cover": {"type": "file", "file": forged}});
    assert_eq!(bench.call("PATCH", &format!("/v1/pages/{page}"), forged).await.status, 400);
}

#[tokio::test]
async fn urls_name_the_host_that_the_client_named() {
    let bench = Bench::new();
    let bearer = format!("Bearer {}", bench.demo.tokens.full);
    let headers =
        [("authorization", bearer.as_str()), ("notion-version", NEW), ("host", "box.example:3001")];
    let body = json!({"mode": "multi_part", "filename": "v.mp4", "number_of_parts": 2});
    let begun = bench.raw("POST", "/v1/file_uploads", &headers, body.to_string()).await.ok();
    let base = format!("http://box.example:3001/v1/file_uploads/{}", begun.id());
    assert_eq!(begun.body["upload_url"], format!("{base}/send"));
    assert_eq!(begun.body["complete_url"], format!("{base}/complete"));
    assert_eq!(begun.body["content_type"], "video/mp4");
}

#[tokio::test]
async fn parts_come_in_any_order_and_are_completed() {
    let bench = Bench::new();
    let body = json!({"mode": "multi_part", "filename": "v.mp4", "number_of_parts": 2});
    let id = begin(&bench, body).await.ok().id();
    let complete = format!("/v1/file_uploads/{id}/complete");
    let part = |bytes: &[u8], number: Option<&str>, first: bool| {
        form(bytes, "v.mp4", "video/mp4", number, first)
    };
    let last = send(&bench, &id, part(b"end", Some("2"), false)).await.ok();
    assert_eq!(last.body["number_of_parts"], json!({"total": 2, "sent": 1}));
    assert_eq!(last.body["status"], "pending");
    assert_eq!(bench.call("POST", &complete, Value::Null).await.status, 400);
    assert_eq!(send(&bench, &id, part(b"short", Some("1"), true)).await.status, 400);
    for bad in [None, Some("0"), Some("3"), Some("x")] {
        let refused = send(&bench, &id, part(b"end", bad, true)).await;
        assert_eq!(refused.status, 400, "{bad:?}");
        assert!(refused.message().contains("body.part_number"), "{}", refused.message());
    }
    let long = vec![7; 5 * MEBIBYTE];
    send(&bench, &id, part(&long, Some("1"), true)).await.ok();
    let done = bench.call("POST", &complete, json!({})).await.ok();
    assert_eq!(done.body["status"], "uploaded");
    assert_eq!(done.body["content_length"], 5 * MEBIBYTE + 3);
    assert_eq!(done.body["number_of_parts"], json!({"total": 2, "sent": 2}));
    assert_eq!(bench.call("POST", &complete, json!({})).await.status, 400);
    assert_eq!(send(&bench, &id, part(b"end", Some("2"), true)).await.status, 400);
}

#[tokio::test]
async fn bad_beginnings_are_refused() {
    let bench = Bench::new();
    for body in [
        json!({"mode": "quick"}),
        json!({"filename": ""}),
        json!({"filename": "é".repeat(451)}),
        json!({"content_type": "text"}),
        json!({"content_type": "text/plain\r\nx: y"}),
        json!({"number_of_parts": 2}),
        json!({"external_url": "https://example.com/a.png"}),
        json!({"mode": "multi_part", "filename": "a.txt"}),
        json!({"mode": "multi_part", "filename": "a.txt", "number_of_parts": 1001}),
        json!({"mode": "multi_part", "filename": "a.txt", "number_of_parts": 1.5}),
        json!({"mode": "multi_part", "number_of_parts": 2}),
        json!({"mode": "external_url"}),
        json!({"mode": "external_url", "external_url": "nowhere"}),
        json!({"colour": "red"}),
    ] {
        let refused = begin(&bench, body.clone()).await;
        assert_eq!(
            (refused.status, &refused.body["code"]),
            (400, &json!("validation_error")),
            "{body}"
        );
    }
    begin(&bench, json!({"filename": "é".repeat(450)})).await.ok();
    let begun = begin(&bench, json!({"filename": "a", "content_type": "image/png"})).await.ok();
    assert_eq!(begun.body["filename"], "a.png");
}

#[tokio::test]
async fn bad_bodies_of_send_are_refused() {
    let bench = Bench::new();
    let id = begin(&bench, json!({"filename": "a.txt"})).await.ok().id();
    let path = format!("/v1/file_uploads/{id}/send");
    let json_body = bench.call("POST", &path, json!({"file": "hello"})).await;
    assert_eq!(json_body.status, 400);
    assert_eq!(json_body.message(), "Content-Type of this request must be multipart/form-data.");
    for body in [b"".to_vec(), b"--XX".to_vec(), b"--XX\r\n\r\n\r\n--XX--\r\n".to_vec()] {
        assert_eq!(send(&bench, &id, body).await.status, 400);
    }
    let other = send(&bench, &id, form(b"x", "a.png", "image/png", None, true)).await;
    assert_eq!(other.status, 400);
    let long = vec![0; 20 * MEBIBYTE + 1];
    assert_eq!(send(&bench, &id, form(&long, "a.txt", "text/plain", None, true)).await.status, 400);
    let reader = &bench.demo.tokens.reader;
    let body = form(b"x", "a.txt", "text/plain", None, true);
    assert_eq!(send_as(&bench, reader, &id, body.clone()).await.status, 403);
    let writer = &bench.demo.tokens.writer;
    assert_eq!(send_as(&bench, writer, &id, body.clone()).await.status, 404);
    send(&bench, &id, body.clone()).await.ok();
    assert_eq!(send(&bench, &id, body).await.status, 400);
}

#[tokio::test]
async fn imports_end_when_the_clock_says_so() {
    let bench = Bench::new();
    bench.control("POST", "clock", json!({"freeze": true})).await.ok();
    let import = async |url: &str| {
        let body = json!({"mode": "external_url", "external_url": url});
        let begun = begin(&bench, body).await.ok();
        assert_eq!(begun.body["status"], "pending");
        assert!(begun.body["upload_url"].is_string());
        begun.id()
    };
    let good = import("https://example.com/pictures/cat.png?size=1").await;
    let mut bad = Vec::new();
    for url in [
        "http://example.com/cat.png",
        "https://localhost/cat.png",
        "https://10.0.0.1/cat.png",
        "https://[::1]/cat.png",
        "https://example.invalid/cat.png",
    ] {
        bad.push(import(url).await);
    }
    advance(&bench, 3).await;
    let done = bench.get(&format!("/v1/file_uploads/{good}")).await.ok().body;
    assert_eq!((&done["status"], &done["filename"]), (&json!("uploaded"), &json!("cat.png")));
    assert_eq!(done["content_type"], "image/png");
    assert_eq!(done["file_import_result"]["type"], "success");
    for id in bad {
        let failed = bench.get(&format!("/v1/file_uploads/{id}")).await.ok().body;
        assert_eq!(failed["status"], "failed");
        assert_eq!(failed["file_import_result"]["type"], "error");
    }
}

#[tokio::test]
async fn what_nobody_attaches_expires() {
    let bench = Bench::new();
    let id = uploaded(&bench, "a.txt", "text/plain").await;
    let pending = begin(&bench, json!({"filename": "b.txt"})).await.ok().id();
    advance(&bench, 3601).await;
    for id in [&id, &pending] {
        let gone = bench.get(&format!("/v1/file_uploads/{id}")).await.ok().body;
        assert_eq!(gone["status"], "expired");
    }
    let body = form(b"x", "b.txt", "text/plain", None, true);
    assert_eq!(send(&bench, &pending, body).await.status, 400);
    let icon = json!({"icon": {"type": "file_upload", "file_upload": {"id": id}}});
    let page = bench.demo.team_page_id;
    assert_eq!(bench.call("PATCH", &format!("/v1/pages/{page}"), icon).await.status, 400);
}

#[tokio::test]
async fn only_own_whole_uploads_are_attached() {
    let bench = Bench::new();
    let pending = begin(&bench, json!({"filename": "b.txt"})).await.ok().id();
    let mine = uploaded(&bench, "a.png", "image/png").await;
    let nobodys = "00000000-0000-4000-8000-000000000000".to_owned();
    let page = bench.demo.team_page_id;
    let source = |id: &str| json!({"type": "file_upload", "file_upload": {"id": id}});
    for id in [&pending, &nobodys] {
        for (method, path, body) in [
            ("PATCH", format!("/v1/pages/{page}"), json!({"icon": source(id)})),
            ("PATCH", format!("/v1/pages/{page}"), json!({"cover": source(id)})),
            (
                "PATCH",
                format!("/v1/blocks/{page}/children"),
                json!({"children": [{"toggle": {"rich_text": [], "children": [{"image": source(id)}]}}]}),
            ),
            (
                "POST",
                "/v1/comments".to_owned(),
                json!({"parent": {"page_id": page}, "rich_text": [{"text": {"content": "x"}}],
                       "attachments": [{"file_upload_id": id}]}),
            ),
            (
                "POST",
                "/v1/pages".to_owned(),
                json!({"parent": {"page_id": page}, "cover": source(id)}),
            ),
        ] {
            let refused = bench.call(method, &path, body).await;
            assert_eq!(refused.status, 400, "{path}");
            assert_eq!(refused.body["code"], "validation_error", "{path}");
        }
    }
    let writer = &bench.demo.tokens.writer;
    let body = json!({"icon": source(&mine)});
    let foreign = bench.with(writer, NEW, "PATCH", &format!("/v1/pages/{page}"), &body).await;
    assert_eq!(foreign.status, 400);

    let attachments = json!([{"file_upload_id": mine}]);
    let comment = json!({"parent": {"page_id": page}, "rich_text": [{"text": {"content": "x"}}],
                         "attachments": attachments});
    let made = bench.call("POST", "/v1/comments", comment).await.ok();
    assert_eq!(made.body["attachments"][0]["category"], "image");
    assert_eq!(read(&bench, &made.body["attachments"][0]["file"]["url"]).await.0, 200);
    let embed = json!({"children": [{"embed": source(&mine)}, {"image": source(&mine)}]});
    let made = bench.call("PATCH", &format!("/v1/blocks/{page}/children"), embed).await.ok();
    assert_eq!(read(&bench, &made.body["results"][0]["embed"]["url"]).await.0, 200);
    assert_eq!(read(&bench, &made.body["results"][1]["image"]["file"]["url"]).await.0, 200);
}

#[tokio::test]
async fn own_uploads_are_listed_by_status_newest_first() {
    let bench = Bench::new();
    let first = uploaded(&bench, "a.txt", "text/plain").await;
    let second = begin(&bench, json!({"filename": "b.txt"})).await.ok().id();
    let ids = |answer: Answer| -> Vec<String> {
        let results = answer.ok().body["results"].as_array().unwrap().clone();
        results.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(bench.get("/v1/file_uploads").await), [second.clone(), first.clone()]);
    assert_eq!(
        ids(bench.get("/v1/file_uploads?status=uploaded").await),
        std::slice::from_ref(&first)
    );
    let page = bench.get("/v1/file_uploads?page_size=1").await.ok();
    assert_eq!(page.body["next_cursor"], json!(first));
    assert_eq!(bench.get("/v1/file_uploads?status=lost").await.status, 400);
    let (token, writer) = (&bench.demo.tokens.full, &bench.demo.tokens.writer);
    let others = bench.with(writer, NEW, "GET", "/v1/file_uploads", &Value::Null).await;
    assert!(ids(others).is_empty());
    let path = format!("/v1/file_uploads/{first}");
    let old = bench.with(token, OLD, "GET", &path, &Value::Null).await.ok();
    assert_eq!(old.body["archived"], false);
}

#[tokio::test]
async fn files_go_with_the_world() {
    let bench = Bench::new();
    let id = uploaded(&bench, "a.png", "image/png").await;
    let page = bench.demo.team_page_id;
    let icon = json!({"icon": {"type": "file_upload", "file_upload": {"id": id}}});
    bench.call("PATCH", &format!("/v1/pages/{page}"), icon).await.ok();
    let state = bench.control("GET", "state", Value::Null).await.ok().body;
    assert_eq!(state["file_uploads"][&id]["parts"]["1"], "aGVsbG8=");
    bench.control("POST", "reset", Value::Null).await.ok();
    assert_eq!(bench.get(&format!("/v1/file_uploads/{id}")).await.status, 404);
    bench.control("PUT", "state", state).await.ok();
    let page = bench.get(&format!("/v1/pages/{page}")).await.ok();
    assert_eq!(read(&bench, &page.body["icon"]["file"]["url"]).await.2, b"hello");
}

#[tokio::test]
async fn values_of_files_and_faces_of_databases_show_uploads() {
    let bench = Bench::new();
    let picture = uploaded(&bench, "a.png", "image/png").await;
    let source = json!({"type": "file_upload", "file_upload": {"id": picture}});
    let (database, table) = (bench.demo.database_id, bench.demo.data_source_id);
    let table_path = format!("/v1/data_sources/{table}");
    bench.call("PATCH", &table_path, json!({"properties": {"Proof": {"files": {}}}})).await.ok();
    let mut named = source.clone();
    named["name"] = "proof.png".into();
    let row = json!({
        "parent": {"data_source_id": table},
        "properties": {"Proof": {"files": [named, source]}},
    });
    let made = bench.call("POST", "/v1/pages", row).await.ok();
    let files = &made.body["properties"]["Proof"]["files"];
    assert_eq!((&files[0]["name"], &files[1]["name"]), (&json!("proof.png"), &json!("a.png")));
    for index in [0, 1] {
        assert_eq!(files[index]["type"], "file");
        assert_eq!(read(&bench, &files[index]["file"]["url"]).await.2, b"hello");
    }
    // As they were read, they can be written back.
    let path = format!("/v1/pages/{}", made.id());
    let again =
        bench.call("PATCH", &path, json!({"properties": {"Proof": {"files": files}}})).await;
    let again = &again.ok().body["properties"]["Proof"]["files"];
    assert_eq!(again.as_array().unwrap().len(), 2);
    assert_eq!(read(&bench, &again[0]["file"]["url"]).await.0, 200);
    for path in [format!("/v1/databases/{database}"), table_path] {
        let faces = json!({"icon": source, "cover": source});
        let shown = bench.call("PATCH", &path, faces).await.ok().body;
        for face in ["icon", "cover"] {
            assert_eq!(
                read(&bench, &shown[face]["file"]["url"]).await.2,
                b"hello",
                "{path} {face}"
            );
        }
    }
    let body = json!({
        "parent": {"type": "page_id", "page_id": bench.demo.team_page_id},
        "icon": source,
        "initial_data_source": {"properties": {"Name": {"title": {}}}},
    });
    let made = bench.call("POST", "/v1/databases", body).await.ok().body;
    assert_eq!(read(&bench, &made["icon"]["file"]["url"]).await.0, 200);
}

#[tokio::test]
async fn a_refused_file_leaves_no_other_change_behind() {
    let bench = Bench::new();
    let pending = begin(&bench, json!({"filename": "b.png"})).await.ok().id();
    let whole = uploaded(&bench, "a.png", "image/png").await;
    let source = |id: &str| json!({"type": "file_upload", "file_upload": {"id": id}});
    let token = &bench.demo.tokens.full;
    let database = format!("/v1/databases/{}", bench.demo.database_id);
    let table = format!("/v1/data_sources/{}", bench.demo.data_source_id);
    for (version, path) in [(NEW, &table), (OLD, &database)] {
        let before = bench.with(token, version, "GET", path, &Value::Null).await.ok().body;
        let new = json!({"Left behind": {"number": {}}});
        let refused = json!({"icon": source(&pending), "properties": new});
        assert_eq!(bench.with(token, version, "PATCH", path, &refused).await.status, 400);
        // Nor does a refused schema leave a file attached.
        let refused = json!({"icon": source(&whole), "properties": {"Bad": {"number": 7}}});
        assert_eq!(bench.with(token, version, "PATCH", path, &refused).await.status, 400);
        let after = bench.with(token, version, "GET", path, &Value::Null).await.ok().body;
        assert_eq!(after["properties"], before["properties"]);
        assert_eq!(after["icon"], before["icon"]);
    }
    let upload = bench.get(&format!("/v1/file_uploads/{whole}")).await.ok();
    assert!(upload.body["expiry_time"].is_string());
}
