//! Leaks, put into the answers between the gate and the comparison: each must be noticed, or the test
//! would not notice the real one.
//!
//! A drill looks at what the gate answered and at what Notion answers to the same call past the gate, and
//! patches the one with a piece of the other. It lives in the test alone: no binary can have it.

use serde_json::{Map, Value, json};

use super::agent_drills::AGENT_DRILLS;
use super::calls::{Call, OFFICIAL, Way};
use super::compare::Seen;
use super::tools::OFFICIALS;

/// A leak of one kind.
pub(crate) struct Drill {
    pub(crate) name: &'static str,
    /// The operations whose answers can have it.
    pub(crate) asks: &'static [&'static str],
    pub(crate) leak: fn(&str, &mut Seen, &Seen),
}

/// A drill that is under way.
#[derive(Clone)]
pub(crate) struct Leak {
    drill: &'static Drill,
    /// What is mostly asked for, so that it is found soon.
    pub(crate) asks: Vec<&'static str>,
    /// Whether it is there: without it, nothing may be noticed.
    is_there: bool,
}

impl Leak {
    /// All drills by REST, the same by the official tools, and those of the tools for agents.
    pub(crate) fn all() -> Vec<Self> {
        let by_rest = DRILLS.iter().map(|drill| (drill, drill.asks.to_vec()));
        let by_tool = DRILLS.iter().filter_map(|drill| {
            let tool = |ask: &&'static str| {
                OFFICIALS.iter().copied().find(|tool| tool.strip_prefix(OFFICIAL) == Some(*ask))
            };
            Some((drill, drill.asks.iter().map(tool).collect::<Option<Vec<_>>>()?))
        });
        let for_agents = AGENT_DRILLS.iter().map(|drill| (drill, drill.asks.to_vec()));
        let all = by_rest.chain(by_tool).chain(for_agents);
        all.map(|(drill, asks)| Self { drill, asks, is_there: true }).collect()
    }

    /// The same without the leak.
    pub(crate) fn mended(&self) -> Self {
        Self { is_there: false, ..self.clone() }
    }

    pub(crate) fn name(&self) -> String {
        format!("{} ({})", self.drill.name, self.asks.join(", "))
    }

    /// Whether it could be in the answer to this.
    pub(crate) fn concerns(&self, call: &Call) -> bool {
        let is_harmless = matches!(call.way, Way::Rest(_)) || call.reads();
        self.asks.contains(&call.name) && is_harmless
    }

    /// Puts the leak into an answer, if it is one that can have it.
    pub(crate) fn put_into(&self, call: &Call, ours: &mut Seen, theirs: &Seen) {
        if self.is_there {
            (self.drill.leak)(call.operation(), ours, theirs);
        }
    }
}

/// Walks through two answers at once; `graft` may replace a piece of the first by what is in the second.
fn walk(ours: &mut Value, theirs: &Value, graft: &dyn Fn(&mut Value, &Value)) {
    graft(ours, theirs);
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            for (name, value) in ours {
                if let Some(theirs) = theirs.get(name) {
                    walk(value, theirs, graft);
                }
            }
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            for (index, value) in ours.iter_mut().enumerate() {
                let same = |one: &&Value| one["id"].is_string() && one["id"] == value["id"];
                if let Some(theirs) = theirs.iter().find(same).or_else(|| theirs.get(index)) {
                    walk(value, theirs, graft);
                }
            }
        }
        _ => {}
    }
}

/// Copies a member where it differs and `wanted` says so.
fn member(ours: &mut Value, theirs: &Value, name: &str) {
    if let (Some(ours), Some(theirs)) = (ours.get_mut(name), theirs.get(name)) {
        *ours = theirs.clone();
    }
}

/// The whole answer of Notion, where the gate had none to give.
fn whole(name: &'static str, operation: &str, ours: &mut Seen, theirs: &Seen) {
    if operation == name && ours.status == 404 && theirs.status == 200 {
        ours.status = theirs.status;
        ours.body = theirs.body.clone();
    }
}

/// Blocks of a type that were made unreadable, as they are.
fn blocks(kind: &'static str, ours: &mut Seen, theirs: &Seen) {
    walk(&mut ours.body, &theirs.body, &|ours, theirs| {
        if ours["type"] == "unsupported" && theirs["type"] == kind {
            *ours = theirs.clone();
        }
    });
}

