//! The page on which a person lets an app in: who asks, for what, and which pages it gets.

use maud::{Markup, html};
use notion::{Capabilities, Capability, Id};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::picker::{self, Entry, Icon, Tree};
use super::request::Ask;
use crate::world::World;
use crate::world::user::Person;

/// So many people are offered to continue as.
const PEOPLE_SHOWN: usize = 50;

/// What was chosen before, when the page is shown again.
#[derive(Debug, Default)]
pub(super) struct Choice {
    pub(super) pages: Vec<Id>,
    pub(super) template: bool,
    /// Words that the pages were searched for.
    pub(super) find: String,
}

/// What the page is made of.
#[derive(Debug)]
pub(super) struct Page<'a> {
    pub(super) world: &'a World,
    pub(super) ask: &'a Ask,
    pub(super) person: Id,
    pub(super) query: &'a str,
    pub(super) choice: &'a Choice,
    pub(super) error: Option<&'a str>,
    pub(super) proof: &'a str,
}

impl Page<'_> {
    pub(super) fn title(&self) -> String {
        let error = if self.error.is_some() { "Error: " } else { "" };
        format!("{error}Connect {} to {}", self.ask.client.name, self.world.workspace.name)
    }
}

/// The body of the page.
pub(super) fn body(page: &Page) -> Markup {
    let (client, workspace) = (&page.ask.client, &page.world.workspace.name);
    let person = page.world.people.get(&page.person);
    let template = client.template_page_id.map(|id| picker::entry(page.world, id).title);
    let find = page.choice.find.trim();
    let tree = if find.is_empty() {
        picker::tree(page.world, page.person)
    } else {
        picker::search(page.world, page.person, find)
    };
    html! {
        main.card {
            header.ask {
                div.marks aria-hidden="true" {
                    span.mark.app { (initial(&client.name)) }
                    span.link {}
                    span.mark.space { (initial(workspace)) }
                }
                h1 { b { (client.name) } " wants to connect to " b { (workspace) } }
                @if let Some(person) = person { (identity(page, person)) }
            }
            form method="post" {
                // What the Enter key presses: it decides nothing, and keeps what is selected.
                // (Chromium passes over buttons that are disabled.)
                button.hidden type="submit" name="decision" value="find" tabindex="-1" aria-hidden="true" {}
                input type="hidden" name="consent" value=(page.proof);
                section aria-labelledby="can" {
                    h2 #can { "It will be able to" }
                    (capabilities(client.capabilities))
                }
                @if let Some(error) = page.error {
                    p.error #error role="alert" tabindex="-1" autofocus {
                        b { "Nothing selected. " } (error)
                    }
                }
                @if let Some(template) = &template { (choices(page, template)) }
                (pages(page, &tree))
                footer {
                    p.quiet {
                        "Then you return to " b { (destination(page)) } ". To take the access back "
                        "later, remove the connection."
                    }
                    div.buttons {
                        button.plain type="submit" name="decision" value="cancel" { "Cancel" }
                        button.main type="submit" name="decision" value="allow" { "Allow access" }
                    }
                }
            }
        }
        p.note { "notegate sandbox · a Notion for tests. Nothing leaves this machine." }
    }
}

fn initial(name: &str) -> String {
    name.chars()
        .find(|c| c.is_alphanumeric())
        .map(|c| c.to_uppercase().collect())
        .unwrap_or_default()
}

/// As whom the person decides, and how to be somebody else: a sandbox has no login.
fn identity(page: &Page, person: &Person) -> Markup {
    let others: Vec<&Person> = page
        .world
        .people
        .values()
        .filter(|other| other.id != person.id)
        .take(PEOPLE_SHOWN)
        .collect();
    html! {
        p.who { "You are " b { (person.name) } " · " (person.email) }
        (neighbours(page))
        @if !others.is_empty() {
            details.others {
                summary { "Continue as somebody else" }
                ul {
                    @for other in others {
                        li { a href=(as_user(page.query, other.id)) { (other.name) } }
                    }
                }
            }
        }
    }
}

/// The other workspaces of this sandbox, each of which can be connected instead.
fn neighbours(page: &Page) -> Markup {
    let here = page.world.workspace.id;
    let others = page.world.neighbours.iter().filter(|other| other.id != here);
    let others: Vec<_> = others.take(PEOPLE_SHOWN).collect();
    html! {
        @if !others.is_empty() {
            details.others {
                summary { "Connect another workspace" }
                ul {
                    @for other in others {
                        li { a href=(in_workspace(page.query, other.id)) { (other.name) } }
                    }
                }
            }
        }
    }
}

/// The same request, put to another person.
fn as_user(query: &str, id: Id) -> String {
    with(query, &["_sandbox_user"], "_sandbox_user", id)
}

/// The same request for another workspace, where other people are.
fn in_workspace(query: &str, id: Id) -> String {
    with(query, &["_sandbox_user", "_sandbox_workspace"], "_sandbox_workspace", id)
}

