//! The service under faults made on purpose: whatever is killed, stopped, flushed, cut or filled
//! up, what was answered with 202 comes to its end, once.
//!
//! Each test is a short campaign of one fault. `./test --chaos` runs long ones and prints a table.

mod campaign;
mod commits;
mod crash_points;
mod crashes;
mod database_faults;
mod direct;
mod events;
mod faults;
mod filling_disk;
mod full_database;
mod half_written;
mod histories;
mod load;
mod operations;
mod outcomes;
mod poison;
mod resumable;
mod sweeping;
mod table;
mod unmounted;
