//! Sealing segments: at once, as a stream of whole chunks and a tail, or by tickets from many threads.

use ossenc::message::{Progress, Sealer};
use ossenc::{Error, Layout, Receipt, Ticket, TicketSealer, message};

use crate::bytes::{
    Extensible, fill_both, get, get_mut, give, no_handle, ossenc_in, ossenc_out, room, room_or_none, take_back, total,
    write_sized,
};
use crate::iov::{Gaps, Sealed, Vectors, ossenc_iov};
use crate::object::ossenc_object;
use crate::status::{Outcome, argument, guard, ossenc_error, ossenc_status};

/// The layout INLINE: a head of 56 bytes, then each chunk followed by its tag.
pub const OSSENC_INLINE: u32 = 0;
/// The layout DETACHED: a body exactly as long as the plaintext; head and tags lie aside.
pub const OSSENC_DETACHED: u32 = 1;
/// The layout PAGED: 4 MiB of ciphertext, then one page of 4,096 bytes with its tags, repeated; the last ciphertext and
/// page padded with zeros to 4,096. The head is in the receipt, and the caller keeps the plaintext's length.
pub const OSSENC_PAGED: u32 = 2;
/// Plaintext bytes of a chunk; a segment's last chunk has fewer.
pub const OSSENC_CHUNK: usize = 16_384;
/// Stored bytes of a whole chunk, INLINE.
pub const OSSENC_STORED_CHUNK: usize = 16_400;
/// Bytes of a segment's head.
pub const OSSENC_HEAD: usize = 56;

const _: () = {
    assert!(OSSENC_CHUNK == message::size::CHUNK_LEN);
    assert!(OSSENC_STORED_CHUNK == message::size::STORED_CHUNK_LEN);
    assert!(OSSENC_HEAD == message::size::HEAD_LEN);
    assert!(OSSENC_INLINE == Layout::Inline as u32);
    assert!(OSSENC_DETACHED == Layout::Detached as u32);
    assert!(OSSENC_PAGED == Layout::Paged as u32);
};

/// Seals one segment. It draws its own salt and hands out its own chunk numbers: no sequence of calls, from any
/// threads, encrypts two plaintexts under one nonce.
pub struct ossenc_sealer {
    kind: Kind,
}

enum Kind {
    Stream(Box<Sealer>),
    Tickets(Box<TicketSealer>),
}

/// The next run of chunks of a segment, and its place: to be spent once. Plain data; a copied, changed or foreign
/// ticket is an error, never a repeated nonce.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ossenc_ticket {
    /// Which one: opaque.
    pub id: u64,
    /// Where its plaintext begins in the segment.
    pub plain_off: u64,
    /// Where its stored bytes begin in the body.
    pub body_off: u64,
    /// Where its tags begin aside (DETACHED); else 0.
    pub side_off: u64,
    /// Bytes of plaintext.
    pub plain: usize,
    /// Bytes of body.
    pub body: usize,
    /// Bytes aside.
    pub side: usize,
}

impl ossenc_ticket {
    fn new(ticket: &Ticket) -> ossenc_ticket {
        let Ticket { id, plain_off, body_off, aside_off, plain, body, aside } = *ticket;
        ossenc_ticket { id, plain_off, body_off, side_off: aside_off, plain, body, side: aside }
    }

    fn ticket(self) -> Ticket {
        let ossenc_ticket { id, plain_off, body_off, side_off, plain, body, side } = self;
        Ticket { id, plain_off, body_off, aside_off: side_off, plain, body, aside: side }
    }
}

/// What was sealed: for the caller's records. Neither secret nor authentic.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ossenc_receipt {
    /// `sizeof (ossenc_receipt)`.
    pub size: usize,
    /// The part: 0 for a single-segment object.
    pub part: u32,
    /// `OSSENC_INLINE`, `OSSENC_DETACHED` or `OSSENC_PAGED`.
    pub layout: u32,
    /// The segment's head.
    pub head: [u8; 56],
    /// Bytes of plaintext.
    pub plain: u64,
    /// Bytes of the body.
    pub body: u64,
    /// CRC-64/XZ of the plaintext: OSS's `x-oss-hash-crc64ecma`.
    pub crc64_plain: u64,
    /// CRC-32C of the body, without what lies aside: to scrub without a key.
    pub crc32c_body: u32,
}

// SAFETY: `repr(C)`, `size` first; integers, pointers and function pointers may be zero.
unsafe impl Extensible for ossenc_receipt {}

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
/// `place` is NULL, or a sized struct.
pub(crate) unsafe fn write_receipt(place: *mut ossenc_receipt, receipt: &Receipt) -> Outcome<()> {
    if place.is_null() {
        return Ok(());
    }
    let Receipt { part, layout, head, plain, body, crc64_plain, crc32c_body } = *receipt;
    let layout = layout as u32;
    let receipt = ossenc_receipt { size: 0, part, layout, head, plain, body, crc64_plain, crc32c_body };
    // SAFETY: as the caller says.
    unsafe { write_sized(place, receipt) }
}

