//! Counters, in the text format of Prometheus.

use std::fmt;
use std::time::Duration;

use gate::MirrorStatus;
use http::{Method, StatusCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct RequestLabels {
    route: String,
    method: &'static str,
    status: u16,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct RouteLabels {
    route: String,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct ReasonLabels {
    reason: String,
}

/// Every counter of the doors.
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Histogram>,
    refusals: Family<ReasonLabels, Counter>,
    ready: Gauge,
    mirror_rows: Counter,
    mirror_failures: Counter,
    mirror_waiting: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("notegate");
        let requests = Family::default();
        registry.register(
            "http_requests",
            "Requests, by route or Notion operation",
            requests.clone(),
        );
        let durations = Family::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> _);
        registry.register_with_unit(
            "http_request_duration",
            "Time from the request to the head of its answer",
            Unit::Seconds,
            durations.clone(),
        );
        let refusals = Family::default();
        registry.register("refusals", "Requests that were refused, by rule", refusals.clone());
        let ready = Gauge::default();
        registry.register(
            "ready",
            "1 if calls can be made: ledger and connection work",
            ready.clone(),
        );
        let (mirror_rows, mirror_failures) = (Counter::default(), Counter::default());
        registry.register(
            "audit_mirror_rows",
            "Rows written into the Notion database that mirrors the ledger",
            mirror_rows.clone(),
        );
        registry.register(
            "audit_mirror_failures",
            "Attempts to write there that failed; they are made again",
            mirror_failures.clone(),
        );
        let mirror_waiting = Gauge::default();
        registry.register(
            "audit_mirror_waiting",
            "Entries of the ledger that are not mirrored there yet",
            mirror_waiting.clone(),
        );
        Self {
            registry,
            requests,
            durations,
            refusals,
            ready,
            mirror_rows,
            mirror_failures,
            mirror_waiting,
        }
    }
}

const BUCKETS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0, 30.0];

impl Metrics {
    /// Counts one request. `route` is a route, an operation or `unmatched`: a bounded set.
    pub(crate) fn count(
        &self,
        route: &str,
        method: &Method,
        status: StatusCode,
        reason: Option<&str>,
        took: Duration,
    ) {
        let method = match method.as_str() {
            "GET" => "GET",
            "POST" => "POST",
            "PATCH" => "PATCH",
            "DELETE" => "DELETE",
            _ => "other",
        };
        let labels = RequestLabels { route: route.to_owned(), method, status: status.as_u16() };
        self.requests.get_or_create(&labels).inc();
        let labels = RouteLabels { route: labels.route };
        self.durations.get_or_create(&labels).observe(took.as_secs_f64());
        if let Some(reason) = reason {
            self.refusals.get_or_create(&ReasonLabels { reason: reason.to_owned() }).inc();
        }
    }

    /// All of it as text.
    pub(crate) fn text(
        &self,
        ready: bool,
        mirror: Option<MirrorStatus>,
    ) -> Result<String, fmt::Error> {
        self.ready.set(i64::from(ready));
        if let Some(MirrorStatus { written, failed, waiting }) = mirror {
            self.mirror_rows.inc_by(written.saturating_sub(self.mirror_rows.get()));
            self.mirror_failures.inc_by(failed.saturating_sub(self.mirror_failures.get()));
            self.mirror_waiting.set(waiting.cast_signed());
        }
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}
