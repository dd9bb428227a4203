//! `make fuzz` runs this; the target itself is `fuzz::descriptor`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::descriptor::run(input));
