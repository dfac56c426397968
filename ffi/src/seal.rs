//! Sealing bodies: at once, or as a stream of whole chunks and a tail.

use ossenc::message::{Head, Sealer};
use ossenc::{Error, Layout, message};

use crate::bytes::{get, get_mut, give, no_handle, ossenc_in, ossenc_out, room, take_back, write_sized};
use crate::iov::{Sealed, Vectors, ossenc_iov};
use crate::object::ossenc_object;
use crate::status::{Outcome, argument, guard, ossenc_error, ossenc_status};

/// The layout INLINE: a head of 56 bytes, then each chunk followed by its tag.
pub const OSSENC_INLINE: u32 = 0;
/// Plaintext bytes of a chunk; an object's last chunk has fewer.
pub const OSSENC_CHUNK: usize = 16_384;
/// Stored bytes of a whole chunk.
pub const OSSENC_STORED_CHUNK: usize = 16_400;
/// Bytes of a body's head.
pub const OSSENC_HEAD: usize = 56;

const _: () = {
    assert!(OSSENC_CHUNK == message::size::CHUNK_LEN);
    assert!(OSSENC_STORED_CHUNK == message::size::STORED_CHUNK_LEN);
    assert!(OSSENC_HEAD == message::size::HEAD_LEN);
    assert!(OSSENC_INLINE == Layout::Inline as u32);
};

/// Seals one body, in order. One thread at a time. It draws its own salt and counts its own chunks: no sequence of
/// calls encrypts two plaintexts under one nonce.
pub struct ossenc_sealer {
    sealer: Sealer,
}

/// What was sealed: for the caller's records.
#[repr(C)]
pub struct ossenc_receipt {
    /// `sizeof (ossenc_receipt)`.
    pub size: usize,
    /// The part: 0 for a single-segment object.
    pub part: u32,
    /// `OSSENC_INLINE`.
    pub layout: u32,
    /// The body's head.
    pub head: [u8; 56],
    /// Bytes of plaintext.
    pub plain: u64,
    /// Bytes of the body.
    pub body: u64,
}

fn check_place(part: u32, layout: u32) -> Outcome<Layout> {
    if part != 0 {
        return argument("part is 0 for a single-segment object");
    }
    Ok(Layout::from_number(layout)?)
}

/// # Safety
/// `side` is NULL or an `ossenc_out`.
unsafe fn check_no_side(side: *mut ossenc_out) -> Outcome<()> {
    if side.is_null() {
        return Ok(());
    }
    // SAFETY: as the caller says.
    unsafe { room(side) }?.claim(0).map(|_| ())
}

/// A receipt that cannot be written is found before anything is sealed: a sealer finishes once.
///
/// # Safety
/// `receipt` is NULL, or begins with its size.
unsafe fn check_receipt(receipt: *const ossenc_receipt) -> Outcome<()> {
    // SAFETY: as the caller says.
    if !receipt.is_null() && unsafe { (*receipt).size } < size_of::<usize>() {
        return argument("the size of the receipt was not set");
    }
    Ok(())
}

/// # Safety
/// `receipt` is NULL, or a sized struct.
unsafe fn write_receipt(receipt: *mut ossenc_receipt, head: &Head, plain: u64) -> Outcome<()> {
    if receipt.is_null() {
        return Ok(());
    }
    let body = message::size::sealed_len(plain)?;
    // SAFETY: as the caller says.
    unsafe {
        write_sized(receipt, ossenc_receipt { size: 0, part: 0, layout: OSSENC_INLINE, head: *head, plain, body })
    }
}

/// How many bytes the body takes, and how many lie aside (none for INLINE), for a plaintext of `plain` bytes. `body`
/// and `side` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_layout_size(layout: u32, plain: u64, body: *mut u64, side: *mut u64) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        let (body_len, side_len) = Layout::from_number(layout)?.size(plain)?;
        // SAFETY: NULL or writable, by the rules of the header.
        unsafe {
            if let Some(body) = body.as_mut() {
                *body = body_len;
            }
            if let Some(side) = side.as_mut() {
                *side = side_len;
            }
        }
        Ok(())
    })
}

/// Begins a body of `object`. `part` is 0, `layout` `OSSENC_INLINE`, `max_tickets` and `chunks_per_ticket` 0 in this
/// version. Free with `ossenc_sealer_free`. Sealing an object again makes another body; the caller decides which one it
/// keeps.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_sealer_new(
    object: *const ossenc_object,
    part: u32,
    layout: u32,
    max_tickets: u32,
    chunks_per_ticket: u32,
    sealer: *mut *mut ossenc_sealer,
    error: *mut ossenc_error,
) -> ossenc_status {
    guard(error, || {
        // SAFETY: by the rules of the header.
        unsafe { no_handle(sealer) }?;
        check_place(part, layout)?;
        if max_tickets != 0 || chunks_per_ticket != 0 {
            return argument("tickets are 0 in this version");
        }
        // SAFETY: by the rules of the header.
        unsafe {
            let object = get(object)?;
            give(sealer, || Ok(ossenc_sealer { sealer: object.object.sealer()? }))
        }
    })
}

