//! The table of routes. A route is declared with the permission that it needs, and there is no other way
//! to make one: what is not declared does not compile, and what is declared is enforced here, before the
//! handler runs.
//!
//! Calls to Notion are judged where they are made (`gate::Gate::call`), by the operation catalogue: who
//! may do them depends on what stands in the body, too.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::handler::Handler;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use http::Method;
use model::role::Permission;
use notion::catalogue::OPERATIONS;

use crate::caller::{Caller, RequestId, identify_at_api};
use crate::dashboard::{self, sign_in};
use crate::problem::Problem;
use crate::session::{Visitor, of_browser};
use crate::{App, openapi};

/// What a caller must have to use a route.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Needs {
    /// Nothing. What it tells is nobody's secret.
    Open,
    /// A proof of its own kind: Notion's signature.
    Signature,
    /// An admin, or somebody in front of the machine that the gate runs on (see `install.rs`).
    Installer,
    /// A key that works, or a session: it is about the caller's own things.
    Own,
    /// The permission. Read, write and delete are calls to Notion, and judged there.
    Role(Permission),
    /// The permission to manage, or a key that may make narrower ones.
    Delegate,
    /// An admin, or a key of an auditor.
    Audit,
    /// Access to the data directory.
    Operator,
}

pub(crate) const OPEN: Needs = Needs::Open;
pub(crate) const SIGNATURE: Needs = Needs::Signature;
pub(crate) const INSTALLER: Needs = Needs::Installer;
pub(crate) const OWN: Needs = Needs::Own;
pub(crate) const READ: Needs = Needs::Role(Permission::Read);
pub(crate) const WRITE: Needs = Needs::Role(Permission::Write);
pub(crate) const DELETE: Needs = Needs::Role(Permission::Delete);
pub(crate) const MANAGE: Needs = Needs::Role(Permission::Manage);
pub(crate) const DELEGATE: Needs = Needs::Delegate;
pub(crate) const AUDIT: Needs = Needs::Audit;
pub(crate) const OPERATOR: Needs = Needs::Operator;

impl Needs {
    /// The word for it.
    fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Signature => "signature",
            Self::Installer => "installer",
            Self::Own => "own",
            Self::Role(permission) => permission.as_str(),
            Self::Delegate => "delegate",
            Self::Audit => "audit",
            Self::Operator => "operator",
        }
    }
}

/// The methods of one path, each with what it needs.
pub(crate) struct Methods {
    handlers: MethodRouter<App>,
    needs: Vec<(Method, Needs)>,
}

macro_rules! method {
    ($name:ident, $method:expr) => {
        /// One method of a path.
        pub(crate) fn $name<H, T>(needs: Needs, handler: H) -> Methods
        where
            H: Handler<T, App>,
            T: 'static,
        {
            Methods { handlers: axum::routing::$name(handler), needs: vec![($method, needs)] }
        }
    };
}

method!(get, Method::GET);
method!(post, Method::POST);
method!(put, Method::PUT);
method!(delete, Method::DELETE);

/// Every method, where the operation catalogue knows which of them there are.
pub(crate) fn any_operation<H, T>(handler: H) -> Methods
where
    H: Handler<T, App>,
    T: 'static,
{
    Methods { handlers: axum::routing::any(handler), needs: Vec::new() }
}

macro_rules! further {
    ($name:ident, $method:expr) => {
        /// A further method of the path.
        pub(crate) fn $name<H, T>(mut self, needs: Needs, handler: H) -> Self
        where
            H: Handler<T, App>,
            T: 'static,
        {
            self.handlers = self.handlers.$name(handler);
            self.needs.push(($method, needs));
            self
        }
    };
}

impl Methods {
    further!(post, Method::POST);
    further!(patch, Method::PATCH);
    further!(put, Method::PUT);
    further!(delete, Method::DELETE);

    /// Pages of every origin may call it: clients run in browsers, too, and show no cookie.
    pub(crate) fn for_all_origins(mut self) -> Self {
        self.handlers = self.handlers.options(crate::oauth::preflight);
        self
    }

    /// A HEAD must not use up what only a GET shows.
    pub(crate) fn no_head(mut self) -> Self {
        self.handlers = self.handlers.head(crate::problem::no_method);
        self
    }
}

/// Routes, with what they need.
#[derive(Default)]
pub(crate) struct Routes {
    router: Router<App>,
    needs: Vec<(Method, String, Needs)>,
}

impl Routes {
    /// No routes yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A path and its methods.
    pub(crate) fn route(mut self, path: &str, methods: Methods) -> Self {
        self.router = self.router.route(path, methods.handlers);
        let needs = methods.needs.into_iter();
        self.needs.extend(needs.map(|(method, needs)| (method, path.to_owned(), needs)));
        self
    }

    /// These and those.
    pub(crate) fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.needs.extend(other.needs);
        self
    }

    /// Changes the router, where that makes no route.
    pub(crate) fn with(mut self, change: impl FnOnce(Router<App>) -> Router<App>) -> Self {
        self.router = change(self.router);
        self
    }

    /// The router, which lets nobody in who lacks what a route needs.
    pub(crate) fn guarded(self, app: App) -> Router<App> {
        let mut table: HashMap<String, Vec<(Method, Needs)>> = HashMap::new();
        for (method, path, needs) in self.needs {
            table.entry(path).or_default().push((method, needs));
        }
        let guard = Guard { app, table: Arc::new(table) };
        self.router.route_layer(from_fn_with_state(guard, enforce))
    }

    /// What there is, for people.
    fn declared(self) -> Vec<DeclaredRoute> {
        let declared = self.needs.into_iter().map(|(method, path, needs)| DeclaredRoute {
            operation: openapi::operation_id(&method, &path).map(str::to_owned),
            method,
            path,
            permission: needs.as_str(),
        });
        declared.collect()
    }
}

