//! Whether what the kernel tells is what it was told.

use crate::attribute::Attributes;

/// Whether `kernel` says everything that `ours` says: each of our attributes is there, as often and
/// with the same value. Kinds that only the kernel has (counters, defaults) don't matter.
pub(super) fn covers(kernel: &[u8], ours: &[u8]) -> bool {
    let of_kind = |bytes, kind| {
        Attributes::new(bytes)
            .filter_map(Result::ok)
            .filter(move |attribute| attribute.kind == kind)
    };
    Attributes::new(ours).all(|wanted| {
        let Ok(wanted) = wanted else { return false };
        let same_count = of_kind(ours, wanted.kind).count() == of_kind(kernel, wanted.kind).count();
        let mut pairs = of_kind(ours, wanted.kind).zip(of_kind(kernel, wanted.kind));
        same_count
            && pairs.all(|(ours, kernel)| match ours.nested {
                true => covers(kernel.value, ours.value),
                false => kernel.value == ours.value,
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::Encoder;
    use proptest::prelude::*;

    fn encoded(fill: impl FnOnce(&mut Encoder)) -> Vec<u8> {
        let mut encoder = Encoder::default();
        fill(&mut encoder);
        encoder.buffer
    }

    #[test]
    fn additions_of_the_kernel_are_covered_but_changes_are_not() {
        let ours = encoded(|e| e.nested(1, |e| e.be32(2, 5)));
        let with_default = encoded(|e| {
            e.nested(1, |e| {
                e.be32(2, 5);
                e.be32(9, 0);
            });
        });
        assert!(covers(&with_default, &ours));
        let changed = encoded(|e| e.nested(1, |e| e.be32(2, 6)));
        assert!(!covers(&changed, &ours));
        let twice = [ours.clone(), ours.clone()].concat();
        assert!(
            !covers(&twice, &ours),
            "one expression more is another rule"
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_compared_without_a_panic(
            kernel in proptest::collection::vec(any::<u8>(), 0..200),
            ours in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            covers(&kernel, &ours);
            covers(&kernel, &kernel);
        }
    }
}
