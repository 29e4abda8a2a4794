//! Which members the configuration of a view has, by type of view: those of the official SDK.

use PropertyKind as P;
use Shape::{Bool, FormulaGroup, GroupBy, List, Number, Object, Property, Text, Weekday, Word};

use crate::world::property::PropertyKind;

/// What a member holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    Bool,
    Number,
    Text,
    Word(&'static [&'static str]),
    /// 0 or 1: the day on which a week begins.
    Weekday,
    /// The id (or name) of a property of one of these types; of any, if there are none.
    Property(&'static [PropertyKind]),
    Object(&'static [Field]),
    List(&'static [Field]),
    GroupBy,
    /// How the result of a formula is grouped.
    FormulaGroup,
}

/// Whether a member must be there, and whether it may be `null`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Need {
    Required,
    Optional,
    Nullable,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) need: Need,
}

const fn required(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, need: Need::Required }
}

const fn optional(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, need: Need::Optional }
}

const fn nullable(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, need: Need::Nullable }
}

const DATES: &[P] = &[P::Date, P::CreatedTime, P::LastEditedTime, P::Formula, P::Rollup];

const COLUMNS: Shape = List(&[
    required("property_id", Property(&[])),
    optional("visible", Bool),
    optional("width", Number),
    optional("wrap", Bool),
    optional("status_show_as", Word(&["select", "checkbox"])),
    optional("card_property_width_mode", Word(&["full_line", "inline"])),
    optional(
        "date_format",
        Word(&["full", "short", "month_day_year", "day_month_year", "year_month_day", "relative"]),
    ),
    optional("time_format", Word(&["12_hour", "24_hour", "hidden"])),
]);
const PROPERTIES: Field = nullable("properties", COLUMNS);
const COVER: [Field; 4] = [
    nullable(
        "cover",
        Object(&[
            required("type", Word(&["page_cover", "page_content", "property"])),
            optional("property_id", Property(&[P::Files])),
        ]),
    ),
    nullable("cover_size", Word(&["small", "medium", "large"])),
    nullable("cover_aspect", Word(&["contain", "cover"])),
    nullable("card_layout", Word(&["list", "compact"])),
];
const HEIGHTS: Shape = Word(&["small", "medium", "large", "extra_large"]);
const SORT: Shape = Object(&[required("type", Word(&["manual", "ascending", "descending"]))]);
const AGGREGATION: Shape = Object(&[
    required(
        "aggregator",
        Word(&[
            "count",
            "count_values",
            "sum",
            "average",
            "median",
            "min",
            "max",
            "range",
            "unique",
            "empty",
            "not_empty",
            "percent_empty",
            "percent_not_empty",
            "checked",
            "unchecked",
            "percent_checked",
            "percent_unchecked",
            "earliest_date",
            "latest_date",
            "date_range",
        ]),
    ),
    optional("property_id", Property(&[])),
]);

const TABLE: &[Field] = &[
    PROPERTIES,
    nullable("group_by", GroupBy),
    nullable(
        "subtasks",
        Object(&[
            optional("property_id", Property(&[P::Relation])),
            optional("display_mode", Word(&["show", "hidden", "flattened", "disabled"])),
            optional("filter_scope", Word(&["parents", "parents_and_subitems", "subitems"])),
            optional("toggle_column_id", Property(&[])),
        ]),
    ),
    optional("wrap_cells", Bool),
    optional("frozen_column_index", Number),
    optional("show_vertical_lines", Bool),
];
const BOARD: &[Field] = &[
    required("group_by", GroupBy),
    nullable("sub_group_by", GroupBy),
    PROPERTIES,
    COVER[0],
    COVER[1],
    COVER[2],
    COVER[3],
];
const CALENDAR: &[Field] = &[
    required("date_property_id", Property(DATES)),
    PROPERTIES,
    nullable("view_range", Word(&["week", "month"])),
    nullable("show_weekends", Bool),
];
const TIMELINE: &[Field] = &[
    required("date_property_id", Property(DATES)),
    nullable("end_date_property_id", Property(DATES)),
    PROPERTIES,
    nullable("show_table", Bool),
    nullable("table_properties", COLUMNS),
    nullable(
        "preference",
        Object(&[
            required(
                "zoom_level",
                Word(&["hours", "day", "week", "bi_week", "month", "quarter", "year", "5_years"]),
            ),
            optional("center_timestamp", Number),
        ]),
    ),
    nullable("arrows_by", Object(&[nullable("property_id", Property(&[P::Relation]))])),
    nullable("color_by", Bool),
];
const GALLERY: &[Field] = &[PROPERTIES, COVER[0], COVER[1], COVER[2], COVER[3]];
const LIST: &[Field] = &[PROPERTIES];
const MAP: &[Field] =
    &[nullable("height", HEIGHTS), nullable("map_by", Property(&[P::Place])), PROPERTIES];
