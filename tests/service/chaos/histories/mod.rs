//! What many clients are told at once, while processes are killed, is what one document after
//! the other could have told them.

mod board;
mod campaign;
mod checker;
mod clients;
