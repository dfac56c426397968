//! Sealing one segment from many threads: tickets hand out runs of chunks, each to be sealed once.

use alloc::boxed::Box;
use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicU32, AtomicU64};

use ossenc_gcm::Chunked;
use ossenc_mem::Guarded;

use crate::digest::{Digests, TakeDigests, crc32c, crc32c_combine, crc64_combine};
use crate::kdf::Prk;
use crate::layout::{GROUP_CHUNKS, Geometry, Layout};
use crate::message::run::{PageOfTags, Writer};
use crate::message::size::{self, CHUNK_LEN, MAX_CHUNKS, TAG_LEN};
use crate::message::{Head, Progress, begin};
use crate::pieces::Pieces;
use crate::receipt::Receipt;
use crate::{Engine, Error, Result};

/// The next run of chunks of a segment, and its place. To be spent once, by [`TicketSealer::run`].
///
/// It is plain data: copying it, changing it or taking it to another sealer is possible and leads to an error, never to
/// a repeated nonce.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ticket {
    /// Which one: opaque.
    pub id: u64,
    /// Where its plaintext begins in the segment.
    pub plain_off: u64,
    /// Where its stored bytes begin in the body.
    pub body_off: u64,
    /// Where its tags begin aside (DETACHED); else 0.
    pub aside_off: u64,
    /// Bytes of plaintext.
    pub plain: usize,
    /// Bytes of body.
    pub body: usize,
    /// Bytes aside.
    pub aside: usize,
}

/// Seals one segment from any number of threads.
///
/// [`reserve`](TicketSealer::reserve) gives tickets of a fixed number of chunks, in the order of the segment, each once,
/// and none after the end; [`run`](TicketSealer::run) spends one by a compare-and-swap before any keystream;
/// [`finish`](TicketSealer::finish) wants every ticket done, and seals what is left. The head is in the receipt: the
/// caller writes it to the place that the layout gives it.
pub struct TicketSealer {
    chunked: Guarded<Chunked>,
    head: Head,
    part: u32,
    layout: Layout,
    chunks_per_ticket: u32,
    take: TakeDigests,
    /// What marks this sealer's tickets.
    mark: u32,
    /// How many tickets were given: never more than there are, and no more once [`FINISHED`] is set, since a ticket of
    /// an index below it is a valid one.
    reserved: AtomicU64,
    done: AtomicU32,
    tickets: Box<[Spent]>,
}

/// What becomes of a ticket.
#[derive(Default)]
struct Spent {
    spent: AtomicU32,
    crc32c_body: AtomicU32,
    crc64_plain: AtomicU64,
}

const FINISHED: u64 = 1 << 63;
/// Most tickets of a sealer: bounds what it allocates.
const MAX_TICKETS: u32 = 1 << 24;

impl TicketSealer {
    pub(crate) fn new(
        engine: &Engine,
        key: &Prk,
        context: &[&[u8]],
        part: u32,
        layout: Layout,
        max_tickets: u32,
        chunks_per_ticket: u32,
    ) -> Result<TicketSealer> {
        let chunks = u64::from(max_tickets) * u64::from(chunks_per_ticket);
        if max_tickets == 0 || max_tickets > MAX_TICKETS || chunks == 0 || chunks >= MAX_CHUNKS {
            return Err(Error::Argument("a sealer has 1 to 2^24 tickets, and fewer than 2^32 chunks in all of them"));
        }
        if usize::try_from(u64::from(chunks_per_ticket) * size::STORED_CHUNK_LEN as u64).is_err() {
            return Err(Error::Argument("tickets are too long for this machine"));
        }
        if layout == Layout::Paged && !(chunks_per_ticket as usize).is_multiple_of(GROUP_CHUNKS) {
            return Err(Error::Argument("a ticket of PAGED takes a multiple of 256 chunks"));
        }
        let (chunked, head) = begin(engine, key, context, CHUNK_LEN)?;
        Ok(TicketSealer {
            chunked,
            part,
            layout,
            chunks_per_ticket,
            take: engine.digests(),
            // The commitment's last bytes: as good as random, and public.
            mark: u32::from_be_bytes(*head.last_chunk().expect("56 bytes")),
            head,
            reserved: AtomicU64::new(0),
            done: AtomicU32::new(0),
            tickets: (0..max_tickets).map(|_| Spent::default()).collect(),
        })
    }

    /// The layout.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Gives the next ticket.
    ///
    /// # Errors
    /// [`Error::State`] when all are reserved, or after [`finish`](TicketSealer::finish); [`Error::Forked`].
    pub fn reserve(&self) -> Result<Ticket> {
        self.chunked.get()?;
        let most = self.tickets.len() as u64;
        match self.reserved.fetch_update(Relaxed, Relaxed, |given| (given < most).then_some(given + 1)) {
            Ok(index) => Ok(self.ticket(u32::try_from(index).expect("at most 2^24"))),
            Err(given) if given & FINISHED != 0 => Err(Error::State("this segment is finished")),
            Err(_) => Err(Error::State("all tickets are reserved")),
        }
    }

