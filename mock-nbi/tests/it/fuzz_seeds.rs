//! What the fuzzer starts from, and every input that once made trouble, does no harm.

#[path = "../../fuzz/drive.rs"]
mod drive;

#[test]
fn the_fuzzers_seeds_are_answered() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/router");
    let mut count = 0;
    for entry in fs_err::read_dir(folder).unwrap() {
        drive::drive(&fs_err::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count >= 10, "{count}");
}
