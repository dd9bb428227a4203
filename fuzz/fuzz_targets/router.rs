//! `make fuzz` runs this; the target itself is `fuzz::router`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::router::run(input));
