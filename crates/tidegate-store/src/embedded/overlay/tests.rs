//! The overlay behaves like a file of its own, and the file beneath it never changes.

use std::fs::{self, File};

use proptest::prelude::*;
use redb::StorageBackend;

use super::Overlay;

#[derive(Clone, Debug)]
enum Step {
    Write { offset: u64, len: usize, byte: u8 },
    Resize(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..20_000u64, 0..9000usize, any::<u8>())
            .prop_map(|(offset, len, byte)| Step::Write { offset, len, byte }),
        1 => (0..24_000u64).prop_map(Step::Resize),
    ]
}

proptest! {
    #[test]
    fn it_equals_a_private_copy(steps in prop::collection::vec(step(), 1..30)) {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("file");
        let original: Vec<u8> = (0..10_000u32).map(|n| (n % 251) as u8).collect();
        fs::write(&path, &original).expect("written");
        let overlay = Overlay::new(File::open(&path).expect("opened")).expect("readable");
        let mut model = original.clone();
        for step in steps {
            match step {
                Step::Write { offset, len, byte } => {
                    let end = offset as usize + len;
                    let result = overlay.write(offset, &vec![byte; len]);
                    prop_assert_eq!(result.is_ok(), end <= model.len());
                    if result.is_ok() {
                        model[offset as usize..end].fill(byte);
                    }
                }
                Step::Resize(len) => {
                    overlay.set_len(len).expect("resized");
                    model.resize(len as usize, 0);
                }
            }
        }
        let mut seen = vec![0xAA; model.len()];
        overlay.read(0, &mut seen).expect("readable");
        prop_assert_eq!(overlay.len().expect("a length"), model.len() as u64);
        prop_assert!(seen == model);
        prop_assert!(overlay.read(model.len() as u64, &mut [0]).is_err());
        prop_assert!(fs::read(&path).expect("readable") == original);
    }
}
