//! File uploads: how far each is, and the files that came.

use maud::{Markup, html};

use super::frame::{Place, Tool};
use super::media::{own_link, own_path, shortened};
use super::when::time;
use super::{Page, Pages, text};
use crate::render::file_upload::readable;
use crate::render::user::name;
use crate::world::access::View;
use crate::world::file_upload::{FileUpload, Mode, Status};

const UPLOADS_AT_ONCE: usize = 50;

pub(super) fn page(view: View, pages: &Pages) -> Page {
    let all: Vec<&FileUpload> = view.world.file_uploads.values().rev().collect();
    let (shown, links) = pages.cut(&all, UPLOADS_AT_ONCE, "uploads");
    let main = html! {
        header.head { h1 { "File uploads" } p { "Newest first. What nobody attaches within an hour of the world's clock is gone." } }
        @if all.is_empty() {
            p.empty { "Nothing was uploaded. Begin with POST /v1/file_uploads, then send the bytes to its upload_url." }
        } @else {
            div.scroll tabindex="0" role="region" aria-label="File uploads" {
                table {
                    caption.hidden { "File uploads" }
                    thead { tr { @for name in ["File", "State", "Size", "How", "Begun", "By"] { th scope="col" { (name) } } } }
                    tbody { @for upload in shown { (row(view, upload)) } }
                }
            }
        }
        (links)
    };
    Page::new("File uploads", Place::Tool(Tool::Uploads), main)
}

fn row(view: View, upload: &FileUpload) -> Markup {
    let file = readable(view.world, upload.id);
    let url = file["file"]["url"].as_str().unwrap_or_default();
    let class = match upload.status {
        Status::Uploaded | Status::Pending => "flag",
        Status::Expired | Status::Failed => "flag bad",
    };
    html! {
        tr {
            th scope="row" {
                @if upload.status == Status::Uploaded {
                    (own_link(own_path(view, url).as_deref(), url, upload.name()))
                } @else {
                    (upload.name())
                }
                p.quiet { (upload.content_type.as_deref().unwrap_or("type not known yet")) }
                p.nowrap { (text::id(&upload.id.to_string())) }
            }
            td {
                span class=(class) { (upload.status.as_str()) }
                @match (upload.attached, upload.expiry()) {
                    (true, _) => { p.quiet { "attached" } }
                    (false, Some(at)) => { p.quiet { "until " (time(at)) } }
                    _ => {}
                }
            }
            td.nowrap { (size(upload.length())) }
            td.nowrap {
                @match &upload.mode {
                    Mode::SinglePart => "in one part",
                    Mode::MultiPart { total } => { (upload.parts.len()) " of " (total) " parts here" }
                    Mode::ExternalUrl { url } => { "fetched from " code { (shortened(url, 200)) } }
                }
            }
            td.nowrap { (time(upload.created_time)) }
            td { (name(view.world, upload.created_by).unwrap_or_default()) }
        }
    }
}

/// A number of bytes as people say it.
fn size(bytes: usize) -> String {
    const STEPS: [(usize, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match STEPS.into_iter().find(|(step, _)| bytes >= *step) {
        Some((step, unit)) => format!("{}.{} {unit}", bytes / step, bytes % step * 10 / step),
        None => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        assert_eq!(size(999), "999 bytes");
        assert_eq!(size(1536), "1.5 KiB");
        assert_eq!(size(5 << 20), "5.0 MiB");
    }
}
