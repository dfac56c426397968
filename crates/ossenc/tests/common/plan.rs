//! A plan as one would make it by hand: chunk after chunk, without a formula.

use ossenc::Extent;

/// What `Map::plan` has to say of a message of `plain_len` bytes. It walks all its chunks, so `plain_len` is small.
pub fn plan(plain_len: u64, trusted: bool, offset: u64, len: u64, align: u64) -> Option<Extent> {
    let asked_end = u128::from(offset) + u128::from(len);
    let proves_end = !trusted && asked_end >= u128::from(plain_len);
    let mut extent: Option<Extent> = None;
    let (mut plain_at, mut body_at, mut stored_end) = (0, 56, 0);
    for chunk in 0.. {
        let chunk_len = 16_384.min(plain_len - plain_at);
        let last = chunk_len < 16_384;
        let from = plain_at.max(offset);
        let to = u128::from(plain_at + chunk_len).min(asked_end) as u64;
        let take = to.saturating_sub(from);
        if take > 0 || (last && proves_end) {
            let extent = extent.get_or_insert(Extent {
                chunk,
                body_off: body_at,
                skip: if take > 0 { from - plain_at } else { 0 },
                ..Extent::default()
            });
            extent.take += take;
            extent.last = last;
            stored_end = body_at + chunk_len + 16;
        }
        plain_at += chunk_len;
        body_at += chunk_len + 16;
        if last {
            break;
        }
    }
    let mut extent = extent?;
    let align = align.max(1);
    extent.lead = extent.body_off % align;
    extent.body_off -= extent.lead;
    if !stored_end.is_multiple_of(align) {
        stored_end = body_at.min(stored_end.saturating_add(align - stored_end % align));
    }
    extent.body = stored_end - extent.body_off;
    Some(extent)
}
