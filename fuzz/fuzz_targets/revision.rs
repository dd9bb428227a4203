//! `make fuzz` runs this; the target itself is `fuzz::revision`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::revision::run(input));