/// Columns of a type that were taken out of a schema or a row, put back.
fn columns(kind: &'static str, object: &'static str, ours: &mut Seen, theirs: &Seen) {
    walk(&mut ours.body, &theirs.body, &|ours, theirs| {
        if ours["object"] != object || theirs["object"] != object {
            return;
        }
        let hidden = theirs["properties"].as_object().into_iter().flatten();
        let hidden = hidden.filter(|(_, column)| column["type"] == kind);
        if let Some(all) = ours["properties"].as_object_mut() {
            for (name, column) in hidden {
                all.entry(name.clone()).or_insert_with(|| column.clone());
            }
        }
    });
}

/// The elements of a list that the gate left out.
fn list(name: &'static str, operation: &str, ours: &mut Seen, theirs: &Seen) {
    if operation == name && ours.status == 200 && theirs.status == 200 {
        let all = theirs.body["results"].as_array().cloned().unwrap_or_default();
        if let Some(ours) = ours.body["results"].as_array_mut() {
            let missing =
                all.into_iter().find(|one| !ours.iter().any(|own| own["id"] == one["id"]));
            ours.extend(missing);
        }
    }
}

/// How many the gate left out, told by the number of those that are there.
fn is_list(operation: &str, ours: &Seen, theirs: &Seen) -> bool {
    operation == "post-search" && ours.status == 200 && theirs.status == 200
}

/// A leak that is told by an error in place of a 404.
fn told(ours: &mut Seen, theirs: &Seen, tell: fn(&mut Seen)) {
    if ours.status == 404 && theirs.status == 200 {
        tell(ours);
    }
}

