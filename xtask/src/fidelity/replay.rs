//! Plays a transcript against a sandbox that holds what it presupposes.

use http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::bench::Bench;
use super::compare::{Comparer, Difference, Kind};
use super::conditions::Conditions;
use super::contradiction::Rows;
use super::drawn::encoded;
use super::index::{Lag, lags};
use super::normalise::{Applied, Item};
use super::presuppose::presuppose;
use super::recording::{Exchange, Recording};

/// Nobody waits longer for a task, in seconds.
const POLL_AFTER_MAX: i64 = 600;

/// What came of one exchange.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) operation: String,
    pub(super) version: String,
    pub(super) place: String,
    pub(super) differences: Vec<Difference>,
    /// Of a query with a filter: whether the same objects were found.
    pub(super) filtered: Option<Filtered>,
}

/// The result of a filter, on both sides in the recorded ids.
#[derive(Debug)]
pub(super) struct Filtered {
    pub(super) filter: Value,
    pub(super) is_same: bool,
    /// The recording's own values do not fit the filter: something was scrubbed out of them.
    pub(super) is_contradictory: bool,
    pub(super) recorded: usize,
    pub(super) ours: usize,
}

/// What came of a recording.
#[derive(Debug)]
pub(super) struct Played {
    pub(super) name: String,
    pub(super) unreadable: Vec<String>,
    pub(super) outcomes: Vec<Outcome>,
    pub(super) applied: Applied,
}

/// Plays every cassette of a recording, each against a world of its own.
pub(super) fn play(recording: &Recording, conditions: &Conditions) -> anyhow::Result<Played> {
    play_while(recording, conditions, |_| true)
}

/// The same, as long as `goes_on` agrees to what came of the last exchange.
pub(super) fn play_while(
    recording: &Recording,
    conditions: &Conditions,
    mut goes_on: impl FnMut(&Outcome) -> bool,
) -> anyhow::Result<Played> {
    let mut played = Played {
        name: recording.name.clone(),
        unreadable: recording.unreadable.clone(),
        outcomes: Vec::new(),
        applied: Applied::default(),
    };
    // A transcript that tells no time was made with the others.
    let all = recording.cassettes.values().flatten();
    let latest = all.filter_map(moment).max().unwrap_or(Timestamp::UNIX_EPOCH);
    // And what was only read may be older than the recording.
    let writes = recording.cassettes.values().flatten().filter(|one| one.is_write());
    let earliest = writes.filter_map(moment).min();
    for exchanges in recording.cassettes.values() {
        let mut player = match Player::new(exchanges, conditions, (earliest, latest)) {
            Ok(player) => player,
            Err(error) => {
                let error = error.context("the presupposed world cannot be made");
                played.outcomes.extend(exchanges.iter().map(|one| Outcome::failed(one, &error)));
                continue;
            }
        };
        let lags = lags(exchanges);
        for (place, exchange) in exchanges.iter().enumerate() {
            let lag = lags.get(&place).cloned().unwrap_or_default();
            let done = player.lag(&lag).and_then(|()| player.play(exchange));
            let outcome = done.unwrap_or_else(|error| Outcome::failed(exchange, &error));
            let is_enough = !goes_on(&outcome);
            played.outcomes.push(outcome);
            if is_enough {
                return Ok(played);
            }
        }
        played.applied.add(&player.comparer.applied);
    }
    Ok(played)
}

impl Outcome {
    /// An exchange that could not be played at all is one that differs.
    fn failed(exchange: &Exchange, error: &anyhow::Error) -> Self {
        let difference = Difference {
            path: String::new(),
            kind: Kind::Status,
            recorded: exchange.status.into(),
            ours: format!("{error:#}").into(),
        };
        Self {
            operation: exchange.operation.clone(),
            version: exchange.version.clone().unwrap_or_default(),
            place: format!("{} {}", exchange.cassette, exchange.n),
            differences: vec![difference],
            filtered: None,
        }
    }
}

/// One cassette being played.
struct Player<'a> {
    bench: Bench<'a>,
    token: String,
    comparer: Comparer,
    now: Timestamp,
    /// How long an answer told to wait before a task is asked for.
    poll_after: SignedDuration,
    usual_version: String,
    rows: Rows,
}

