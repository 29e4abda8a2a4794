//! The schema of a data source.

use maud::{Markup, html};
use notion::Id;
use serde_json::json;

use super::text::{self, link_to, title};
use super::values::tag;
use crate::world::access::View;
use crate::world::node::DataSource;
use crate::world::property::{Property, Settings};

pub(super) fn table(view: View, id: Id, source: &DataSource) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Schema" {
            table {
                caption.hidden { "Properties of " (title(view, id)) }
                thead { tr { th scope="col" { "Property" } th scope="col" { "Type" } th scope="col" { "Id" } th scope="col" { "Settings" } } }
                tbody {
                    @for property in source.schema.values() {
                        tr {
                            th scope="row" {
                                (property.name)
                                @if let Some(words) = &property.description { p.quiet { (words) } }
                            }
                            td { code { (property.kind.as_str()) } }
                            td { (text::id(&property.encoded_id())) }
                            td { (settings(view, source, property)) }
                        }
                    }
                }
            }
        }
        p.quiet.after { "Data source " (text::id(&id.to_string())) }
    }
}

fn settings(view: View, here: &DataSource, property: &Property) -> Markup {
    match &property.settings {
        Settings::Plain => html! {},
        Settings::Number { format } => html! { code { (format) } },
        Settings::Choices { options, .. } => html! {
            span.tags { @for choice in options.iter().take(50) { (tag(&json!(choice))) } }
            @if options.len() > 50 { " and " (options.len() - 50) " more" }
        },
        Settings::Formula { expression } => html! { code { (expression) } },
        Settings::Relation { source, synced } => html! {
            a href=(link_to(*source)) { (title(view, *source)) }
            (if synced.is_some() { ", both ways" } else { ", one way" })
        },
        Settings::Rollup { relation, target, function } => {
            let through = here.schema.get(relation);
            let there = through.and_then(|property| match &property.settings {
                Settings::Relation { source, .. } => view.world.source(*source)?.schema.get(target),
                _ => None,
            });
            let name =
                |property: Option<&Property>| property.map_or("?".to_owned(), |p| p.name.clone());
            html! { code { (function) } " of " (name(there)) " through " (name(through)) }
        }
        Settings::UniqueId { prefix } => {
            html! { @if let Some(prefix) = prefix { "Prefix " code { (prefix) } } }
        }
    }
}
