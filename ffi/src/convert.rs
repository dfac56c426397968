//! Converting segments from one layout to another, without a key.

use ossenc::{Layout, convert_group, group, groups};

use crate::bytes::{fill_both, get_mut, ossenc_in, ossenc_out, room, room_or_none};
use crate::status::{argument, guard, ossenc_status};

/// Where a group of up to 256 chunks lies, with the head where the layout stores it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ossenc_group {
    /// Where it begins in the body.
    pub body_off: u64,
    /// Where it begins aside.
    pub side_off: u64,
    /// Its bytes in the body: at most 4,198,456.
    pub body: usize,
    /// Its bytes aside: at most 4,152.
    pub side: usize,
}

/// How many groups a segment of `plain` bytes has: at least one.
#[unsafe(no_mangle)]
pub extern "C" fn ossenc_layout_groups(plain: u64) -> u64 {
    groups(plain)
}

/// Where group `index` of a segment of `plain` bytes lies in a layout. Pure arithmetic.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_layout_group(
    layout: u32,
    plain: u64,
    index: u64,
    place: *mut ossenc_group,
) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        let found = group(Layout::from_number(layout)?, plain, index)?;
        // SAFETY: by the rules of the header.
        *unsafe { get_mut(place) }? =
            ossenc_group { body_off: found.body_off, side_off: found.aside_off, body: found.body, side: found.aside };
        Ok(())
    })
}

/// Moves one group of a segment of `plain` bytes from the layout `from` to the layout `to`. Inputs are what
/// `ossenc_layout_group` says for `from`, outputs take what it says for `to`; all are apart. `head` is the segment's,
/// from its receipt. Needs no key, and checks none: verify afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_layout_convert(
    plain: u64,
    index: u64,
    head: ossenc_in,
    from: u32,
    from_body: ossenc_in,
    from_side: ossenc_in,
    to: u32,
    to_body: *mut ossenc_out,
    to_side: *mut ossenc_out,
) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        let (from, to) = (Layout::from_number(from)?, Layout::from_number(to)?);
        // SAFETY: by the rules of the header.
        let (head, body_in, side_in, body, side) =
            unsafe { (head.bytes()?, from_body.bytes()?, from_side.bytes()?, room(to_body)?, room_or_none(to_side)?) };
        let shares = |input: &[u8]| body.overlaps(input) || side.as_ref().is_some_and(|side| side.overlaps(input));
        if shares(body_in) || shares(side_in) {
            return argument("source and destination overlap");
        }
        let head = head.try_into().or_else(|_| argument("a head has 56 bytes"))?;
        let target = group(to, plain, index)?;
        fill_both(body, side, (target.body, target.aside), |body, side| {
            Ok(convert_group(plain, index, head, (from, body_in, side_in), (to, body, side))?)
        })
    })
}
