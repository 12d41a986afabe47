//! Lockstep: runs masternodes in a simulated network, or as processes on real sockets, hurts them, and judges what was seen.
pub mod certify;
pub mod check;
pub mod cli;
pub mod explore;
pub mod export;
pub mod fault;
pub mod history;
mod oracle;
pub mod peer;
pub mod replay;
pub mod report;
pub mod run;
pub mod scenario;
pub mod subject;
mod words;
