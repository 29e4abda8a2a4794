//! Content types of files, by the endings of their names.

/// Endings and content types; the first ending of a type is the one that names get.
const TYPES: [(&str, &str); 58] = [
    ("aac", "audio/aac"),
    ("adts", "audio/aac"),
    ("mid", "audio/midi"),
    ("midi", "audio/midi"),
    ("mp3", "audio/mpeg"),
    ("mpga", "audio/mpeg"),
    ("m4a", "audio/mp4"),
    ("m4b", "audio/mp4"),
    ("oga", "audio/ogg"),
    ("ogg", "audio/ogg"),
    ("wav", "audio/wav"),
    ("wma", "audio/x-ms-wma"),
    ("flac", "audio/flac"),
    ("pdf", "application/pdf"),
    ("txt", "text/plain"),
    ("log", "text/plain"),
    ("md", "text/markdown"),
    ("csv", "text/csv"),
    ("html", "text/html"),
    ("css", "text/css"),
    ("js", "text/javascript"),
    ("xml", "application/xml"),
    ("json", "application/json"),
    ("zip", "application/zip"),
    ("gz", "application/gzip"),
    ("doc", "application/msword"),
    ("dot", "application/msword"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("dotx", "application/vnd.openxmlformats-officedocument.wordprocessingml.template"),
    ("xls", "application/vnd.ms-excel"),
    ("xlt", "application/vnd.ms-excel"),
    ("xla", "application/vnd.ms-excel"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("xltx", "application/vnd.openxmlformats-officedocument.spreadsheetml.template"),
    ("ppt", "application/vnd.ms-powerpoint"),
    ("pps", "application/vnd.ms-powerpoint"),
    ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    ("potx", "application/vnd.openxmlformats-officedocument.presentationml.template"),
    ("gif", "image/gif"),
    ("heic", "image/heic"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("tif", "image/tiff"),
    ("tiff", "image/tiff"),
    ("webp", "image/webp"),
    ("ico", "image/vnd.microsoft.icon"),
    ("avi", "video/x-msvideo"),
    ("asf", "video/x-ms-asf"),
    ("wmv", "video/x-ms-asf"),
    ("flv", "video/x-flv"),
    ("mp4", "video/mp4"),
    ("m4v", "video/mp4"),
    ("mkv", "video/x-matroska"),
    ("webm", "video/webm"),
    ("mov", "video/quicktime"),
    ("mpeg", "video/mpeg"),
];

/// The content type of a file with that name.
pub(crate) fn of_name(name: &str) -> Option<&'static str> {
    let (_, ending) = name.rsplit_once('.')?;
    TYPES.iter().find(|(known, _)| known.eq_ignore_ascii_case(ending)).map(|(_, kind)| *kind)
}

/// The ending that names of this content type have.
pub(crate) fn ending(kind: &str) -> Option<&'static str> {
    TYPES.iter().find(|(_, known)| *known == kind).map(|(ending, _)| *ending)
}

/// A content type without its parameters, in lower case.
pub(crate) fn essence(kind: &str) -> String {
    kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}