pub(crate) const DRILLS: &[Drill] = &[
    Drill {
        name: "the title of a mentioned page",
        asks: &["get-block-children", "retrieve-a-block"],
        leak: |_, ours, theirs| {
            walk(&mut ours.body, &theirs.body, &|ours, theirs| {
                if theirs["type"] == "mention" && ours["type"] == "text" {
                    ours["text"]["content"] = theirs["plain_text"].clone();
                    member(ours, theirs, "plain_text");
                }
            });
        },
    },
    Drill {
        name: "the id of a mentioned page",
        asks: &["get-block-children", "retrieve-a-block"],
        leak: |_, ours, theirs| {
            walk(&mut ours.body, &theirs.body, &|ours, theirs| {
                if theirs["type"] == "mention" && ours["type"] == "text" {
                    *ours = theirs.clone();
                }
            });
        },
    },
    Drill {
        name: "the address behind a mention or a link",
        asks: &["get-block-children", "retrieve-a-block"],
        leak: |_, ours, theirs| {
            walk(&mut ours.body, &theirs.body, &|ours, theirs| {
                if ours["href"].is_null() {
                    member(ours, theirs, "href");
                }
            });
        },
    },
    Drill {
        name: "where a link to a page leads",
        asks: &["get-block-children", "retrieve-a-block"],
        leak: |_, o, t| blocks("link_to_page", o, t),
    },
    Drill {
        name: "what a synced block is a copy of",
        asks: &["get-block-children", "retrieve-a-block"],
        leak: |_, o, t| blocks("synced_block", o, t),
    },
    Drill {
        name: "the address of a bookmark",
        asks: &["get-block-children", "retrieve-a-block"],
        leak: |_, o, t| blocks("bookmark", o, t),
    },
    Drill {
        name: "the address of an embed",
        asks: &["get-block-children", "retrieve-a-block"],
        leak: |_, o, t| blocks("embed", o, t),
    },
    Drill {
        name: "the address of a link preview",
        asks: &["get-block-children", "retrieve-a-block"],
        leak: |_, o, t| blocks("link_preview", o, t),
    },
    Drill {
        name: "the content of a synced copy",
        asks: &["get-block-children"],
        leak: |operation, ours, theirs| {
            if operation == "get-block-children" && ours.body["results"] == json!([]) {
                member(&mut ours.body, &theirs.body, "results");
            }
        },
    },
    Drill {
        name: "whether the original of a copy holds anything",
        asks: &["get-block-children", "retrieve-a-block"],
        leak: |_, ours, theirs| {
            walk(&mut ours.body, &theirs.body, &|ours, theirs| {
                if ours["type"] == "unsupported" {
                    member(ours, theirs, "has_children");
                }
            });
        },
    },
    Drill {
        name: "what the root stands under",
        asks: &["retrieve-a-page", "retrieve-a-database"],
        leak: |_, ours, theirs| {
            walk(&mut ours.body, &theirs.body, &|ours, theirs| {
                if ours["parent"]["type"] == "workspace" {
                    member(ours, theirs, "parent");
                }
            });
        },
    },
    Drill {
        name: "the database of a table that is a root",
        asks: &["retrieve-a-data-source"],
        leak: |_, ours, theirs| {
            walk(&mut ours.body, &theirs.body, &|ours, theirs| {
                if ours["object"] == "data_source" {
                    member(ours, theirs, "parent");
                    member(ours, theirs, "database_parent");
                }
            });
        },
    },
    Drill {
        name: "the address of a table that is a root",
        asks: &["retrieve-a-data-source"],
        leak: |operation, ours, theirs| {
            if operation == "retrieve-a-data-source" {
                member(&mut ours.body, &theirs.body, "url");
            }
        },
    },
    Drill {
        name: "how a table's database is shown",
        asks: &["retrieve-a-data-source"],
        leak: |operation, ours, theirs| {
            if operation == "retrieve-a-data-source" {
                member(&mut ours.body, &theirs.body, "is_inline");
            }
        },
    },
    Drill {
        name: "a relation in a schema",
        asks: &["retrieve-a-data-source"],
        leak: |_, o, t| columns("relation", "data_source", o, t),
    },
    Drill {
        name: "a rollup in a schema",
        asks: &["retrieve-a-data-source"],
        leak: |_, o, t| columns("rollup", "data_source", o, t),
    },
    Drill {
        name: "the values of a relation",
        asks: &["retrieve-a-page"],
        leak: |_, o, t| columns("relation", "page", o, t),
    },
    Drill {
        name: "the value of a rollup",
        asks: &["retrieve-a-page"],
        leak: |_, o, t| columns("rollup", "page", o, t),
    },
    Drill {
        name: "the value of a formula",
        asks: &["retrieve-a-page"],
        leak: |_, o, t| columns("formula", "page", o, t),
    },
    Drill {
        name: "a single value of a hidden column",
        asks: &["retrieve-a-page-property"],
        leak: |operation, o, t| whole("retrieve-a-page-property", operation, o, t),
    },
    Drill {
        name: "rows chosen by a hidden column",
        asks: &["query-data-source"],
        leak: |operation, ours, theirs| {
            if operation == "query-data-source" && ours.status == 400 && theirs.status == 200 {
                ours.status = 200;
                let count = theirs.body["results"].as_array().map_or(0, Vec::len);
                ours.body = json!({ "object": "list", "results": vec![Map::new(); count] });
            }
        },
    },
    Drill {
        name: "rows in the order of a hidden column",
        asks: &["query-data-source"],
        leak: |operation, ours, theirs| {
            if operation == "query-data-source" && ours.status == 400 && theirs.status == 200 {
                let first = theirs.body["results"][0]["id"].clone();
                ours.body["message"] = first;
            }
        },
    },
    Drill {
        name: "a page that is found",
        asks: &["post-search"],
        leak: |operation, o, t| list("post-search", operation, o, t),
    },
    Drill {
        name: "that a search goes on",
        asks: &["post-search"],
        leak: |operation, ours, theirs| {
            if is_list(operation, ours, theirs) {
                member(&mut ours.body, &theirs.body, "has_more");
            }
        },
    },
    Drill {
        name: "pages of a search that are not filled up",
        asks: &["post-search"],
        leak: |operation, ours, theirs| {
            if is_list(operation, ours, theirs) {
                let there = theirs.body["results"].as_array().cloned().unwrap_or_default();
                if let Some(ours) = ours.body["results"].as_array_mut() {
                    ours.retain(|own| there.iter().any(|one| one["id"] == own["id"]));
                }
            }
        },
    },
    Drill {
        name: "a cursor that tells what comes next",
        asks: &["post-search"],
        leak: |operation, ours, theirs| {
            if is_list(operation, ours, theirs) && ours.body["next_cursor"].is_string() {
                member(&mut ours.body, &theirs.body, "next_cursor");
            }
        },
    },
    Drill {
        name: "a view of a table from outside",
        asks: &["list-views"],
        leak: |operation, o, t| list("list-views", operation, o, t),
    },
    Drill {
        name: "a view of a table outside",
        asks: &["retrieve-a-view"],
        leak: |operation, o, t| whole("retrieve-a-view", operation, o, t),
    },
    Drill {
        name: "the rows of a view",
        asks: &["create-view-query"],
        leak: |operation, o, t| whole("create-view-query", operation, o, t),
    },
    Drill {
        name: "the layout of a view",
        asks: &["retrieve-a-view"],
        leak: |operation, ours, theirs| {
            if operation == "retrieve-a-view" && ours.status == 200 {
                member(&mut ours.body, &theirs.body, "configuration");
            }
        },
    },
    Drill {
        name: "a page by its id",
        asks: &["retrieve-a-page"],
        leak: |operation, o, t| whole("retrieve-a-page", operation, o, t),
    },
    Drill {
        name: "a block by its id",
        asks: &["retrieve-a-block"],
        leak: |operation, o, t| whole("retrieve-a-block", operation, o, t),
    },
    Drill {
        name: "the children of a block",
        asks: &["get-block-children"],
        leak: |operation, o, t| whole("get-block-children", operation, o, t),
    },
    Drill {
        name: "a database by its id",
        asks: &["retrieve-a-database"],
        leak: |operation, o, t| whole("retrieve-a-database", operation, o, t),
    },
    Drill {
        name: "a table by its id",
        asks: &["retrieve-a-data-source"],
        leak: |operation, o, t| whole("retrieve-a-data-source", operation, o, t),
    },
    Drill {
        name: "the rows of a table",
        asks: &["query-data-source"],
        leak: |operation, o, t| whole("query-data-source", operation, o, t),
    },
    Drill {
        name: "the markdown of a page outside",
        asks: &["retrieve-page-markdown"],
        leak: |operation, o, t| whole("retrieve-page-markdown", operation, o, t),
    },
    Drill {
        name: "what markdown mentions",
        asks: &["retrieve-page-markdown"],
        leak: |operation, ours, theirs| {
            if operation == "retrieve-page-markdown" && ours.status == 200 {
                member(&mut ours.body, &theirs.body, "markdown");
            }
        },
    },
    Drill {
        name: "the templates of a table",
        asks: &["list-data-source-templates"],
        leak: |operation, o, t| whole("list-data-source-templates", operation, o, t),
    },
    Drill {
        name: "a comment by its id",
        asks: &["retrieve-comment"],
        leak: |operation, o, t| whole("retrieve-comment", operation, o, t),
    },
    Drill {
        name: "the comments of a page",
        asks: &["retrieve-a-comment"],
        leak: |operation, o, t| whole("retrieve-a-comment", operation, o, t),
    },
    Drill {
        name: "who works here",
        asks: &["get-users"],
        leak: |operation, o, t| list("get-users", operation, o, t),
    },
    Drill {
        name: "a person by their id",
        asks: &["get-user"],
        leak: |operation, o, t| whole("get-user", operation, o, t),
    },
    Drill {
        name: "files of others",
        asks: &["list-file-uploads"],
        leak: |operation, o, t| list("list-file-uploads", operation, o, t),
    },
    Drill {
        name: "a file of others by its id",
        asks: &["retrieve-file-upload"],
        leak: |operation, o, t| whole("retrieve-file-upload", operation, o, t),
    },
    Drill {
        name: "notes of a meeting",
        asks: &["query-meeting-notes"],
        leak: |operation, o, t| list("query-meeting-notes", operation, o, t),
    },
    Drill {
        name: "a long write of others",
        asks: &["retrieve-async-task"],
        leak: |operation, o, t| whole("retrieve-async-task", operation, o, t),
    },
    Drill {
        name: "a 403 where there is something",
        asks: &["retrieve-a-page"],
        leak: |_, o, t| told(o, t, |ours| ours.status = 403),
    },
    Drill {
        name: "another text where there is something",
        asks: &["retrieve-a-page"],
        leak: |_, o, t| told(o, t, |ours| ours.body["message"] = "You may not see it.".into()),
    },
    Drill {
        name: "another header where there is something",
        asks: &["retrieve-a-page"],
        leak: |_, o, t| {
            told(o, t, |ours| {
                ours.headers.push(("x-notegate-reason".to_owned(), "scope".to_owned()))
            });
        },
    },
    Drill {
        name: "what an error says of the outside",
        asks: &["retrieve-a-database", "post-database-query"],
        leak: |_, ours, theirs| {
            if ours.status == 404 && theirs.status == 400 {
                ours.body["message"] = theirs.body["message"].clone();
            }
        },
    },
];