impl<'a> Player<'a> {
    fn new(
        exchanges: &[Exchange],
        conditions: &'a Conditions,
        (earliest, latest): (Option<Timestamp>, Timestamp),
    ) -> anyhow::Result<Self> {
        let bench = Bench::empty(conditions)?;
        let before = presuppose(exchanges);
        // The first write tells the time best; what was only read may be old.
        let write = exchanges.iter().filter(|one| one.is_write()).find_map(moment);
        let read = exchanges.iter().filter_map(moment).max();
        let now = write.or(read.max(earliest)).unwrap_or(latest);
        bench.control("clock", &json!({"freeze": true}))?;
        bench.control("clock", &json!({"now": now.to_string()}))?;
        load(&bench, &before.document)?;
        let mut connection = before.connection.clone();
        connection["shared"] = json!([]);
        let token = bench.control("tokens", &connection)?;
        for id in &before.shared {
            // What is only named in an answer need not have become an object.
            let _ = bench.control("share", &json!({"bot_id": token["bot_id"], "id": id}));
        }
        let mut comparer = Comparer::default();
        before.ids.iter().for_each(|id| comparer.drawn.know(id));
        let version = exchanges.iter().find_map(|exchange| exchange.version.clone());
        Ok(Self {
            bench,
            token: token["token"].as_str().unwrap_or_default().to_owned(),
            comparer,
            now,
            poll_after: SignedDuration::ZERO,
            usual_version: version.unwrap_or_else(|| notion::Version::LATEST.to_string()),
            rows: Rows::default(),
        })
    }

    /// Sets search's index to where it was.
    fn lag(&mut self, lag: &Lag) -> anyhow::Result<()> {
        let ours = |ids: &[String]| -> Vec<String> {
            ids.iter().map(|id| self.comparer.drawn.ours(id)).collect()
        };
        let body = json!({"late": ours(&lag.late)});
        for _ in &lag.late {
            self.comparer.applied.note(Item::SearchIndex);
        }
        self.bench.control("search-index", &body)?;
        Ok(())
    }

    fn play(&mut self, exchange: &Exchange) -> anyhow::Result<Outcome> {
        self.move_clock(exchange)?;
        // Rows without a sort stand in the order of drawn ids in some years: pages get the drawn one.
        let is_new_page = exchange.method == Method::POST && exchange.path == "/v1/pages";
        let wished = exchange.answer["id"].as_str().filter(|_| is_new_page && exchange.succeeded());
        let wished: Vec<&str> = wished.into_iter().collect();
        if self.bench.control("ids", &json!({"next": wished})).is_err() {
            self.bench.control("ids", &json!({"next": []}))?;
        }
        self.comparer.heed(&exchange.request);
        let version = exchange.version.clone().unwrap_or_else(|| self.usual_version.clone());
        let token = if exchange.status == 401 { "unknown" } else { &self.token };
        let bearer = format!("Bearer {token}");
        let mut headers =
            vec![("authorization", bearer.as_str()), ("notion-version", version.as_str())];
        if let (Value::String(_), Some(kind)) = (&exchange.request, &exchange.content_type) {
            headers.push(("content-type", kind));
        }
        let request = self.comparer.drawn.our_value(&exchange.request);
        let ours = self.bench.ask(&exchange.method, &self.address(exchange), &headers, &request);
        let answer = (exchange.status, &exchange.answer);
        let differences = self.comparer.compare(answer, (ours.0, &ours.1));
        if exchange.path.ends_with("/query") {
            self.rows.learn(exchange);
        }
        if let Some(seconds) = exchange.answer["poll_after_seconds"].as_u64() {
            let seconds = i64::try_from(seconds).unwrap_or_default().min(POLL_AFTER_MAX);
            self.poll_after = SignedDuration::from_secs(seconds);
        }
        let filtered = self.filtered(exchange, &ours.1);
        Ok(Outcome {
            operation: exchange.operation.clone(),
            version,
            place: format!("{} {}", exchange.cassette, exchange.n),
            differences,
            filtered,
        })
    }

    /// Goes on to the time that the answer tells of; never back.
    fn move_clock(&mut self, exchange: &Exchange) -> anyhow::Result<()> {
        let told = moment(exchange).unwrap_or(self.now);
        // Who asks for a task has waited as an answer before told.
        let is_poll = exchange.segments().first() == Some(&"async_tasks");
        let wait = if is_poll { self.poll_after } else { SignedDuration::ZERO };
        let step = self.now.checked_add(wait + SignedDuration::from_millis(1))?;
        self.now = step.max(told);
        self.bench.control("clock", &json!({"now": self.now.to_string()}))?;
        self.bench.control("era", &json!({"as_of": self.now.to_string()}))?;
        Ok(())
    }

