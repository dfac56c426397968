//! What a receipt says of its segment, and the sums of its bytes.

mod common;

use common::parts::{layouts, lengths, object, parts_of};
use common::segments::{Segment, stored_head};
use common::{cases, crc32c, crc64, pattern, pattern_from};
use ossenc::{Error, Layout, Manifest, Map, RECEIPT_LEN, Receipt, crc64_combine};
use proptest::prelude::*;

proptest! {
    #![proptest_config(cases(40))]

    /// silo #119 in another system: lengths of parts were stored as those of their ciphertext.
    #[test]
    fn every_number_of_a_receipt_is_of_plaintext_or_of_body_as_it_says(
        len in lengths(),
        layout in layouts(),
        part in 1..=u32::MAX,
    ) {
        let (object, plain) = (object(), pattern_from(5, len));
        let Segment { receipt, body, aside } = Segment::seal(&object, part, layout, &plain);
        prop_assert_eq!((receipt.part, receipt.layout), (part, layout));
        prop_assert_eq!((receipt.plain, receipt.body), (plain.len() as u64, body.len() as u64));
        prop_assert_eq!(layout.size(receipt.plain), Ok((body.len() as u64, aside.len() as u64)));
        prop_assert_eq!((receipt.crc64_plain, receipt.crc32c_body), (crc64(&plain), crc32c(&body)));
        let stored = Segment { receipt, body, aside };
        prop_assert!(stored_head(&stored).is_none_or(|head| *head == receipt.head));
        if layout != Layout::Paged {
            prop_assert_eq!(layout.plain_len(receipt.body), Ok(receipt.plain));
        }
        let manifest = Manifest::new(1, &[receipt]).unwrap();
        prop_assert_eq!((manifest.plain_len(), manifest.segments()[0].plain_len), (receipt.plain, receipt.plain));
        let place = Map::segmented(&manifest, &[layout]).unwrap().segment(0).unwrap();
        prop_assert_eq!((place.plain_len, place.body_len), (receipt.plain, receipt.body));

        let encoded = receipt.encode();
        prop_assert_eq!(encoded.len(), RECEIPT_LEN);
        prop_assert_eq!(Receipt::decode(&encoded), Ok(receipt));
    }

    #[test]
    fn checksums_of_parts_combine_to_that_of_the_object(parts in prop::collection::vec(lengths(), 0..5)) {
        let object = object();
        let parts = parts_of(&object, &parts.into_iter().map(|len| (Layout::Detached, len)).collect::<Vec<_>>());
        let (mut combined, mut total) = (0, 0);
        for part in &parts {
            combined = crc64_combine(combined, part.receipt.crc64_plain, part.receipt.plain);
            total += part.receipt.plain as usize;
        }
        prop_assert_eq!(combined, crc64(&pattern(total)));
    }
}

#[test]
fn every_flipped_bit_and_every_other_length_of_a_receipt_is_refused() {
    let encoded = Segment::seal(&object(), 3, Layout::Paged, b"hello").receipt.encode();
    for bit in 0..encoded.len() * 8 {
        let mut flipped = encoded;
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(matches!(Receipt::decode(&flipped), Err(Error::Format(_))), "bit {bit}");
    }
    for len in 0..RECEIPT_LEN {
        assert!(matches!(Receipt::decode(&encoded[..len]), Err(Error::Format(_))), "{len} bytes");
    }
    assert!(matches!(Receipt::decode(&[&encoded[..], &[0]].concat()), Err(Error::Format(_))));
}
