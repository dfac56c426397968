//! Opening bodies: the plan of a range, its extents, or all at once.

use ossenc::message::Opener;
use ossenc::{Error, Extent, Layout, Map};

use crate::bytes::{get, get_mut, give, no_handle, ossenc_in, ossenc_out, room, take_back};
use crate::iov::{Sealed, Vectors, ossenc_iov};
use crate::object::ossenc_object;
use crate::status::{Failure, Outcome, argument, guard, ossenc_error, ossenc_status};

/// For `ossenc_map_single`: the caller has no length that it trusts.
pub const OSSENC_UNKNOWN: u64 = u64::MAX;

/// Where an object's bytes lie. Immutable; any number of threads may use it.
pub struct ossenc_map {
    map: Map,
}

/// Opens the chunks of one segment. Any number of threads may use it.
pub struct ossenc_opener {
    opener: Opener,
    map: Map,
}

/// One run of stored bytes to read, and what it answers. Made by `ossenc_plan`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ossenc_extent {
    /// The segment: 0 for a single-segment object.
    pub segment: u32,
    /// 1 if the segment's last chunk is in the run: opening it proves that the length is true.
    pub last: u32,
    /// First chunk of the run.
    pub chunk: u64,
    /// Where to read in the body.
    pub body_off: u64,
    /// Where to read aside: 0 for INLINE.
    pub side_off: u64,
    /// How many bytes to read in the body.
    pub body: usize,
    /// How many bytes to read aside: 0 for INLINE.
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
            side_off: 0,
            body: narrow(extent.body)?,
            side: 0,
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
            lead: self.lead as u64,
            skip: self.skip as u64,
            take: self.take as u64,
        }
    }
}

/// The map of a single-segment object whose body takes `body` bytes.
///
/// `plain` is the length of the plaintext, if the caller knows it from a place that it trusts; a body that does not go
/// with it is `OSSENC_E_TRUNCATED`. With `OSSENC_UNKNOWN`, every answer that depends on the length opens the last chunk
/// too. `head` is the body's first 56 bytes, needed for `ossenc_opener_new`; it may be empty for `ossenc_open`. Free
/// with `ossenc_map_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_map_single(
    layout: u32,
    body: u64,
    plain: u64,
    head: ossenc_in,
    map: *mut *mut ossenc_map,
) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        unsafe { no_handle(map) }?;
        let layout = Layout::from_number(layout)?;
        // SAFETY: by the rules of the header.
        unsafe {
            let head = match head.bytes()? {
                [] => None,
                bytes => Some(bytes.try_into().or_else(|_| argument("a head has 56 bytes"))?),
            };
            let plain = (plain != OSSENC_UNKNOWN).then_some(plain);
            give(map, || Ok(ossenc_map { map: Map::single(layout, body, plain, head)? }))
        }
    })
}

/// Length of the plaintext: as trusted, or as the body's length says, which is proved when an extent with `last` opens.
/// 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_map_plain(map: *const ossenc_map) -> u64 {
    // SAFETY: by the rules of the header.
    unsafe { get(map) }.map_or(0, |map| map.map.plain_len())
}

/// Frees a map. NULL is legal. Openers made with it stay valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_map_free(map: *mut ossenc_map) {
    guard(core::ptr::null_mut(), || {
        // SAFETY: a handle of ours or NULL, by the rules of the header.
        unsafe { take_back(map) };
        Ok(())
    });
}

