//! The log that a host of a run would have written if the production node had run there: its words, its habits, its forms. A line
//! tells nothing that the host couldn't know.
mod form;
mod host;
mod moment;
mod peers;
mod sync;

pub use form::Form;
pub use host::{Line, lines};
