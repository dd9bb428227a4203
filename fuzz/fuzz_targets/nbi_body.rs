//! `make fuzz` runs this; the target itself is `fuzz::nbi_body`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::nbi_body::run(input));
