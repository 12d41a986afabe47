//! What a running node tells over HTTP: `/metrics`, `/status`, `/healthz`, `/readyz`.
mod process;
mod routes;
mod server;

pub use crate::protocol::Status;
pub use server::{HttpServer, Sources};
