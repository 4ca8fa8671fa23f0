//! The client library, the clients' command line, and the examples, on the running service.

mod commands;
mod documented_commands;
mod examples;
mod exit_codes;
mod library;
mod put;
mod terminal;
