//! A property of a data source: its type and settings.

use notion::Id;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The id that the title property has everywhere.
pub(crate) const TITLE: &str = "title";

/// The type of a property.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PropertyKind {
    Title,
    RichText,
    Number,
    Select,
    MultiSelect,
    Status,
    Date,
    People,
    Files,
    Checkbox,
    Url,
    Email,
    PhoneNumber,
    Formula,
    Relation,
    Rollup,
    CreatedTime,
    CreatedBy,
    LastEditedTime,
    LastEditedBy,
    UniqueId,
    Button,
    Verification,
    Place,
}

impl PropertyKind {
    pub(crate) const ALL: [Self; 24] = [
        Self::Title,
        Self::RichText,
        Self::Number,
        Self::Select,
        Self::MultiSelect,
        Self::Status,
        Self::Date,
        Self::People,
        Self::Files,
        Self::Checkbox,
        Self::Url,
        Self::Email,
        Self::PhoneNumber,
        Self::Formula,
        Self::Relation,
        Self::Rollup,
        Self::CreatedTime,
        Self::CreatedBy,
        Self::LastEditedTime,
        Self::LastEditedBy,
        Self::UniqueId,
        Self::Button,
        Self::Verification,
        Self::Place,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::RichText => "rich_text",
            Self::Number => "number",
            Self::Select => "select",
            Self::MultiSelect => "multi_select",
            Self::Status => "status",
            Self::Date => "date",
            Self::People => "people",
            Self::Files => "files",
            Self::Checkbox => "checkbox",
            Self::Url => "url",
            Self::Email => "email",
            Self::PhoneNumber => "phone_number",
            Self::Formula => "formula",
            Self::Relation => "relation",
            Self::Rollup => "rollup",
            Self::CreatedTime => "created_time",
            Self::CreatedBy => "created_by",
            Self::LastEditedTime => "last_edited_time",
            Self::LastEditedBy => "last_edited_by",
            Self::UniqueId => "unique_id",
            Self::Button => "button",
            Self::Verification => "verification",
            Self::Place => "place",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Values are chosen from a list.
    pub(crate) fn has_options(self) -> bool {
        matches!(self, Self::Select | Self::MultiSelect | Self::Status)
    }

    /// Computed or given by Notion: nobody writes its values.
    pub(crate) fn is_read_only(self) -> bool {
        matches!(
            self,
            Self::Formula
                | Self::Rollup
                | Self::CreatedTime
                | Self::CreatedBy
                | Self::LastEditedTime
                | Self::LastEditedBy
                | Self::UniqueId
                | Self::Button
        )
    }
}

/// A choice of a select, multi-select or status property.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Choice {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) color: String,
    pub(crate) description: Option<String>,
}

/// A group of status choices.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Group {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) color: String,
    pub(crate) option_ids: Vec<String>,
}

/// The settings of a property, by type.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Settings {
    /// Nothing to set.
    Plain,
    Number {
        format: String,
    },
    Choices {
        options: Vec<Choice>,
        groups: Vec<Group>,
    },
    /// The expression names properties by id, in Notion's own placeholders.
    Formula {
        expression: String,
    },
    /// `synced` is the id of the property on the other side.
    Relation {
        source: Id,
        synced: Option<String>,
    },
    Rollup {
        relation: String,
        target: String,
        function: String,
    },
    UniqueId {
        prefix: Option<String>,
    },
}

/// One property.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Property {
    /// As it is; answers show it percent-encoded.
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) kind: PropertyKind,
    pub(crate) settings: Settings,
    /// Members that newer versions know and this one only keeps.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub(crate) extra: Value,
}

impl Property {
    /// A property without settings.
    pub(crate) fn plain(id: &str, name: &str, kind: PropertyKind) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            description: None,
            kind,
            settings: Settings::Plain,
            extra: Value::Null,
        }
    }

    pub(crate) fn choices(&self) -> &[Choice] {
        if let Settings::Choices { options, .. } = &self.settings { options } else { &[] }
    }

    pub(crate) fn choice(&self, id: &str) -> Option<&Choice> {
        self.choices().iter().find(|choice| choice.id == id)
    }

    /// The id as answers show it.
    pub(crate) fn encoded_id(&self) -> String {
        encode(&self.id)
    }

    /// Whether a request means this property: by name, by id, by encoded id.
    pub(crate) fn is_called(&self, text: &str) -> bool {
        self.name == text || self.id == text || self.encoded_id() == text
    }
}

/// A property id as it is, of one as answers show it.
pub(crate) fn decode(id: &str) -> String {
    percent_encoding::percent_decode_str(id).decode_utf8_lossy().into_owned()
}

/// Percent-encodes a property id as JavaScript's `encodeURIComponent` does.
pub(crate) fn encode(id: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const SET: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'_')
        .remove(b'.')
        .remove(b'!')
        .remove(b'~')
        .remove(b'*')
        .remove(b'\'')
        .remove(b'(')
        .remove(b')');
    utf8_percent_encode(id, SET).to_string()
}
