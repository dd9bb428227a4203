//! Scenario files, their transcripts, and the `scenario` program.

#![allow(clippy::unwrap_used, reason = "a test may panic; helpers of tests too")]

mod cases;
mod cli;
mod git;
mod http;
mod scripts;
mod sim;
mod support;
mod upstream;