/// A route, and who may use it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DeclaredRoute {
    /// The method.
    pub method: Method,
    /// The path, with its parameters in braces.
    pub path: String,
    /// `open`, `signature`, `installer`, `own`, `read`, `write`, `delete`, `manage`, `delegate`,
    /// `audit` or `operator`.
    pub permission: &'static str,
    /// The name of the operation; pages for people have none.
    pub operation: Option<String>,
}

/// Every route: our own as they are declared, Notion's as the operation catalogue has them.
pub fn declared_routes() -> Vec<DeclaredRoute> {
    let mut all = crate::routes().declared();
    all.extend(OPERATIONS.iter().map(|operation| DeclaredRoute {
        method: operation.verb.into(),
        path: operation.path.to_owned(),
        permission: match operation.auth {
            notion::catalogue::Auth::Bearer => Permission::from(operation.effect).as_str(),
            // OAuth clients and browsers make these at Notion itself; the gate refuses them.
            _ => "refused",
        },
        operation: Some(operation.name.to_owned()),
    }));
    all.sort_by(|a, b| (&a.path, a.method.as_str()).cmp(&(&b.path, b.method.as_str())));
    all
}

/// What stands before every handler.
#[derive(Clone)]
struct Guard {
    app: App,
    table: Arc<HashMap<String, Vec<(Method, Needs)>>>,
}

impl Guard {
    fn needs(&self, path: &str, method: &Method) -> Option<Needs> {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        let methods = self.table.get(path)?;
        methods.iter().find(|(known, _)| known == method).map(|(_, needs)| *needs)
    }
}

async fn enforce(
    State(guard): State<Guard>,
    path: MatchedPath,
    request: Request,
    next: Next,
) -> Response {
    let needs = match guard.needs(path.as_str(), request.method()) {
        // The path has no such method, or the catalogue knows.
        None | Some(Needs::Open | Needs::Signature | Needs::Installer) => {
            return next.run(request).await;
        }
        Some(needs) => needs,
    };
    let (mut parts, body) = request.into_parts();
    let app = &guard.app;
    let request_id = parts.extensions.get::<RequestId>().cloned();
    let request_id = request_id.unwrap_or_else(|| RequestId::of(&parts.headers, app));
    let is_page = path.as_str().starts_with("/dashboard");
    let judge = async |principal| {
        let operation = openapi::operation_id(&parts.method, path.as_str());
        let route = format!("{} {}", parts.method, path.as_str());
        let request_id = request_id.as_str();
        let (gate, name) = (&app.gate, operation.unwrap_or("open-dashboard"));
        match needs {
            Needs::Role(Permission::Manage) => {
                gate.require_manager(principal, name, &route, request_id).await
            }
            Needs::Delegate => gate.require_steward(principal, name, &route, request_id).await,
            Needs::Audit => gate.require_auditor(principal, name, &route, request_id).await,
            Needs::Operator => gate.require_operator(principal, name, &route, request_id).await,
            _ => Ok(()),
        }
    };
    if is_page {
        let Some(session) = of_browser(app, &parts.headers) else {
            return sign_in::redirect(&parts);
        };
        let visitor = Visitor { session, request_id: request_id.clone() };
        if let Err(error) = judge(visitor.principal()).await {
            return dashboard::failed(app, &visitor, &error);
        }
        parts.extensions.insert(visitor);
    } else {
        let principal = match identify_at_api(&parts, app, &request_id).await {
            Ok(principal) => principal,
            Err(error) => return Problem::of(&error).into_response(),
        };
        if let Err(error) = judge(&principal).await {
            return Problem::of(&error).into_response();
        }
        parts.extensions.insert(Caller { principal, request_id });
    }
    next.run(Request::from_parts(parts, body)).await
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_route_and_who_may_use_it() {
        let lines: Vec<_> = declared_routes()
            .into_iter()
            .map(|it| format!("{:<9} {} {}", it.permission, it.method, it.path))
            .collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn the_openapi_document_has_every_route_but_the_pages() {
        let all = declared_routes();
        let is_page = |it: &&DeclaredRoute| it.path.starts_with("/dashboard");
        let unnamed: BTreeSet<_> = all
            .iter()
            .filter(|it| !is_page(it) && it.operation.is_none())
            .map(|it| it.path.as_str())
            .collect();
        // The same route with a slash at the end.
        assert_eq!(unnamed, BTreeSet::from(["/auth/notion/callback/"]));
        let document = openapi::build();
        let mut documented = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            documented.extend(
                item.as_object()
                    .unwrap()
                    .keys()
                    .map(|method| (method.to_uppercase(), path.clone())),
            );
        }
        let named = all.iter().filter(|it| it.operation.is_some());
        let named: BTreeSet<_> = named.map(|it| (it.method.to_string(), it.path.clone())).collect();
        assert_eq!(named, documented);
    }
}
