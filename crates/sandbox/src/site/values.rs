//! Property values, as a page and a table show them.

use maud::{Markup, html};
use notion::Id;
use serde_json::Value;

use super::blocks::tick;
use super::media::{name_of, own_link, own_path};
use super::text::{icon_of, link_to, linked, runs, title};
use super::when::time_text;
use crate::world::access::View;
use crate::world::property::{Property, Settings};

/// So many related pages, people or files are named one by one.
const NAMED_MAX: usize = 10;

/// A value as `{type, <type>}`; `property` gives what the value alone does not say.
pub(super) fn value(view: View, property: &Property, value: &Value) -> Markup {
    let kind = value["type"].as_str().unwrap_or_default();
    let member = &value[kind];
    match kind {
        "number" => match (&property.settings, member.as_f64()) {
            (Settings::Number { format }, Some(number)) => html! { (number_in(format, number)) },
            _ => plain(view, kind, member),
        },
        "checkbox" => tick(member == true, if member == true { "Yes" } else { "No" }),
        _ => plain(view, kind, member),
    }
}

fn plain(view: View, kind: &str, member: &Value) -> Markup {
    let all = || member.as_array().into_iter().flatten();
    match kind {
        "title" | "rich_text" => runs(member),
        "select" | "status" => tag(member),
        "multi_select" => html! { span.tags { @for one in all() { (tag(one)) } } },
        "date" => date(member),
        "people" => {
            html! { @for (index, one) in all().enumerate() { @if index > 0 { ", " } (person(one)) } }
        }
        "created_by" | "last_edited_by" => person(member),
        "created_time" | "last_edited_time" => time_text(member.as_str().unwrap_or_default()),
        "files" => {
            html! { @for (index, one) in all().take(NAMED_MAX).enumerate() { @if index > 0 { ", " } (file(view, one)) } }
        }
        "url" => address("", member),
        "email" => address("mailto:", member),
        "relation" => related(view, member),
        "formula" | "rollup" => {
            let kind = member["type"].as_str().unwrap_or_default();
            match &member[kind] {
                Value::Array(list) => html! {
                    @for (index, one) in list.iter().take(NAMED_MAX).enumerate() {
                        @if index > 0 { ", " }
                        (element(view, one))
                    }
                    @if list.len() > NAMED_MAX { " and " (list.len() - NAMED_MAX) " more" }
                },
                Value::Bool(on) => tick(*on, if *on { "Yes" } else { "No" }),
                found if kind == "date" => date(found),
                found => scalar(found),
            }
        }
        "unique_id" => html! {
            @if let Some(prefix) = member["prefix"].as_str() { (prefix) "-" }
            (scalar(&member["number"]))
        },
        "verification" => html! { (member["state"].as_str().unwrap_or_default()) },
        "place" => {
            html! { (member["name"].as_str().or(member["address"].as_str()).unwrap_or_default()) }
        }
        "button" => html! {},
        _ => scalar(member),
    }
}

fn element(view: View, value: &Value) -> Markup {
    let kind = value["type"].as_str().unwrap_or_default();
    if value[kind].is_boolean() { scalar(&value[kind]) } else { plain(view, kind, &value[kind]) }
}

fn scalar(value: &Value) -> Markup {
    match value {
        Value::Null => html! {},
        Value::String(text) => html! { (text) },
        Value::Number(number) => html! { (number) },
        other => html! { code { (other) } },
    }
}

/// A choice in its colour.
pub(super) fn tag(choice: &Value) -> Markup {
    let Some(name) = choice["name"].as_str() else { return html! {} };
    let color = choice["color"].as_str().unwrap_or("default");
    let is_plain = color.bytes().all(|byte| byte.is_ascii_lowercase());
    html! { span class={ "tag tag-" (if is_plain { color } else { "default" }) } { (name) } }
}

fn date(date: &Value) -> Markup {
    let day = |name: &str| {
        date[name].as_str().map(|text| match text.len() {
            10 => html! { time datetime=(text) { (text) } },
            _ => time_text(text),
        })
    };
    html! {
        @if let Some(start) = day("start") { (start) }
        @if let Some(end) = day("end") { " → " (end) }
    }
}

fn person(user: &Value) -> Markup {
    html! { (user["name"].as_str().or(user["id"].as_str()).unwrap_or_default()) }
}

fn file(view: View, file: &Value) -> Markup {
    let kind = file["type"].as_str().unwrap_or_default();
    let url = file[kind]["url"].as_str().unwrap_or_default();
    let name = file["name"].as_str().unwrap_or_else(|| name_of(url));
    own_link(own_path(view, url).as_deref(), url, name)
}

fn address(scheme: &str, member: &Value) -> Markup {
    let Some(text) = member.as_str() else { return html! {} };
    linked(Some(&format!("{scheme}{text}")), &html! { (text) })
}

fn related(view: View, member: &Value) -> Markup {
    let ids: Vec<Id> = member
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| one["id"].as_str().and_then(Id::parse))
        .collect();
    html! {
        @for (index, id) in ids.iter().take(NAMED_MAX).enumerate() {
            @if index > 0 { ", " }
            a.page-link href=(link_to(*id)) { (icon_of(view, *id)) (title(view, *id)) }
        }
        @if ids.len() > NAMED_MAX { " and " (ids.len() - NAMED_MAX) " more" }
    }
}

/// A number in the format of its column; currencies by their sign where there is a common one.
fn number_in(format: &str, number: f64) -> String {
    let grouped = |number: f64, digits: Option<usize>| {
        let text = match digits {
            Some(digits) => format!("{:.*}", digits, number.abs()),
            None => format!("{}", number.abs()),
        };
        let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
        let mut out = String::new();
        for (index, digit) in whole.chars().enumerate() {
            if index > 0 && (whole.len() - index).is_multiple_of(3) {
                out.push(',');
            }
            out.push(digit);
        }
        let minus = if number < 0.0 { "-" } else { "" };
        if rest.is_empty() { format!("{minus}{out}") } else { format!("{minus}{out}.{rest}") }
    };
    match format {
        "number" => format!("{number}"),
        "percent" => format!("{}%", (number * 1e8).round() / 1e6),
        "number_with_commas" => grouped(number, None),
        "dollar" => format!("${}", grouped(number, Some(2))),
        "euro" => format!("€{}", grouped(number, Some(2))),
        "pound" => format!("£{}", grouped(number, Some(2))),
        "yen" | "yuan" => format!("¥{}", grouped(number, None)),
        other => format!("{} {}", grouped(number, None), other.replace('_', " ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_look_like_their_column() {
        let cases = [
            ("number", 1234.5, "1234.5"),
            ("percent", 0.07, "7%"),
            ("number_with_commas", 1_234_567.0, "1,234,567"),
            ("dollar", -1234.5, "$-1,234.50"),
            ("danish_krone", 12.0, "12 danish krone"),
        ];
        for (format, number, text) in cases {
            assert_eq!(number_in(format, number), text);
        }
    }
}
