//! `make fuzz` runs this; the target itself is `fuzz::yaml`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::yaml::run(input));