/// Seals whole chunks: as many as the source holds and the destination has room for, after the head if that was not
/// written yet. Nothing is kept back: what is left of the source (at least the last partial chunk) the caller gives
/// again, to the next call or to `ossenc_seal_finish`.
///
/// `src` and `dst` may be scattered. They may be the same memory where the same chunk's plaintext and ciphertext lie,
/// tags being elsewhere; any other overlap is `OSSENC_E_ARG`. `side` is NULL for INLINE. `consumed` and `written` are
/// set in any case: both 0 with `OSSENC_OK` says that the source holds no further whole chunk, or that there is no room
/// for one. Pieces that share memory begin at the same byte, and neither goes past its chunk's bytes into a tag. The lists
/// are meant to be short: checking them takes the product of their lengths. No allocation, lock or system call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_seal_next(
    sealer: *mut ossenc_sealer,
    src: *const ossenc_iov,
    ns: usize,
    dst: *const ossenc_iov,
    nd: usize,
    side: *mut ossenc_out,
    consumed: *mut usize,
    written: *mut usize,
) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        unsafe {
            let (consumed, written) = (get_mut(consumed)?, get_mut(written)?);
            (*consumed, *written) = (0, 0);
            check_no_side(side)?;
            let sealer = &mut get_mut(sealer)?.sealer;
            let mut io = Vectors::new(src, ns, dst, nd, Sealed::Target { head: sealer.head_left() })?;
            let progress = sealer.next(&mut io)?;
            (*consumed, *written) = (progress.consumed, progress.written);
            Ok(())
        }
    })
}

/// Seals all that is left, of any length, into `body`, and ends the body of the object. What may
/// overlap is said at `ossenc_seal_next`. With too little room the sealer
/// stays as it was, and `body->n` says what is needed. `side` is NULL for INLINE. `receipt` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_seal_finish(
    sealer: *mut ossenc_sealer,
    tail: *const ossenc_iov,
    nt: usize,
    body: *mut ossenc_out,
    side: *mut ossenc_out,
    receipt: *mut ossenc_receipt,
) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        unsafe {
            let mut out = room(body)?;
            check_no_side(side)?;
            check_receipt(receipt)?;
            let sealer = &mut get_mut(sealer)?.sealer;
            let target = ossenc_iov { p: (*body).p, n: (*body).cap };
            let mut io = Vectors::new(tail, nt, &raw const target, 1, Sealed::Target { head: sealer.head_left() })?;
            let progress = match sealer.finish(&mut io) {
                Err(Error::Buffer { needed }) => return out.claim(needed).map(|_| ()),
                other => other?,
            };
            out.claim(progress.written)?;
            write_receipt(receipt, sealer.head(), sealer.plain_len().expect("just finished"))
        }
    })
}

/// Seals a whole body at once. `src` and `body` are apart. See `ossenc_layout_size` for the room it takes. `part` is 0,
/// `layout` `OSSENC_INLINE`, `side` NULL in this version; `receipt` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_seal(
    object: *const ossenc_object,
    part: u32,
    layout: u32,
    src: ossenc_in,
    body: *mut ossenc_out,
    side: *mut ossenc_out,
    receipt: *mut ossenc_receipt,
) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        unsafe {
            let out = room(body)?;
            check_no_side(side)?;
            check_receipt(receipt)?;
            let layout = check_place(part, layout)?;
            let (object, src) = (get(object)?, src.bytes()?);
            if out.overlaps(src) {
                return argument("source and destination overlap");
            }
            let (needed, _) = layout.size(src.len() as u64)?;
            let needed = usize::try_from(needed).or_else(|_| argument("too long for this machine"))?;
            let (_, head) = out.fill(needed, |out| Ok(object.object.seal(src, out)?))?;
            write_receipt(receipt, &head, src.len() as u64)
        }
    })
}

/// Frees a sealer. NULL is legal. Before `ossenc_seal_finish`, what it sealed is no whole body.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_sealer_free(sealer: *mut ossenc_sealer) {
    guard(core::ptr::null_mut(), || {
        // SAFETY: a handle of ours or NULL, by the rules of the header.
        unsafe { take_back(sealer) };
        Ok(())
    });
}
