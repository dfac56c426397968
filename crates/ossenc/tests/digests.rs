//! A receipt holds the digests that its engine was told to take, whichever way the segment was sealed, and 0 for others.

mod common;

use common::pattern;
use common::segments::{LAYOUTS, Segment, room};
use common::store::Store;
use ossenc::message::size::HEAD_LEN;
use ossenc::pieces::Slices;
use ossenc::{Layout, Object, Receipt, TakeDigests};

const TAKES: [TakeDigests; 4] = [
    TakeDigests { crc64_plain: true, crc32c_body: true },
    TakeDigests { crc64_plain: true, crc32c_body: false },
    TakeDigests { crc64_plain: false, crc32c_body: true },
    TakeDigests { crc64_plain: false, crc32c_body: false },
];

fn expected(take: TakeDigests, plain: &[u8], body: &[u8]) -> (u64, u32) {
    let crc64 = common::crc64(plain);
    let crc32c = common::crc32c(body);
    (if take.crc64_plain { crc64 } else { 0 }, if take.crc32c_body { crc32c } else { 0 })
}

/// Two tickets of 256 chunks, and a tail.
fn seal_by_tickets(object: &Object, layout: Layout, plain: &[u8]) -> (Vec<u8>, Receipt) {
    let sealer = object.ticket_sealer(1, layout, 2, 256).unwrap();
    let (mut body, mut aside) = room(layout, plain.len() as u64);
    let mut end = 0;
    for _ in 0..2 {
        let ticket = sealer.reserve().unwrap();
        let source = &plain[ticket.plain_off as usize..][..ticket.plain];
        let target = &mut body[ticket.body_off as usize..][..ticket.body];
        let tags = &mut aside[ticket.aside_off as usize..][..ticket.aside];
        sealer.run(&ticket, &mut Slices::new(source, target).writing_aside(tags)).unwrap();
        end = ticket.plain_off as usize + ticket.plain;
    }
    let needed = sealer.finish_len(plain.len() - end);
    let (body_end, aside_end) = (body.len() - needed.written, aside.len() - needed.aside);
    let mut tail = Slices::new(&plain[end..], &mut body[body_end..]).writing_aside(&mut aside[aside_end..]);
    let (_, receipt) = sealer.finish(&mut tail).unwrap();
    if layout == Layout::Inline {
        body[..HEAD_LEN].copy_from_slice(&receipt.head);
    }
    (body, receipt)
}

#[test]
fn receipts_hold_what_was_asked_for() {
    let mut store = Store::with_oss();
    let plain = pattern(8 * (1 << 20) + 12_345);
    for take in TAKES {
        store.engine = store.engine.clone().with_digests(take);
        let object = store.create_segmented().0;
        for layout in LAYOUTS {
            let Segment { receipt, body, .. } = Segment::seal(&object, 1, layout, &plain);
            assert_eq!(
                (receipt.crc64_plain, receipt.crc32c_body),
                expected(take, &plain, &body),
                "{take:?} {layout:?}"
            );
            let (body, receipt) = seal_by_tickets(&object, layout, &plain);
            assert_eq!(
                (receipt.crc64_plain, receipt.crc32c_body),
                expected(take, &plain, &body),
                "{take:?} {layout:?}"
            );
        }
    }
    assert_eq!(TakeDigests::default(), TAKES[0]);
}
