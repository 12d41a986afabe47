//! What a running node tells over HTTP: `/metrics`, `/status`, `/healthz`, `/readyz`.
mod process;
mod routes;
mod server;

pub use crate::protocol::{
    BackOffStatus, BanStatus, Direction, ForkStage, ForkStatus, PeerStatus, RangeStatus, ReorgStatus, Role, Standing,
    Status,
};
pub use server::{HttpServer, Sources};