    /// Seals a ticket's chunks. The source holds exactly `plain` bytes; there is room for `body` bytes, and `aside`
    /// bytes aside.
    ///
    /// # Errors
    /// [`Error::Used`] for a ticket that was spent; [`Error::Argument`] for one that is not of this sealer or was
    /// changed, and for a source of another length; [`Error::Buffer`] for too little room;
    /// [`Error::Forked`]. Nothing is written then, and only a success spends the ticket.
    pub fn run(&self, ticket: &Ticket, io: &mut dyn Pieces) -> Result<()> {
        let chunked = self.chunked.get()?;
        let index = self.index(ticket).ok_or(Error::Argument("this ticket is not of this sealer"))?;
        if io.source_left() != ticket.plain {
            return Err(Error::Argument("a ticket takes exactly its bytes of plaintext"));
        }
        for (needed, room) in [(ticket.body, io.target_left()), (ticket.aside, io.aside_room())] {
            if room < needed {
                return Err(Error::Buffer { needed });
            }
        }
        let record = &self.tickets[index as usize];
        if record.spent.compare_exchange(0, 1, AcqRel, Acquire).is_err() {
            return Err(Error::Used);
        }
        let digests = match self.layout {
            Layout::Inline | Layout::Detached => self.seal(chunked, index, None, io)?,
            Layout::Paged => self.seal_paged(chunked, index, io)?,
        };
        record.crc64_plain.store(digests.crc64_plain(), Relaxed);
        record.crc32c_body.store(digests.crc32c_body(), Relaxed);
        self.done.fetch_add(1, Release);
        Ok(())
    }

    /// Apart, so that only PAGED has a page on the stack.
    #[inline(never)]
    fn seal_paged(&self, chunked: &Chunked, index: u32, io: &mut dyn Pieces) -> Result<Digests> {
        self.seal(chunked, index, Some(&mut PageOfTags::default()), io)
    }

    fn seal(
        &self,
        chunked: &Chunked,
        index: u32,
        page: Option<&mut PageOfTags>,
        io: &mut dyn Pieces,
    ) -> Result<Digests> {
        let mut digests = Digests::new(self.take);
        let mut chunks = self.first_chunk(index);
        self.writer(chunked, &mut chunks, page, &mut digests).whole(self.chunks_per_ticket as usize, io)?;
        Ok(digests)
    }

