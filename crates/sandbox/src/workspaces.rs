//! The workspaces of a sandbox: one from the start, and those that are added. Each is a world of its
//! own, with its own calls, faults, limits, clock and subscribers; a request belongs to the one whose
//! token, code or file it shows.
//!
//! Apps are registered with Notion and not with a workspace, so the first one's OAuth clients are
//! everybody's.

use std::sync::{Arc, Mutex, PoisonError};

use notion::Id;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::app::App;
use crate::control::Answer;
use crate::oauth;
use crate::pipeline::Incoming;
use crate::render::file_upload::FILES;
use crate::seed;
use crate::server::Options;
use crate::webhooks;
use crate::world::World;
use crate::world::oauth::Neighbour;

/// Most workspaces that can be added.
const ADDED_MAX: usize = 20;
const NAME_MAX: usize = 100;
const ROUTE: &str = "/_sandbox/workspaces";

/// Every workspace.
#[derive(Debug)]
pub(crate) struct Workspaces {
    first: Arc<App>,
    added: Mutex<Added>,
    options: Options,
}

#[derive(Debug, Default)]
struct Added {
    /// With what stops their senders when it is dropped.
    apps: Vec<(Arc<App>, watch::Sender<bool>)>,
    /// How many there ever were: no two of them have the same ids.
    count: u64,
}

impl Workspaces {
    pub(crate) fn new(first: Arc<App>, options: Options) -> Self {
        Self { first, added: Mutex::default(), options }
    }

    pub(crate) fn first(&self) -> &Arc<App> {
        &self.first
    }

    fn added(&self) -> Vec<Arc<App>> {
        let added = self.added.lock().unwrap_or_else(PoisonError::into_inner);
        added.apps.iter().map(|(app, _)| app.clone()).collect()
    }

    /// The workspace that a path names, and the path without the name:
    /// `/_sandbox/workspaces/{id}/calls` is the `/_sandbox/calls` of that workspace.
    pub(crate) fn named(&self, path: &str) -> Option<(Arc<App>, String)> {
        let (id, route) = path.strip_prefix(ROUTE)?.strip_prefix('/')?.split_once('/')?;
        Some((self.find(Id::parse(id)?)?, format!("/_sandbox/{route}")))
    }

    fn find(&self, id: Id) -> Option<Arc<App>> {
        let all = std::iter::once(self.first.clone()).chain(self.added());
        all.into_iter().find(|app| app.lock().world.workspace.id == id)
    }

    /// The workspace that a request belongs to; the first one if it does not say.
    pub(crate) fn of(&self, incoming: &Incoming) -> Arc<App> {
        let added = self.added();
        if added.is_empty() {
            return self.first.clone();
        }
        if oauth::is_near(incoming) {
            self.introduce(&added);
        }
        let concerns = |app: &Arc<App>| concerns(&app.lock().world, incoming);
        added.into_iter().find(concerns).unwrap_or_else(|| self.first.clone())
    }

    /// Tells every workspace of the others, and of the apps that there are.
    fn introduce(&self, added: &[Arc<App>]) {
        let all: Vec<&Arc<App>> = std::iter::once(&self.first).chain(added).collect();
        let names = all.iter().map(|app| {
            let workspace = &app.lock().world.workspace;
            Neighbour { id: workspace.id, name: workspace.name.clone() }
        });
        let names: Vec<Neighbour> = names.collect();
        let clients = self.first.lock().world.oauth.clients.clone();
        for app in added {
            app.lock().world.take_clients(&clients);
        }
        for app in all {
            app.lock().world.neighbours.clone_from(&names);
        }
    }

    /// What was done to the first workspace's clients holds for all; a reset leaves the first alone.
    pub(crate) fn follow(&self, incoming: &Incoming) {
        match incoming.path.trim_end_matches('/') {
            "/_sandbox/reset" => {
                self.added.lock().unwrap_or_else(PoisonError::into_inner).apps.clear();
                self.first.lock().world.neighbours.clear();
            }
            path if path.starts_with("/_sandbox/oauth/clients") => self.introduce(&self.added()),
            _ => {}
        }
    }

