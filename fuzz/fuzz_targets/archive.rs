//! `make fuzz` runs this; the target itself is `fuzz::archive`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::archive::run(input));
