#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hashcart_fuzz::fuzz::run("envelope", data));
