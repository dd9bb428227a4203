//! The fake NBI as a server.

fn main() {}
