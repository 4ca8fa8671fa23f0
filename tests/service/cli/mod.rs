//! The program itself: how it starts and stops, its commands, and the folder it works in.

mod audit;
mod backup;
mod data_folder;
mod draining;
mod health;
mod keys;
mod ownership;
mod start;
mod upgrades;
