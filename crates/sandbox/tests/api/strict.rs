//! All of the demo workspace, in every version that has strict schemas: the bench judges each
//! answer, so asking is enough.

use http::Method;
use referee::schemas::{Verdict, judge};
use serde_json::{Value, json};

use crate::bench::{Bench, MID, NEW, OLD};

#[tokio::test]
async fn answers_fit_the_strict_schemas() {
    let bench = Bench::new();
    let nothing = judge(&Method::GET, "/v1/users/me", NEW, 200, &json!({}));
    if let Verdict::Unknown(why) = nothing {
        println!("skipped: {why} (../shared/notion/schemas)");
        return;
    }
    assert!(matches!(nothing, Verdict::Broken(_)), "the judge lets everything pass");
    for version in [OLD, MID, NEW] {
        let token = &bench.demo.tokens.full;
        let get = async |path: String| {
            bench.with(token, version, "GET", &path, &Value::Null).await.ok().body
        };
        let post = async |path: String| {
            bench.with(token, version, "POST", &path, &json!({})).await.ok().body
        };
        let search = post("/v1/search".to_owned()).await;
        get("/v1/users".to_owned()).await;
        get("/v1/users/me".to_owned()).await;
        let (page, database) = (bench.demo.team_page_id, bench.demo.database_id);
        get(format!("/v1/pages/{page}")).await;
        get(format!("/v1/blocks/{page}")).await;
        get(format!("/v1/databases/{database}")).await;
        let rows = if version == OLD {
            post(format!("/v1/databases/{database}/query")).await
        } else {
            let source = bench.demo.data_source_id;
            get(format!("/v1/data_sources/{source}")).await;
            post(format!("/v1/data_sources/{source}/query")).await
        };
        let row = &rows["results"][24];
        for value in row["properties"].as_object().unwrap().values() {
            let (row, property) = (row["id"].as_str().unwrap(), value["id"].as_str().unwrap());
            get(format!("/v1/pages/{row}/properties/{property}")).await;
        }
        let pages = search["results"].as_array().unwrap().iter();
        let pages: Vec<&Value> = pages.filter(|page| page["object"] == "page").collect();
        assert!(pages.len() > 30, "{}", pages.len());
        for page in pages.into_iter().take(40) {
            let id = page["id"].as_str().unwrap();
            get(format!("/v1/blocks/{id}/children")).await;
            get(format!("/v1/comments?block_id={id}")).await;
        }
    }
}
