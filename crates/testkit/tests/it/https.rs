//! Over https only, where the operator says so.

use testkit::Kit;
use web::Site;

#[tokio::test]
async fn what_came_in_clear_is_refused_and_health_is_told() {
    let site = Site { require_tls: true, ..Site::default() };
    let kit = Kit::start_at(site, |_| {}).await;
    let bearer = format!("Bearer {}", kit.admin);
    let ask = async |path: &str, forwarded: Option<&str>| {
        let mut headers =
            vec![("authorization", bearer.as_str()), ("notion-version", "2025-09-03")];
        headers.extend(forwarded.map(|scheme| ("x-forwarded-proto", scheme)));
        kit.raw("GET", path, &headers, None).await
    };
    for clear in [None, Some("http"), Some("https, http"), Some("")] {
        for path in ["/api/v1/keys", "/metrics", "/nothing", "/healthy"] {
            let reply = ask(path, clear).await;
            assert_eq!(reply.status, 400, "{path} {clear:?}");
            let problem = reply.json();
            assert_eq!(problem["code"], "https_required");
            assert!(problem["detail"].as_str().unwrap().contains("X-Forwarded-Proto: https"));
        }
        let reply = ask("/v1/users/me", clear).await;
        assert_eq!((reply.status, &reply.json()["object"]), (400, &"error".into()), "{clear:?}");
        for path in ["/health", "/health/live", "/health/ready"] {
            assert_eq!(ask(path, clear).await.status, 200, "{path} {clear:?}");
        }
    }
    assert!(kit.calls().await.is_empty(), "Notion was asked");
    for path in ["/api/v1/keys", "/v1/users/me"] {
        assert_eq!(ask(path, Some("https")).await.status, 200, "{path}");
    }
    kit.finish().await;
}
