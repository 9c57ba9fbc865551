//! Logs, traces and metrics, set up once for every service.
//!
//! Logs go to standard output, as text or JSON. Traces go to an OTLP collector when `OTEL_EXPORTER_OTLP_ENDPOINT` is
//! set, and are carried through RabbitMQ in W3C `traceparent` headers. Metrics are rendered for Prometheus.

mod call;
mod log_level;
mod looks;
mod metrics_table;
mod scrape;
mod trace;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

pub use call::Call;
pub use log_level::{LogLevel, check_directives};
pub use looks::looked;
pub use scrape::{ABSENT, Scrape};
pub use trace::{follow, link, traceparent};

/// The interval of the metrics recorder's housekeeping.
const UPKEEP: std::time::Duration = std::time::Duration::from_secs(5);

/// Settings of logs and traces.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Telemetry")]
pub struct TelemetryArgs {
    /// What is logged, as tracing directives: `info`, `warn,distribution=debug`, … `cdnctl log-level` changes it for a
    /// while.
    #[arg(long, env, default_value = "info")]
    pub rust_log: String,
    /// The interval at which a change by `cdnctl log-level` is looked up; at least 100ms.
    #[arg(long, env, default_value = "5s", value_parser = interval)]
    pub log_level_interval: humantime::Duration,
    /// The format of the log.
    #[arg(long, env, value_enum, default_value = "text")]
    pub log_format: LogFormat,
    /// OTLP/HTTP collector for traces, such as http://collector:4318; empty: no traces.
    #[arg(long, env, default_value = "")]
    pub otel_exporter_otlp_endpoint: String,
}

fn interval(text: &str) -> Result<humantime::Duration, String> {
    let interval: humantime::Duration = text.parse().map_err(|error| format!("{error}: write 5s or 1m"))?;
    if *interval < std::time::Duration::from_millis(100) {
        return Err("at least 100ms".to_owned());
    }
    Ok(interval)
}

/// How logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Why telemetry can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `RUST_LOG` is invalid.
    #[error("RUST_LOG can't be read; write for example `info` or `warn,distribution=debug`")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// The collector's address is invalid.
    #[error("OTEL_EXPORTER_OTLP_ENDPOINT can't be used")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
    /// Metrics were set up before.
    #[error("metrics can't be set up")]
    Metrics(#[from] metrics_exporter_prometheus::BuildError),
    /// Logs were set up before.
    #[error("logs can't be set up")]
    Subscriber(#[from] tracing_subscriber::util::TryInitError),
}

/// Below `info` the AWS SDK logs whole requests, and the upload of a certificate contains its private key: never
/// logged, whatever `RUST_LOG` says.
fn holds_no_request(metadata: &tracing::Metadata<'_>) -> bool {
    *metadata.level() <= tracing::Level::INFO || !metadata.target().starts_with("aws_")
}

/// Lives as long as the process. Dropping it flushes the traces.
pub struct Telemetry {
    log_level: LogLevel,
    scrape: Scrape,
    tracer_provider: Option<SdkTracerProvider>,
}

impl Telemetry {
    /// Sets everything up for this process; `service` is its name in logs and traces.
    ///
    /// # Errors
    /// When a setting is invalid.
    pub fn init(args: &TelemetryArgs, service: &'static str) -> Result<Self, TelemetryError> {
        let prometheus = metrics_table::builder()?.install_recorder()?;
        metrics_table::describe();
        let kept_up = prometheus.clone();
        // Otherwise timed samples accumulate in memory while nothing scrapes.
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(UPKEEP);
                kept_up.run_upkeep();
            }
        });
        let (filter, log_level) = LogLevel::new(&args.rust_log)?;
        let log = match args.log_format {
            LogFormat::Text => tracing_subscriber::fmt::layer().with_target(false).boxed(),
            LogFormat::Json => tracing_subscriber::fmt::layer().json().flatten_event(true).boxed(),
        };
        let tracer_provider = match args.otel_exporter_otlp_endpoint.trim_end_matches('/') {
            "" => None,
            endpoint => Some(tracer_provider(endpoint, service)?),
        };
        let traces = tracer_provider
            .as_ref()
            .map(|provider| tracing_opentelemetry::layer().with_tracer(provider.tracer(service)));
        tracing_subscriber::registry()
            .with(filter)
            .with(filter_fn(holds_no_request))
            .with(log)
            .with(traces)
            .try_init()?;
        Ok(Self {
            log_level,
            scrape: Scrape(prometheus),
            tracer_provider,
        })
    }

    /// The metrics, to be scraped.
    pub fn metrics(&self) -> Scrape {
        self.scrape.clone()
    }

    /// Changes the log level.
    pub fn log_level(&self) -> LogLevel {
        self.log_level.clone()
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(provider) = &self.tracer_provider {
            // Logging has ended, so the error can't be reported.
            let _ = provider.shutdown();
        }
    }
}

fn tracer_provider(endpoint: &str, service: &'static str) -> Result<SdkTracerProvider, TelemetryError> {
    use opentelemetry_otlp::WithExportConfig as _;
    // The exporter's HTTP client uses the process's provider; whoever installed it first, it is the same one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_endpoint(format!("{endpoint}/v1/traces"))
        .build()?;
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(Resource::builder().with_service_name(service).build())
        .build())
}

/// An error with its causes, on one line for a log.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
