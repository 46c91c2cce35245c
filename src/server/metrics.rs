//! What a server tells Prometheus.

use std::fmt;

use axum::{Router, routing::get};
use http::header;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _, MetricEncoder, NoLabelSet, text::encode},
    metrics::{MetricType, exemplar::Exemplar},
    registry::{Registry, Unit},
};
use stellarfw_transport::{Budget, Server, Waiting};

use super::Stellar;
use crate::{
    actions::{Action, ActionMetrics},
    web,
};

impl Stellar {
    /// What `/metrics` answers: OpenMetrics text, for Prometheus and the like.
    #[must_use]
    pub fn metrics(&self) -> String {
        let mut registry = Registry::with_prefix("stellarfw");
        registry.register_collector(Box::new(Scrape(self.clone())));
        let mut text = String::new();
        if let Err(error) = encode(&mut text, &registry) {
            tracing::error!(%error, "the metrics could not be written");
        }
        text
    }

    /// A router that answers `/metrics`, and `/healthz` and `/readyz`. It tells who is connected
    /// to nobody, but how many: put it where only your own can reach it.
    pub fn metrics_router(&self) -> Router {
        let stellar = self.clone();
        let answer = move || {
            let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            let headers = [
                (header::CONTENT_TYPE, content_type),
                (header::CACHE_CONTROL, "no-store"),
            ];
            std::future::ready((headers, stellar.metrics()))
        };
        let metrics = Router::new().route("/metrics", get(answer));
        web::with_known_hosts(&self.server, metrics)
            .merge(web::health_routes(self.inner.availability.clone()))
    }
}

/// Reads everything when it is asked, so that nothing is kept twice.
struct Scrape(Stellar);

impl fmt::Debug for Scrape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scrape")
    }
}

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Stellar { inner, server } = &self.0;
        sparks(&mut encoder, server)?;
        let actions = inner.actions.registry.registered();
        let mut seconds = encoder.encode_descriptor(
            "action_duration",
            "How long calls of actions took, their middleware included",
            Some(&Unit::Seconds),
            MetricType::Histogram,
        )?;
        for registered in &actions {
            let labels = labels(&registered.action);
            let family = seconds.encode_family(&labels)?;
            registered.metrics.seconds.encode(family)?;
        }
        let mut count = |name, help, counter: fn(&ActionMetrics) -> u64| {
            let counts: Vec<_> = actions
                .iter()
                .map(|registered| (labels(&registered.action), counter(&registered.metrics)))
                .collect();
            rows(&mut encoder, name, help, MetricType::Counter, &counts)
        };
        let help = "Calls of actions that were answered with an error";
        count("action_errors", help, |metrics| metrics.errors.get())?;
        let help = "Calls of actions that were dropped because their caller was gone";
        count("action_cancelled", help, |metrics| metrics.cancelled.get())
    }
}

