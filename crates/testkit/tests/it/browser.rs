//! A browser as far as the gate can tell: it keeps its cookie, and says where its forms stood.

use testkit::{Kit, Reply};

pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

/// A browser: it keeps the cookie, and says where its forms stood.
pub(crate) struct Browser<'a> {
    pub(crate) kit: &'a Kit,
    pub(crate) origin: String,
    pub(crate) cookie: Option<String>,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(kit: &'a Kit) -> Self {
        Self { kit, origin: kit.url.clone(), cookie: None }
    }

    pub(crate) async fn signed_in(kit: &'a Kit) -> Self {
        let mut browser = Self::new(kit);
        let reply = browser.sign_in(&kit.admin).await;
        assert_eq!((reply.status, reply.header("location")), (303, Some("/dashboard")));
        browser
    }

    pub(crate) async fn sign_in(&mut self, key: &str) -> Reply {
        let reply = self.post("/dashboard/sign-in", &format!("key={key}")).await;
        if let Some(line) = reply.header("set-cookie") {
            self.cookie = line.split(';').next().map(str::to_owned);
        }
        reply
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        let cookie = self.cookie.iter().map(|cookie| ("cookie", cookie.as_str()));
        self.kit.raw("GET", path, &cookie.collect::<Vec<_>>(), None).await
    }

    /// Sends a form as it is.
    pub(crate) async fn post(&self, path: &str, body: &str) -> Reply {
        let mut headers = vec![("content-type", FORM), ("origin", self.origin.as_str())];
        headers.extend(self.cookie.iter().map(|cookie| ("cookie", cookie.as_str())));
        self.kit.raw("POST", path, &headers, Some(body.to_owned())).await
    }

    /// The token that this session's forms carry.
    pub(crate) async fn token(&self) -> String {
        let page = self.get("/dashboard/activity").await.text();
        let rest = page.split_once("name=\"form_token\" value=\"").expect("a form").1;
        rest.split('"').next().expect("its end").to_owned()
    }

    /// Sends a form of this session; `fields` as `&name=value`.
    pub(crate) async fn submit(&self, path: &str, fields: &str) -> Reply {
        let body = format!("form_token={}{fields}", self.token().await);
        self.post(path, &body).await
    }

    pub(crate) async fn sign_in_wrongly(&self) -> Reply {
        self.post("/dashboard/sign-in", "key=nonsense").await
    }

    pub(crate) async fn is_signed_in(&self) -> bool {
        self.get("/dashboard/activity").await.status == 200
    }
}
