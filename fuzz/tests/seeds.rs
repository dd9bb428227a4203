//! What the fuzzer starts from, and every input that once made trouble, does no harm.

use std::path::Path;

#[test]
fn every_seed_of_every_target_does_no_harm() {
    for (name, target) in fuzz::TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
        let mut count = 0;
        for entry in fs_err::read_dir(folder).expect("a folder of seeds") {
            let path = entry.expect("a folder that can be listed").path();
            let input = fs_err::read(&path).expect("a seed");
            let done = std::panic::catch_unwind(|| target(&input));
            assert!(done.is_ok(), "{}", path.display());
            count += 1;
        }
        assert!(count >= 5, "{name}: {count} seeds");
    }
}