/// Plans the read of `len` plaintext bytes from `off`: the stored bytes to read, in up to `cap` extents, of which `n`
/// are set. Pure arithmetic, needs no key. A range that goes past the end is cut there; one that begins there takes
/// nothing.
///
/// Reads are rounded out to multiples of `align` (a power of two, or 0) within the body. Without a trusted length, a
/// range that reaches or passes the end brings the last chunk along, perhaps as an extent that gives no bytes: open
/// every extent before you answer. When not all extents fit, `next` is the offset from which to plan on; else it is
/// `off + len`. With `cap` 0, and an extent needed, it is `OSSENC_E_BUFFER` with `n` 1.
///
/// For fixed buffers: an extent's `body` is at most (len / OSSENC_CHUNK + 2) x OSSENC_STORED_CHUNK + 2 x align. To prove
/// the length first, plan 0 bytes at the end, open the extent, and make the map anew with that length as a trusted one.
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
        let mut planned = [Extent::default()];
        let given = planned.len().min(cap);
        let (found, planned_to) = match map.map.plan(off, len, align.into(), &mut planned[..given]) {
            Err(Error::Buffer { needed }) => {
                *count = needed;
                return Err(Error::Buffer { needed }.into());
            }
            other => other?,
        };
        if found > 0 {
            if extents.is_null() {
                return argument("the extents are NULL");
            }
            // SAFETY: `cap` extents are writable, and `found` is at most that.
            unsafe { extents.write(ossenc_extent::new(&planned[0])?) };
        }
        (*count, *next) = (found, planned_to);
        Ok(())
    })
}

/// Checks that the head of a body belongs to `object` (`OSSENC_E_COMMIT`), and opens its chunks. `segment` is 0 in this
/// version. Free with `ossenc_opener_free`.
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
        unsafe { no_handle(opener) }?;
        // SAFETY: by the rules of the header.
        unsafe {
            let (object, map) = (get(object)?, get(map)?);
            if segment != 0 {
                return argument("segment is 0 for a single-segment object");
            }
            let Some(head) = map.map.head() else { return argument("this map was made without the body's head") };
            give(opener, || Ok(ossenc_opener { opener: object.object.opener(head)?, map: map.map }))
        }
    })
}

/// Verifies every chunk of an extent and writes exactly `take` bytes of plaintext to `dst`; with `nd` 0, none: a scrub.
/// `src` is what was read at `body_off`, scattered or not; `side` is empty for INLINE.
///
/// `OSSENC_E_CHUNK` tells the first damaged chunk in `error.offset`: chunks before it are released, its own bytes are
/// wiped. `src` and `dst` may be the same memory where the same chunk's ciphertext and plaintext lie; any other overlap
/// is `OSSENC_E_ARG`: pieces that share memory begin at the same byte, and neither goes past its chunk's bytes into a tag;
/// after `OSSENC_E_CHUNK` in place, the chunk's ciphertext is wiped, too. `OSSENC_E_BUFFER` tells that `dst` is shorter than
/// `take`. Idempotent, unless in place. No allocation, lock or system call.
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
            let (opener, extent) = (get(opener)?, get(extent)?);
            check_no_side(side)?;
            let sealed = Sealed::Source { lead: extent.lead, skip: extent.skip };
            let mut io = Vectors::new(src, ns, dst, nd, sealed)?;
            opener.map.open_extent(&opener.opener, &extent.to_extent(), nd == 0, &mut io)?;
            Ok(())
        }
    })
}

/// Opens a whole body at once into `plain`. `body` and `plain` are apart; `side` is empty for INLINE. On failure
/// `plain` holds nothing unauthenticated, and its `n` is 0, or what is needed.
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
        let (out, object, map, body) = unsafe {
            let out = room(plain)?;
            check_no_side(side)?;
            (out, get(object)?, get(map)?, body.bytes()?)
        };
        if out.overlaps(body) {
            return argument("source and destination overlap");
        }
        if body.len() as u64 != map.map.body_len() {
            return Err(Failure::Core(Error::Truncated));
        }
        let len = usize::try_from(map.map.plain_len()).expect("shorter than the body");
        out.fill(len, |out| Ok(object.object.open_body(body, out).map(|_| ())?))
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

/// # Safety
/// `side` is readable.
unsafe fn check_no_side(side: ossenc_in) -> Outcome<()> {
    // SAFETY: as the caller says.
    if unsafe { side.bytes() }?.is_empty() { Ok(()) } else { argument("INLINE keeps nothing aside") }
}