fn with(query: &str, without: &[&str], name: &str, id: Id) -> String {
    let kept = query.split('&').filter(|pair| {
        !pair.is_empty() && !without.contains(&pair.split('=').next().unwrap_or_default())
    });
    let given = format!("{name}={}", utf8_percent_encode(&id.to_string(), NON_ALPHANUMERIC));
    format!("?{}", kept.chain([given.as_str()]).collect::<Vec<_>>().join("&"))
}

fn capabilities(all: Capabilities) -> Markup {
    let with_email = all.iter().any(|one| one == Capability::ReadUsersWithEmail);
    let shown: Vec<&str> = all
        .iter()
        .filter(|one| !(with_email && *one == Capability::ReadUsersWithoutEmail))
        .map(words)
        .collect();
    let has_content = all.iter().any(|one| {
        use Capability::{InsertContent, ReadContent, UpdateContent};
        matches!(one, ReadContent | UpdateContent | InsertContent)
    });
    html! {
        ul.can {
            @for words in &shown { li { (words) } }
            @if shown.is_empty() { li.none { "Know that the workspace exists, and nothing else" } }
        }
        p.cannot {
            @if has_content { "It will not see pages that you do not select." }
            @else { "It will not see or change any page." }
            @if !all.grants(Capability::ReadUsersWithoutEmail) {
                " It will not learn who the people of the workspace are."
            }
        }
    }
}

fn words(capability: Capability) -> &'static str {
    match capability {
        Capability::ReadContent => "Read the pages and databases that you select",
        Capability::UpdateContent => "Change them, and move them to the trash",
        Capability::InsertContent => "Add pages, rows and blocks to them",
        Capability::ReadComments => "Read the comments on them",
        Capability::InsertComments => "Write comments on them",
        Capability::ReadUsersWithoutEmail => {
            "See who the people of the workspace are, without their e-mail addresses"
        }
        Capability::ReadUsersWithEmail => {
            "See who the people of the workspace are, and their e-mail addresses"
        }
    }
}

fn destination(page: &Page) -> String {
    let uri = &page.ask.back.redirect_uri;
    let host = url::Url::parse(uri).ok().and_then(|uri| uri.host_str().map(str::to_owned));
    host.unwrap_or_else(|| uri.clone())
}

/// An app with a template offers a copy of it in place of pages that exist.
fn choices(page: &Page, template: &str) -> Markup {
    let is_template = page.choice.template;
    html! {
        fieldset.choices {
            legend { "How do you want to begin?" }
            label.choice {
                input type="radio" name="choice" value="template" checked[is_template];
                span { b { "Use the app's template" } small { "A private copy of “" (template) "” for you and the app" } }
            }
            label.choice {
                input type="radio" name="choice" value="pages" checked[!is_template];
                span { b { "Select pages" } small { "Share pages that you have already" } }
            }
        }
    }
}

/// A workspace that does not fit on the page can be searched.
fn has_search(page: &Page, tree: &Tree) -> bool {
    tree.is_cut || !page.choice.find.is_empty()
}

fn pages(page: &Page, tree: &Tree) -> Markup {
    let chosen = &page.choice.pages;
    let elsewhere: Vec<Entry> = chosen
        .iter()
        .filter(|id| !tree.shown.contains(id))
        .map(|id| picker::entry(page.world, *id))
        .collect();
    let is_wrong = page.error.is_some();
    let described = if is_wrong { "hint error" } else { "hint" };
    html! {
        fieldset.pages aria-describedby=(described) aria-invalid=[is_wrong.then_some("true")] {
            legend { "Select pages" }
            p.hint #hint { "A page brings everything inside it, now and later." }
            @if has_search(page, tree) {
                div.search {
                    label.hidden for="find" { "Search by title" }
                    input #find type="search" name="find" value=(page.choice.find) placeholder="Search by title" maxlength="200" autocomplete="off";
                    button.plain type="submit" name="decision" value="find" { "Search" }
                }
            }
            @if tree.top.is_empty() && elsewhere.is_empty() {
                p.quiet {
                    @if page.choice.find.is_empty() { "There are no pages that you could share." }
                    @else { "No page has a title like this." }
                }
            } @else {
                div.box {
                    ul.tree {
                        @for entry in elsewhere.iter().chain(&tree.top) { (branch(page, entry, 0)) }
                    }
                }
            }
            @if tree.is_cut {
                p.hint { "There are more pages than fit here: search for them by title." }
            }
        }
    }
}

fn branch(page: &Page, entry: &Entry, depth: usize) -> Markup {
    let is_checked = page.choice.pages.contains(&entry.id);
    let count = entry.inside.len();
    html! {
        li {
            label {
                input type="checkbox" name="pages" value=(entry.id) checked[is_checked];
                span.icon aria-hidden="true" { (icon(&entry.icon)) }
                span.name { (entry.title) }
            }
            @if count > 0 {
                details open[depth == 0 || entry.holds(&page.choice.pages)] {
                    summary { (count) " inside" span.hidden { " " (entry.title) } }
                    ul { @for inner in &entry.inside { (branch(page, inner, depth + 1)) } }
                }
            }
        }
    }
}

fn icon(icon: &Icon) -> &str {
    match icon {
        Icon::Emoji(emoji) => emoji,
        Icon::Page => "📄",
        Icon::Database => "🗂️",
    }
}