    /// Answers `/_sandbox/workspaces` and `/_sandbox/workspaces/{id}`; `None` for other paths.
    pub(crate) fn answer(&self, incoming: &Incoming) -> Option<Answer> {
        let rest = incoming.path.strip_prefix(ROUTE)?.trim_matches('/');
        Some(match (incoming.method.as_str(), rest) {
            ("GET", "") => Ok((200, self.list())),
            ("POST", "") => incoming
                .json()
                .map_err(|_| (400, "the body is not JSON; send a JSON object".to_owned()))
                .and_then(|body| self.add(&body)),
            ("DELETE", id) if !id.is_empty() && !id.contains('/') => self.remove(id),
            _ => Err((404, unknown(rest))),
        })
    }

    fn list(&self) -> Value {
        let all = std::iter::once(self.first.clone()).chain(self.added());
        all.map(|app| shown(&app.lock().world)).collect()
    }

    /// `POST workspaces` `{name, seed?}`: another workspace, made like the demo (`demo`) or empty
    /// (`empty`).
    fn add(&self, body: &Value) -> Answer {
        let is_name = |name: &&str| {
            (1..=NAME_MAX).contains(&name.chars().count()) && !name.chars().any(char::is_control)
        };
        let name = body["name"].as_str().map(str::trim).filter(is_name).ok_or_else(|| {
            (
                400,
                format!("`name` must be 1 to {NAME_MAX} characters, like {{\"name\": \"Umbra\"}}"),
            )
        })?;
        let mut added = self.added.lock().unwrap_or_else(PoisonError::into_inner);
        if added.apps.len() >= ADDED_MAX {
            return Err((400, format!("{ADDED_MAX} workspaces were added already: delete some")));
        }
        let number = added.count + 1;
        let (world, demo) = match body["seed"].as_str().unwrap_or("demo") {
            "demo" => {
                let (world, demo) = seed::demo_of(number, name);
                (world, Some(demo))
            }
            "empty" => (seed::empty_of(number, name), None),
            _ => return Err((400, "`seed` must be \"demo\" or \"empty\"".to_owned())),
        };
        let mut answer = shown(&world);
        if let (Some(answer), Some(Value::Object(demo))) =
            (answer.as_object_mut(), demo.map(|demo| json!(demo)))
        {
            answer.extend(demo);
        }
        // The state file is the first one's.
        let options = Options { state_file: None, ..self.options.clone() };
        let app = Arc::new(App::new(world.clone(), world, &options));
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(webhooks::run(app.clone(), stopped));
        added.apps.push((app, stop));
        added.count = number;
        Ok((200, answer))
    }

    fn remove(&self, id: &str) -> Answer {
        let mut added = self.added.lock().unwrap_or_else(PoisonError::into_inner);
        let is_meant = |app: &Arc<App>| Id::parse(id) == Some(app.lock().world.workspace.id);
        if is_meant(&self.first) {
            return Err((
                400,
                "the first workspace stays: POST /_sandbox/reset begins anew".into(),
            ));
        }
        let at = added.apps.iter().position(|(app, _)| is_meant(app));
        added.apps.remove(at.ok_or_else(|| (404, unknown(id)))?);
        Ok((200, json!({"ok": true})))
    }
}

fn shown(world: &World) -> Value {
    let id = world.workspace.id;
    json!({"workspace_id": id, "name": world.workspace.name, "control": format!("{ROUTE}/{id}")})
}

fn unknown(id: &str) -> String {
    let id: String = id.chars().take(60).collect();
    format!(
        "there is no workspace `{id}`; there are: GET/POST workspaces, DELETE workspaces/{{id}}, and \
         workspaces/{{id}}/ROUTE for each control route of that workspace"
    )
}

/// Whether a request shows something that only this workspace gave.
fn concerns(world: &World, incoming: &Incoming) -> bool {
    if let Some(file) = incoming.path.strip_prefix(FILES) {
        let id = file.split('/').next().and_then(Id::parse);
        return id.is_some_and(|id| world.file_uploads.contains_key(&id));
    }
    if oauth::is_near(incoming) {
        return oauth::concerns(world, incoming);
    }
    incoming.token().is_some_and(|token| world.knows_token(token))
}