    /// Whether the segment is finished: nothing can be reserved or sealed any more.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.reserved.load(Acquire) & FINISHED != 0
    }

    /// What [`finish`](TicketSealer::finish) will take and write for a tail of `len` bytes.
    #[must_use]
    pub fn finish_len(&self, len: usize) -> Progress {
        let geometry = Geometry { layout: self.layout, plain_len: len as u64 };
        let chunks = len / CHUNK_LEN + 1;
        // A tail begins where a segment could begin, but for the head.
        let written = match self.layout {
            Layout::Inline => len + chunks * TAG_LEN,
            Layout::Detached => len,
            Layout::Paged => usize::try_from(geometry.body_len()).expect("little longer than the tail"),
        };
        let aside = if self.layout == Layout::Detached { chunks * TAG_LEN } else { 0 };
        Progress { consumed: len, written, aside }
    }

    /// Seals all that is left, of any length, and ends the segment. What it writes belongs behind the last ticket: at
    /// `body - written` of the receipt.
    ///
    /// # Errors
    /// [`Error::State`] while a ticket is reserved and not done, or after a success; [`Error::Buffer`] for too little
    /// room: see [`finish_len`](TicketSealer::finish_len); [`Error::Argument`] past [`size::MAX_CHUNKS`];
    /// [`Error::Forked`].
    pub fn finish(&self, io: &mut dyn Pieces) -> Result<(Progress, Receipt)> {
        let chunked = self.chunked.get()?;
        let given = self.reserved.load(Acquire);
        if given & FINISHED != 0 {
            return Err(Error::State("this segment is finished"));
        }
        let reserved = u32::try_from(given).expect("at most 2^24");
        if self.done.load(Acquire) != reserved {
            return Err(Error::State("a ticket is reserved and not done"));
        }
        let progress = self.finish_len(io.source_left());
        for (needed, room) in [(progress.written, io.target_left()), (progress.aside, io.aside_room())] {
            if room < needed {
                return Err(Error::Buffer { needed });
            }
        }
        let first = self.first_chunk(reserved);
        let plain = first * CHUNK_LEN as u64 + progress.consumed as u64;
        let (body, _) = self.layout.size(plain)?;
        if self.reserved.compare_exchange(given, given | FINISHED, AcqRel, Acquire).is_err() {
            return Err(Error::State("a ticket was reserved meanwhile"));
        }

        let mut digests = Digests::new(self.take);
        let mut page = (self.layout == Layout::Paged).then(Box::<PageOfTags>::default);
        let mut chunks = first;
        let mut writer = self.writer(chunked, &mut chunks, page.as_deref_mut(), &mut digests);
        writer.whole(progress.consumed / CHUNK_LEN, io)?;
        writer.last(progress.consumed % CHUNK_LEN, io)?;

        let (crc64_plain, crc32c_body) = self.combine(reserved, &digests, &progress);
        let receipt =
            Receipt { part: self.part, layout: self.layout, head: self.head, plain, body, crc64_plain, crc32c_body };
        Ok((progress, receipt))
    }

    /// The digests of the segment, from those of its pieces.
    fn combine(&self, reserved: u32, tail: &Digests, tail_len: &Progress) -> (u64, u32) {
        let ticket = self.ticket(0);
        let begins_with_head = self.layout == Layout::Inline && self.take.crc32c_body;
        // A digest that is not taken is 0 throughout, and so is what zeros combine to.
        let (mut plain, mut stored) = (0, if begins_with_head { crc32c(&self.head) } else { 0 });
        for record in &self.tickets[..reserved as usize] {
            plain = crc64_combine(plain, record.crc64_plain.load(Relaxed), ticket.plain as u64);
            stored = crc32c_combine(stored, record.crc32c_body.load(Relaxed), ticket.body as u64);
        }
        (
            crc64_combine(plain, tail.crc64_plain(), tail_len.consumed as u64),
            crc32c_combine(stored, tail.crc32c_body(), tail_len.written as u64),
        )
    }

    fn writer<'a>(
        &self,
        chunked: &'a Chunked,
        chunks: &'a mut u64,
        page: Option<&'a mut PageOfTags>,
        digests: &'a mut Digests,
    ) -> Writer<'a> {
        Writer { chunked, layout: self.layout, chunks, page, digests }
    }

    fn first_chunk(&self, index: u32) -> u64 {
        u64::from(index) * u64::from(self.chunks_per_ticket)
    }

    fn ticket(&self, index: u32) -> Ticket {
        let first = self.first_chunk(index);
        let chunks = self.chunks_per_ticket as usize;
        // A segment that goes on behind the ticket: its chunks are whole.
        let geometry = Geometry { layout: self.layout, plain_len: size::MAX_PLAIN_LEN };
        let plain = chunks * CHUNK_LEN;
        let (body, aside) = match self.layout {
            Layout::Inline => (chunks * size::STORED_CHUNK_LEN, 0),
            Layout::Detached => (plain, chunks * TAG_LEN),
            Layout::Paged => (plain + chunks * TAG_LEN, 0),
        };
        Ticket {
            id: u64::from(self.mark) << 32 | u64::from(index),
            plain_off: first * CHUNK_LEN as u64,
            body_off: geometry.body(first, first).start,
            aside_off: if aside > 0 { geometry.tags(first, first).start } else { 0 },
            plain,
            body,
            aside,
        }
    }

    /// The index of a ticket that this sealer gave, as it gave it.
    fn index(&self, ticket: &Ticket) -> Option<u32> {
        let index = (ticket.id & u64::from(u32::MAX)) as u32;
        let given = self.reserved.load(Relaxed) & !FINISHED;
        (u64::from(index) < given && *ticket == self.ticket(index)).then_some(index)
    }
}

impl core::fmt::Debug for TicketSealer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("TicketSealer")
            .field("part", &self.part)
            .field("layout", &self.layout)
            .field("reserved", &self.reserved)
            .field("done", &self.done)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pieces::Slices;
    use alloc::vec;

    /// So many chunks that no test seals them: they are only said to be done.
    #[test]
    fn a_tail_over_the_limit_of_chunks_is_refused_and_a_shorter_one_is_not() {
        let (engine, key) = (Engine::new().unwrap(), Prk::new(&[1; 32]));
        let sealer = TicketSealer::new(&engine, &key, &[], 1, Layout::Inline, 2, (1 << 31) - 1).unwrap();
        (0..2).for_each(|_| assert!(sealer.reserve().is_ok()));
        sealer.done.store(2, Relaxed);
        let plain = vec![0; 2 * CHUNK_LEN];
        let mut room = vec![0; 2 * size::STORED_CHUNK_LEN + TAG_LEN];
        let outcome = sealer.finish(&mut Slices::new(&plain, &mut room));
        assert!(matches!(outcome, Err(Error::Argument(_))), "{outcome:?}");
        let (_, receipt) = sealer.finish(&mut Slices::new(&plain[1..], &mut room)).unwrap();
        assert_eq!(receipt.plain, size::MAX_PLAIN_LEN);
    }
}