/// How many bytes the body takes, and how many lie aside (DETACHED: head and tags), for a plaintext of `plain` bytes.
/// `body` and `side` may be NULL.
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

/// Begins a segment of `object`: part 0 of a single-segment object, parts from 1 up of a segmented one. Free with
/// `ossenc_sealer_free`. Sealing a part again makes another message; the caller decides which one it keeps.
///
/// With `max_tickets` 0 the sealer is a stream, for `ossenc_seal_next`. Else it gives up to so many tickets of
/// `chunks_per_ticket` chunks each, for `ossenc_seal_reserve`; at most 2^24 tickets, and for PAGED a multiple of 256
/// chunks in each.
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
        let layout = Layout::from_number(layout)?;
        if max_tickets == 0 && chunks_per_ticket != 0 {
            return argument("chunks_per_ticket is 0 when max_tickets is");
        }
        // SAFETY: by the rules of the header.
        unsafe {
            let object = &get(object)?.object;
            give(sealer, || {
                let kind = if max_tickets == 0 {
                    Kind::Stream(Box::new(object.sealer(part, layout)?))
                } else {
                    Kind::Tickets(Box::new(object.ticket_sealer(part, layout, max_tickets, chunks_per_ticket)?))
                };
                Ok(ossenc_sealer { kind })
            })
        }
    })
}

/// Seals whole chunks of a stream: as many as the source holds and there is room for, after the head if that was not
/// written yet (INLINE to `dst`, DETACHED to `side`). Nothing is kept back: what is left of the source (at least the
/// last partial chunk) the caller gives again, to the next call or to `ossenc_seal_finish`.
///
/// `src` and `dst` may be scattered. They may be the same memory where the same plaintext and ciphertext lie, tags and
/// pages being elsewhere; any other overlap is `OSSENC_E_ARG`. `side` takes the tags of DETACHED, from its start, and
/// its `n` is set; it is NULL or empty for the other layouts. `consumed` and `written` are set in any case: both 0 with
/// `OSSENC_OK` says that the source holds no further whole chunk, or that there is no room for one. Pieces that share
/// memory begin at the same byte, and neither goes past its chunk's bytes into a tag or a page. The lists are meant to
/// be short: checking them takes the product of their lengths. No allocation, lock or system call.
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
            let mut side = room_or_none(side)?;
            let Kind::Stream(sealer) = &mut get_mut(sealer)?.kind else {
                return argument("this sealer gives tickets");
            };
            let gaps = Gaps::of(sealer.layout(), sealer.chunk_in_group());
            let head = if sealer.layout() == Layout::Inline { sealer.head_left() } else { 0 };
            let mut io = Vectors::new(src, ns, dst, nd, Sealed::Target { head, gaps })?;
            if let Some(side) = &mut side {
                io = io.writing_aside(side.all())?;
            }
            let progress = sealer.next(&mut io)?;
            (*consumed, *written) = (progress.consumed, progress.written);
            if let Some(side) = side {
                side.wrote(progress.aside);
            }
            Ok(())
        }
    })
}

/// Gives the next ticket of a sealer that was made for tickets. `OSSENC_E_STATE` when all are reserved. No allocation,
/// lock or system call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_seal_reserve(
    sealer: *const ossenc_sealer,
    ticket: *mut ossenc_ticket,
) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        unsafe {
            let place = get_mut(ticket)?;
            let Kind::Tickets(sealer) = &get(sealer)?.kind else { return argument("this sealer is a stream") };
            *place = ossenc_ticket::new(&sealer.reserve()?);
            Ok(())
        }
    })
}

/// Seals the chunks of a ticket: exactly `ticket->plain` bytes of `src` into `ticket->body` bytes of `dst`, and
/// `ticket->side` bytes of `side` (DETACHED; else NULL). Any number of threads at once, in any order. What may overlap
/// is said at `ossenc_seal_next`.
///
/// A ticket is spent before any keystream: a second use is `OSSENC_E_USED`. A forged, changed or foreign one, or a
/// source of another length, is `OSSENC_E_ARG`, and too little room `OSSENC_E_BUFFER`: nothing is spent or written
/// then. No allocation, lock or system call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_seal_run(
    sealer: *const ossenc_sealer,
    ticket: *const ossenc_ticket,
    src: *const ossenc_iov,
    ns: usize,
    dst: *const ossenc_iov,
    nd: usize,
    side: *mut ossenc_out,
) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        unsafe {
            let mut side = room_or_none(side)?;
            let Kind::Tickets(sealer) = &get(sealer)?.kind else { return argument("this sealer is a stream") };
            let ticket = get(ticket)?.ticket();
            let gaps = Gaps::of(sealer.layout(), 0);
            let mut io = Vectors::new(src, ns, dst, nd, Sealed::Target { head: 0, gaps })?;
            if let Some(side) = &mut side {
                io = io.writing_aside(side.all())?;
            }
            sealer.run(&ticket, &mut io)?;
            if let Some(side) = side {
                side.wrote(ticket.aside);
            }
            Ok(())
        }
    })
}