const FORM: &[Field] = &[
    nullable("is_form_closed", Bool),
    nullable("anonymous_submissions", Bool),
    nullable(
        "submission_permissions",
        Word(&["none", "comment_only", "reader", "read_and_write", "editor"]),
    ),
];
const CHART: &[Field] = &[
    required("chart_type", Word(&["column", "bar", "line", "donut", "number"])),
    nullable("x_axis", GroupBy),
    nullable("y_axis", AGGREGATION),
    nullable("x_axis_property_id", Property(&[])),
    nullable("y_axis_property_id", Property(&[])),
    nullable("value", AGGREGATION),
    nullable(
        "sort",
        Word(&["manual", "x_ascending", "x_descending", "y_ascending", "y_descending"]),
    ),
    nullable(
        "color_theme",
        Word(&[
            "gray", "blue", "yellow", "green", "purple", "teal", "orange", "pink", "red", "auto",
            "colorful",
        ]),
    ),
    nullable("height", HEIGHTS),
    nullable("hide_empty_groups", Bool),
    nullable("legend_position", Word(&["off", "bottom", "side"])),
    nullable("show_data_labels", Bool),
    nullable("axis_labels", Word(&["none", "x_axis", "y_axis", "both"])),
    nullable("grid_lines", Word(&["none", "horizontal", "vertical", "both"])),
    nullable("cumulative", Bool),
    nullable("smooth_line", Bool),
    nullable("hide_line_fill_area", Bool),
    nullable("group_style", Word(&["normal", "percent", "side_by_side"])),
    nullable("y_axis_min", Number),
    nullable("y_axis_max", Number),
    nullable("donut_labels", Word(&["none", "value", "name", "name_and_value"])),
    nullable("hide_title", Bool),
    nullable("stack_by", GroupBy),
    nullable(
        "reference_lines",
        List(&[
            optional("id", Text),
            required("value", Number),
            required("label", Text),
            required(
                "color",
                Word(&[
                    "gray",
                    "lightgray",
                    "brown",
                    "yellow",
                    "orange",
                    "green",
                    "blue",
                    "purple",
                    "pink",
                    "red",
                ]),
            ),
            required("dash_style", Word(&["solid", "dash"])),
        ]),
    ),
    nullable("caption", Text),
    nullable("color_by_value", Bool),
];

/// The types by which a view can be grouped.
pub(super) const GROUP_TYPES: [&str; 18] = [
    "select",
    "multi_select",
    "status",
    "person",
    "created_by",
    "last_edited_by",
    "relation",
    "date",
    "created_time",
    "last_edited_time",
    "text",
    "title",
    "url",
    "email",
    "phone_number",
    "number",
    "checkbox",
    "formula",
];
const BY_DATE: Field = required("group_by", Word(&["relative", "day", "week", "month", "year"]));
const BY_TEXT: Field = required("group_by", Word(&["exact", "alphabet_prefix"]));
const WEEK: Field = optional("start_day_of_week", Weekday);
const RANGES: [Field; 3] = [
    optional("range_start", Number),
    optional("range_end", Number),
    optional("range_size", Number),
];
const TAIL: [Field; 2] = [required("sort", SORT), optional("hide_empty_groups", Bool)];

/// The members that a type of view has.
pub(super) fn of_view(kind: &str) -> &'static [Field] {
    match kind {
        "table" => TABLE,
        "board" => BOARD,
        "calendar" => CALENDAR,
        "timeline" => TIMELINE,
        "gallery" => GALLERY,
        "list" => LIST,
        "map" => MAP,
        "form" => FORM,
        "chart" => CHART,
        _ => &[],
    }
}

/// The members of `group_by`, beside its `type`.
pub(super) fn of_group(kind: &str) -> Vec<Field> {
    let mut fields = vec![required("property_id", Property(&[]))];
    if kind == "formula" {
        fields.extend([required("group_by", FormulaGroup), TAIL[1]]);
        return fields;
    }
    match kind {
        "status" => fields.push(required("group_by", Word(&["group", "option"]))),
        "date" | "created_time" | "last_edited_time" => fields.push(BY_DATE),
        "text" | "title" | "url" | "email" | "phone_number" => fields.push(BY_TEXT),
        _ => {}
    }
    fields.extend(TAIL);
    match kind {
        "date" | "created_time" | "last_edited_time" => fields.push(WEEK),
        "number" => fields.extend(RANGES),
        _ => {}
    }
    fields
}

/// The members of the `group_by` of a formula, by the type of its result.
pub(super) fn of_formula_group(kind: &str) -> Vec<Field> {
    match kind {
        "date" => vec![BY_DATE, TAIL[0], WEEK],
        "text" => vec![BY_TEXT, TAIL[0]],
        "number" => vec![TAIL[0], RANGES[0], RANGES[1], RANGES[2]],
        _ => vec![TAIL[0]],
    }
}
