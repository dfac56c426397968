//! Opening segments: the plan of a range, its extents, or all at once.

use ossenc::{Error, Extent, Layout, SegmentOpener};

use crate::bytes::{get, get_mut, give, no_handle, ossenc_in, ossenc_out, room, take_back};
use crate::iov::{Gaps, Sealed, Vectors, ossenc_iov};
use crate::object::ossenc_object;
use crate::segments::ossenc_map;
use crate::status::{Outcome, argument, guard, in_part, ossenc_error, ossenc_status};

/// Opens the chunks of one segment. Any number of threads may use it.
pub struct ossenc_opener {
    part: u32,
    opener: SegmentOpener,
}

/// One run of stored bytes to read, and what it answers. Made by `ossenc_plan`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ossenc_extent {
    /// The segment, by index: 0 for a single-segment object.
    pub segment: u32,
    /// 1 if the segment's last chunk is in the run: opening it proves that the length is true.
    pub last: u32,
    /// First chunk of the run.
    pub chunk: u64,
    /// Where to read in the segment's body.
    pub body_off: u64,
    /// Where to read the run's tags: aside for DETACHED, in the body for PAGED.
    pub side_off: u64,
    /// How many bytes to read in the body.
    pub body: usize,
    /// How many bytes to read there: 0 for INLINE.
    pub side: usize,
    /// Bytes read, for the sake of alignment, before the run begins.
    pub lead: usize,
    /// Plaintext bytes of the run that are not wanted, at its start.
    pub skip: usize,
    /// Plaintext bytes that the extent gives.
    pub take: usize,
}

impl ossenc_extent {
    fn new(extent: &Extent) -> Outcome<ossenc_extent> {
        let narrow = |n: u64| usize::try_from(n).or_else(|_| argument("the range is too long for this machine"));
        Ok(ossenc_extent {
            segment: extent.segment,
            last: u32::from(extent.last),
            chunk: extent.chunk,
            body_off: extent.body_off,
            side_off: extent.aside_off,
            body: narrow(extent.body)?,
            side: narrow(extent.aside)?,
            lead: narrow(extent.lead)?,
            skip: narrow(extent.skip)?,
            take: narrow(extent.take)?,
        })
    }

    fn to_extent(self) -> Extent {
        Extent {
            segment: self.segment,
            last: self.last != 0,
            chunk: self.chunk,
            body_off: self.body_off,
            body: self.body as u64,
            aside_off: self.side_off,
            aside: self.side as u64,
            lead: self.lead as u64,
            skip: self.skip as u64,
            take: self.take as u64,
        }
    }
}

/// Plans the read of `len` plaintext bytes from `off`: the stored bytes to read, in up to `cap` extents, of which `n`
/// are set. Pure arithmetic, needs no key; no allocation. A range that goes past the end is cut there; one that begins
/// there takes nothing. For an open-ended range pass `UINT64_MAX` for `len`; for a suffix of k bytes, `off` =
/// `ossenc_map_plain` - k.
///
/// Reads are rounded out to multiples of `align` (a power of two, or 0) within what they read. Without a trusted
/// length, a range that reaches or passes the end brings the last chunk along, perhaps as an extent that gives no
/// bytes: open every extent before you answer, a refusal of the range too. When not all extents fit, `next` is the
/// offset from which to plan on; else it is `off + len`. With `cap` 0, and an extent needed, it is `OSSENC_E_BUFFER`
/// with `n` 1.
///
/// For fixed buffers: an extent's `body` is at most (len / OSSENC_CHUNK + 2) x OSSENC_STORED_CHUNK + 2 x align. To
/// prove the length first, plan 0 bytes at the end, open the extent, and make the map anew with that length as a
/// trusted one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_plan(
    map: *const ossenc_map,
    off: u64,
    len: u64,
    align: u32,
    extents: *mut ossenc_extent,
    cap: usize,
    n: *mut usize,
    next: *mut u64,
) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        let (map, count, next) = unsafe { (get(map)?, get_mut(n)?, get_mut(next)?) };
        (*count, *next) = (0, off);
        if cap > 0 && extents.is_null() {
            return argument("the extents are NULL");
        }
        let end = off.saturating_add(len);
        let mut at = off;
        loop {
            // One at a time: the two kinds of extent differ, and nothing is to be allocated.
            let mut one = [Extent::default()];
            let (found, planned_to) = match map.map.plan(at, end - at, align.into(), &mut one[..cap.min(1)]) {
                Err(Error::Buffer { needed }) => {
                    *count = needed;
                    return Err(Error::Buffer { needed }.into());
                }
                other => other?,
            };
            if found > 0 {
                // SAFETY: `cap` extents are writable, and `count` is below that.
                unsafe { extents.add(*count).write(ossenc_extent::new(&one[0])?) };
                *count += 1;
            }
            at = planned_to;
            if found == 0 || at >= end || *count == cap {
                *next = at;
                return Ok(());
            }
        }
    })
}