    fn address(&self, exchange: &Exchange) -> String {
        let drawn = &self.comparer.drawn;
        let ours = |part: &str| encoded(&super::recording::decoded(&drawn.ours(part)));
        let path: Vec<String> = exchange.path.split('/').map(ours).collect();
        let mut query = Vec::new();
        for (key, value) in exchange.query.as_object().into_iter().flatten() {
            let all = match value {
                Value::Array(all) => all.iter().collect(),
                one => vec![one],
            };
            for one in all {
                let text = one.as_str().map_or_else(|| one.to_string(), str::to_owned);
                let text =
                    if key == "start_cursor" { drawn.our_cursor(&text) } else { drawn.ours(&text) };
                query.push(format!("{}={}", encoded(key), encoded(&text)));
            }
        }
        let path = path.join("/");
        if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) }
    }

    /// Whether a filter found the same objects, in whatever order.
    fn filtered(&self, exchange: &Exchange, ours: &Value) -> Option<Filtered> {
        let filter = &exchange.request["filter"];
        if !exchange.path.ends_with("/query") || !exchange.succeeded() || !filter.is_object() {
            return None;
        }
        let ids = |answer: &Value| -> Vec<String> {
            let results = answer["results"].as_array().into_iter().flatten();
            results.filter_map(|one| one["id"].as_str()).map(str::to_owned).collect()
        };
        let is_contradictory = self.rows.contradict(exchange, &ids(&exchange.answer));
        let mut recorded: Vec<String> =
            ids(&exchange.answer).iter().map(|id| self.comparer.drawn.ours(id)).collect();
        let mut found = ids(ours);
        recorded.sort();
        found.sort();
        Some(Filtered {
            filter: filter.clone(),
            is_contradictory,
            is_same: recorded == found && ours["results"].is_array(),
            recorded: recorded.len(),
            ours: found.len(),
        })
    }
}

/// Puts the presupposed world in place. What answers show need not fit together, where they were
/// scrubbed or made by hand: objects that do not are left out.
fn load(bench: &Bench, document: &Value) -> anyhow::Result<()> {
    if bench.control("import", document).is_ok() {
        return Ok(());
    }
    let mut fitting = document.clone();
    fitting["objects"] = json!([]);
    fitting["children"] = json!({});
    for object in document["objects"].as_array().into_iter().flatten() {
        let mut wider = fitting.clone();
        if let Some(objects) = wider["objects"].as_array_mut() {
            objects.push(object.clone());
        }
        if bench.control("import", &wider).is_ok() {
            fitting = wider;
        }
    }
    let mut ordered = fitting.clone();
    ordered["children"] = document["children"].clone();
    if bench.control("import", &ordered).is_err() {
        bench.control("import", &fitting)?;
    }
    Ok(())
}

/// The latest time of which an answer tells; a signed URL lives for an hour.
fn moment(exchange: &Exchange) -> Option<Timestamp> {
    fn search(value: &Value, found: &mut Option<Timestamp>) {
        match value {
            Value::Array(all) => all.iter().for_each(|one| search(one, found)),
            Value::Object(members) => {
                for (key, value) in members {
                    let time = value.as_str().and_then(|text| text.parse::<Timestamp>().ok());
                    let time = match key.as_str() {
                        "created_time" | "last_edited_time" => time,
                        "expiry_time" => {
                            time.and_then(|t| t.checked_sub(SignedDuration::from_hours(1)).ok())
                        }
                        _ => None,
                    };
                    *found = (*found).max(time);
                    search(value, found);
                }
            }
            _ => {}
        }
    }
    let mut found = None;
    search(&exchange.answer, &mut found);
    found
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::fidelity::recording;

    /// A transcript written by hand, in the recordings' form.
    fn own() -> Recording {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/fidelity/own.jsonl");
        recording::read(&path).unwrap()
    }

    fn differing(recording: &Recording) -> Vec<String> {
        let played = play(recording, &Conditions::default()).unwrap();
        let different = played.outcomes.iter().filter(|one| !one.differences.is_empty());
        different.map(|one| format!("{} {:?}", one.place, one.differences)).collect()
    }

    #[test]
    fn a_transcript_plays_against_the_world_that_it_presupposes() {
        let recording = own();
        assert_eq!(recording.unreadable.len(), 1);
        assert_eq!(differing(&recording), Vec::<String>::new());
    }

    #[test]
    fn what_is_not_so_is_noticed() {
        let mut recording = own();
        let exchanges = recording.cassettes.values_mut().next().unwrap();
        exchanges[4].answer["to_do"]["checked"] = false.into();
        exchanges[6].status = 400;
        assert_eq!(differing(&recording).len(), 2);
    }
}
