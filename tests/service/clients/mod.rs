//! The client library, the clients' command line, and the examples, on the running service.

mod administration;
mod commands;
mod documented_commands;
mod examples;
mod exit_codes;
mod interrupted;
mod library;
mod pipes;
mod put;
mod terminal;