/// Checks that the head of a segment belongs to `object` (`OSSENC_E_COMMIT`), and opens its chunks. `segment` is its
/// index in the map. Free with `ossenc_opener_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_opener_new(
    object: *const ossenc_object,
    map: *const ossenc_map,
    segment: u32,
    opener: *mut *mut ossenc_opener,
    error: *mut ossenc_error,
) -> ossenc_status {
    guard(error, || {
        // SAFETY: by the rules of the header.
        unsafe {
            no_handle(opener)?;
            let (object, map) = (&get(object)?.object, &get(map)?.map);
            let part = map.segment(segment as usize).map_or(0, |place| place.part);
            give(opener, || Ok(ossenc_opener { part, opener: object.opener(map, segment).map_err(in_part(part))? }))
        }
    })
}

/// Verifies every chunk of an extent and writes exactly `take` bytes of plaintext to `dst`; with `nd` 0, none: a scrub.
/// `src` is what was read at `body_off`, scattered or not; `side` what was read at `side_off`, empty for INLINE.
///
/// `OSSENC_E_CHUNK` tells the first damaged chunk in `error.offset`, as the plaintext offset in the segment: chunks
/// before it are released, its own bytes are wiped. `src` and `dst` may be the same memory where the same ciphertext
/// and plaintext lie; any other overlap is `OSSENC_E_ARG`: pieces that share memory begin at the same byte, and neither
/// goes past its chunk's bytes into a tag; after `OSSENC_E_CHUNK` in place, the chunk's ciphertext is wiped, too.
/// `OSSENC_E_BUFFER` tells that `dst` is shorter than `take`. Idempotent, unless in place. No allocation, lock or
/// system call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_open_extent(
    opener: *const ossenc_opener,
    extent: *const ossenc_extent,
    src: *const ossenc_iov,
    ns: usize,
    side: ossenc_in,
    dst: *const ossenc_iov,
    nd: usize,
    error: *mut ossenc_error,
) -> ossenc_status {
    guard(error, || {
        // SAFETY: by the rules of the header.
        unsafe {
            let (handle, extent, side) = (get(opener)?, get(extent)?, side.bytes()?);
            let opener = &handle.opener;
            // An extent of PAGED never goes past its group, so no gap of a page lies in it.
            let gaps = Gaps::of(if opener.layout() == Layout::Inline { Layout::Inline } else { Layout::Detached }, 0);
            let sealed = Sealed::Source { lead: extent.lead, skip: extent.skip, gaps };
            let mut io = Vectors::new(src, ns, dst, nd, sealed)?.reading_aside(side)?;
            opener.open_extent(&extent.to_extent(), nd == 0, &mut io).map_err(in_part(handle.part))
        }
    })
}

/// Opens a whole single-segment object at once into `plain`. `body`, `side` (DETACHED) and `plain` are apart. On
/// failure `plain` holds nothing unauthenticated, and its `n` is 0, or what is needed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_open(
    object: *const ossenc_object,
    map: *const ossenc_map,
    body: ossenc_in,
    side: ossenc_in,
    plain: *mut ossenc_out,
    error: *mut ossenc_error,
) -> ossenc_status {
    guard(error, || {
        // SAFETY: by the rules of the header.
        let (out, object, map, body, side) =
            unsafe { (room(plain)?, &get(object)?.object, &get(map)?.map, body.bytes()?, side.bytes()?) };
        if out.overlaps(body) || out.overlaps(side) {
            return argument("source and destination overlap");
        }
        let Some(place) = map.segment(0).filter(|_| map.segments() == 1) else {
            return argument("an object of several segments is opened by extents");
        };
        let len = usize::try_from(place.plain_len).or_else(|_| argument("too long for this machine"))?;
        out.fill(len, |out| object.open_segment(map, 0, body, side, out).map_err(in_part(place.part)))
    })
}

/// Frees an opener. NULL is legal.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_opener_free(opener: *mut ossenc_opener) {
    guard(core::ptr::null_mut(), || {
        // SAFETY: a handle of ours or NULL, by the rules of the header.
        unsafe { take_back(opener) };
        Ok(())
    });
}