/// Seals all that is left, of any length, into `body` and `side` (DETACHED; else NULL), and ends the segment. With too
/// little room the sealer stays as it was, and both `n` say what is needed. `receipt` may be NULL.
///
/// With tickets, all that were reserved must be done (`OSSENC_E_STATE`); what is written belongs behind the last of
/// them, at `receipt->body - body->n` (and tags at the end of what lies aside), and the head, which is in the receipt,
/// to where the layout has it.
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
            let (body, side) = (room(body)?, room_or_none(side)?);
            check_receipt(receipt)?;
            let tail_len = total(tail, nt)?;
            // Other threads may still be running tickets, by mistake: those sealers are only shared.
            let kind = &get(sealer.cast_const())?.kind;
            let finished = match kind {
                Kind::Tickets(sealer) => sealer.is_finished(),
                Kind::Stream(sealer) => sealer.receipt().is_some(),
            };
            if finished {
                // Whatever room there is.
                return Err(Error::State("this segment is finished").into());
            }
            let made = match kind {
                Kind::Tickets(sealer) => {
                    let gaps = Gaps::of(sealer.layout(), 0);
                    finish(tail, nt, body, side, 0, gaps, sealer.finish_len(tail_len), |io| Ok(sealer.finish(io)?.1))
                }
                Kind::Stream(_) => {
                    let Kind::Stream(sealer) = &mut get_mut(sealer)?.kind else { unreachable!("just looked") };
                    let gaps = Gaps::of(sealer.layout(), sealer.chunk_in_group());
                    let head = if sealer.layout() == Layout::Inline { sealer.head_left() } else { 0 };
                    finish(tail, nt, body, side, head, gaps, sealer.finish_len(tail_len), |io| {
                        sealer.finish(io)?;
                        Ok(sealer.receipt().expect("just finished"))
                    })
                }
            }?;
            write_receipt(receipt, &made)
        }
    })
}

/// # Safety
/// `tail` is a readable list of readable pieces.
unsafe fn finish(
    tail: *const ossenc_iov,
    nt: usize,
    body: crate::bytes::Room<'_>,
    side: Option<crate::bytes::Room<'_>>,
    head: usize,
    gaps: Gaps,
    takes: Progress,
    run: impl FnOnce(&mut Vectors<'_>) -> Outcome<Receipt>,
) -> Outcome<Receipt> {
    fill_both(body, side, (takes.written, takes.aside), |body, side| {
        let target = ossenc_iov { p: body.as_mut_ptr().cast(), n: body.len() };
        // SAFETY: as the caller says; the target is a slice.
        let io = unsafe { Vectors::new(tail, nt, &raw const target, 1, Sealed::Target { head, gaps }) }?;
        run(&mut io.writing_aside(side)?)
    })
}

/// Seals a whole segment at once. `src`, `body` and `side` are apart. See `ossenc_layout_size` for the room it takes,
/// and `ossenc_sealer_new` for `part`. `side` may be NULL but for DETACHED; `receipt` may be NULL.
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
            let (body, side) = (room(body)?, room_or_none(side)?);
            check_receipt(receipt)?;
            let layout = Layout::from_number(layout)?;
            let (object, src) = (&get(object)?.object, src.bytes()?);
            if body.overlaps(src) || side.as_ref().is_some_and(|side| side.overlaps(src)) {
                return argument("source and destination overlap");
            }
            let (body_len, side_len) = layout.size(src.len() as u64)?;
            let narrow = |n: u64| usize::try_from(n).or_else(|_| argument("too long for this machine"));
            let made = fill_both(body, side, (narrow(body_len)?, narrow(side_len)?), |body, side| {
                Ok(object.seal(part, layout, src, body, side)?)
            })?;
            write_receipt(receipt, &made)
        }
    })
}

/// Frees a sealer. NULL is legal. Before `ossenc_seal_finish`, what it sealed is no whole segment.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_sealer_free(sealer: *mut ossenc_sealer) {
    guard(core::ptr::null_mut(), || {
        // SAFETY: a handle of ours or NULL, by the rules of the header.
        unsafe { take_back(sealer) };
        Ok(())
    });
}