type Labels = Vec<(&'static str, String)>;

fn labels(action: &Action) -> Labels {
    vec![
        ("action", action.name().to_owned()),
        ("version", action.version().to_string()),
    ]
}

/// What the transport layer counts.
fn sparks(encoder: &mut DescriptorEncoder<'_>, server: &Server) -> fmt::Result {
    let counts = server.counts();
    let mut waiting = Waiting::default();
    let mut longest = 0;
    server.for_each(|spark| {
        let here = spark.waiting();
        waiting.frames += here.frames;
        waiting.bytes += here.bytes;
        longest = longest.max(here.bytes);
    });
    let named = |label, name: &str| vec![(label, name.to_owned())];
    let open: Vec<_> = counts
        .transports
        .iter()
        .map(|(name, open, _)| (named("transport", name), *open))
        .collect();
    let opened: Vec<_> = counts
        .transports
        .iter()
        .map(|(name, _, opened)| (named("transport", name), *opened))
        .collect();
    let closed: Vec<_> = counts
        .closed
        .iter()
        .map(|(reason, count)| (named("reason", reason), *count))
        .collect();
    let one = |value: u64| [(Vec::new(), value)];
    let (gauge, counter) = (MetricType::Gauge, MetricType::Counter);
    rows(encoder, "connections", "Open connections", gauge, &open)?;
    let help = "Connections opened since the start";
    rows(encoder, "connections_opened", help, counter, &opened)?;
    let help = "Connections closed since the start";
    rows(encoder, "connections_closed", help, counter, &closed)?;
    let help = "Connections refused: by bounds, their origin, the authorizer";
    rows(
        encoder,
        "connections_refused",
        help,
        counter,
        &one(counts.refused),
    )?;
    let help = "Messages received, control messages apart";
    rows(
        encoder,
        "messages_received",
        help,
        counter,
        &one(counts.received),
    )?;
    let help = "Messages queued to be sent, one for each receiver";
    rows(encoder, "messages_sent", help, counter, &one(counts.sent))?;
    let help = "Volatile messages dropped because an outbox was full";
    rows(
        encoder,
        "messages_dropped",
        help,
        counter,
        &one(counts.dropped),
    )?;
    let help = "Messages, control messages and pings over the rate of their connection";
    rows(
        encoder,
        "messages_over_rate",
        help,
        counter,
        &one(counts.over_rate),
    )?;
    let help = "Bytes of the payloads received";
    rows(
        encoder,
        "received_bytes",
        help,
        counter,
        &one(counts.received_bytes),
    )?;
    let help = "Bytes of the payloads queued to be sent";
    rows(
        encoder,
        "sent_bytes",
        help,
        counter,
        &one(counts.sent_bytes),
    )?;
    let help = "Messages that wait in outboxes";
    rows(
        encoder,
        "outbox_messages",
        help,
        gauge,
        &one(waiting.frames as u64),
    )?;
    let help = "Bytes that wait in outboxes";
    rows(
        encoder,
        "outbox_bytes",
        help,
        gauge,
        &one(waiting.bytes as u64),
    )?;
    let help = "Bytes that wait in the fullest outbox";
    rows(
        encoder,
        "outbox_fullest_bytes",
        help,
        gauge,
        &one(longest as u64),
    )?;
    budget(encoder, server.budget())
}

/// What is held for clients.
fn budget(encoder: &mut DescriptorEncoder<'_>, budget: &Budget) -> fmt::Result {
    let uses = budget.uses();
    let held: Vec<_> = [
        ("inbound", uses.inbound),
        ("outbound", uses.outbound),
        ("work", uses.work),
    ]
    .into_iter()
    .map(|(name, bytes)| (vec![("use", name.to_owned())], bytes as u64))
    .collect();
    let (gauge, counter) = (MetricType::Gauge, MetricType::Counter);
    let help = "Bytes held for clients, by what they are held for";
    rows(encoder, "memory_budget_used_bytes", help, gauge, &held)?;
    let help = "Bytes that may be held for clients";
    // As the setting has it: 0 is no bound.
    let limit = match budget.limit() {
        usize::MAX => 0,
        limit => limit as u64,
    };
    let limit = [(Vec::new(), limit)];
    rows(encoder, "memory_budget_bytes", help, gauge, &limit)?;
    let help = "Work refused because the memory budget was used up";
    let refused = [(Vec::new(), uses.refused)];
    rows(encoder, "memory_budget_refused", help, counter, &refused)
}

/// One metric, with a row for each set of labels.
fn rows(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    kind: MetricType,
    rows: &[(Labels, u64)],
) -> fmt::Result {
    let mut metric = encoder.encode_descriptor(name, help, None, kind)?;
    let write = |row: &mut MetricEncoder<'_>, value: &u64| match kind {
        MetricType::Counter => row.encode_counter(value, NO_EXEMPLAR),
        _ => row.encode_gauge(value),
    };
    for (labels, value) in rows {
        if labels.is_empty() {
            write(&mut metric, value)?;
        } else {
            write(&mut metric.encode_family(labels)?, value)?;
        }
    }
    Ok(())
}

const NO_EXEMPLAR: Option<&Exemplar<NoLabelSet, u64>> = None;
