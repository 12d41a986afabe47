//! What each path answers.
use std::sync::Arc;

use axum::Router;
use axum::body::HttpBody;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus::TEXT_FORMAT;

use super::Sources;
use super::process::ProcessMetrics;

const JSON: &str = "application/json";

type Read = State<Arc<(Sources, ProcessMetrics)>>;

/// All routes. None changes anything, and no request may have a body.
pub(super) fn routes(sources: Sources) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/status", get(status))
        .route("/healthz", get(health))
        .route("/readyz", get(ready))
        .fallback(|| async { (StatusCode::NOT_FOUND, "here are /metrics, /status, /healthz and /readyz\n") })
        .layer(from_fn(refuse_body))
        .with_state(Arc::new((sources, ProcessMetrics::new())))
}

async fn refuse_body(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        next.run(request).await
    } else {
        (StatusCode::PAYLOAD_TOO_LARGE, "no request here has a body\n").into_response()
    }
}

async fn metrics(State(read): Read) -> Response {
    let (sources, process) = &*read;
    ([(CONTENT_TYPE, TEXT_FORMAT)], sources.telemetry.metrics().render() + &process.render()).into_response()
}

async fn status(State(read): Read) -> Response {
    match read.0.status.ask().await {
        Ok(status) => {
            let json = serde_json::to_vec(&*status).expect("a status is JSON");
            ([(CONTENT_TYPE, JSON)], json).into_response()
        }
        Err(error) => unavailable(error.to_string()),
    }
}

/// Whether the loop runs.
async fn health(State(read): Read) -> Response {
    match read.0.status.ask().await {
        Ok(_) => "ok\n".into_response(),
        Err(error) => unavailable(error.to_string()),
    }
}

/// Whether the node is in sync.
async fn ready(State(read): Read) -> Response {
    match read.0.status.ask().await {
        Ok(status) => match status.ready() {
            Ok(()) => "ok\n".into_response(),
            Err(reason) => unavailable(reason),
        },
        Err(error) => unavailable(error.to_string()),
    }
}

fn unavailable(reason: String) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, reason + "\n").into_response()
}
