//! Sealing one segment from many threads: tickets are spent once, in any order, and whatever is done with them, no
//! number of a chunk is used twice.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;

use common::entropy::Tape;
use common::parts::object;
use common::pieces::InPlace;
use common::segments::{LAYOUTS, Segment};
use common::store::Store;
use common::{UNTOUCHED, cases, pattern, untouched};
use ossenc::message::size::{self, CHUNK_LEN, HEAD_LEN, STORED_CHUNK_LEN, TAG_LEN};
use ossenc::pieces::Slices;
use ossenc::{Error, GROUP_CHUNKS, Layout, Object, Receipt, Result, Ticket, TicketSealer};
use proptest::prelude::*;

/// Chunks of a ticket: the fewest that the layout takes.
fn chunks_of(layout: Layout) -> u32 {
    if layout == Layout::Paged { GROUP_CHUNKS as u32 } else { 1 }
}

fn sealer(object: &Object, layout: Layout, tickets: u32) -> TicketSealer {
    object.ticket_sealer(1, layout, tickets, chunks_of(layout)).unwrap()
}

/// What a ticket's run gives: its body, and what lies aside.
type Sealed = (Ticket, Vec<u8>, Vec<u8>);

fn spend(sealer: &TicketSealer, ticket: &Ticket, plain: &[u8]) -> Result<Sealed> {
    let (mut body, mut aside) = (vec![UNTOUCHED; ticket.body], vec![UNTOUCHED; ticket.aside]);
    let outcome = sealer.run(ticket, &mut Slices::new(plain, &mut body).writing_aside(&mut aside));
    if outcome.is_err() {
        assert!(untouched(&body) && untouched(&aside), "written before {outcome:?}");
    }
    outcome.map(|()| (*ticket, body, aside))
}

/// The plaintext of a ticket, in a segment whose plaintext is that.
fn plain_of<'a>(plain: &'a [u8], ticket: &Ticket) -> &'a [u8] {
    &plain[ticket.plain_off as usize..][..ticket.plain]
}

fn finish(sealer: &TicketSealer, tail: &[u8]) -> Result<(Vec<u8>, Vec<u8>, Receipt)> {
    let needed = sealer.finish_len(tail.len());
    let (mut body, mut aside) = (vec![UNTOUCHED; needed.written], vec![UNTOUCHED; needed.aside]);
    let (progress, receipt) = sealer.finish(&mut Slices::new(tail, &mut body).writing_aside(&mut aside))?;
    assert_eq!(progress, needed);
    Ok((body, aside, receipt))
}

/// Puts the pieces where they say that they belong, and the head where the layout has it.
fn assemble(pieces: &[Sealed], (tail, tail_aside, receipt): (Vec<u8>, Vec<u8>, Receipt)) -> Segment {
    let (body_len, aside_len) = receipt.layout.size(receipt.plain).unwrap();
    assert_eq!(body_len, receipt.body);
    let (mut body, mut aside) = (vec![UNTOUCHED; body_len as usize], vec![UNTOUCHED; aside_len as usize]);
    match receipt.layout {
        Layout::Inline => body[..HEAD_LEN].copy_from_slice(&receipt.head),
        Layout::Detached => aside[..HEAD_LEN].copy_from_slice(&receipt.head),
        _ => {}
    }
    for (ticket, piece, tags) in pieces {
        body[ticket.body_off as usize..][..piece.len()].copy_from_slice(piece);
        aside[ticket.aside_off as usize..][..tags.len()].copy_from_slice(tags);
    }
    let (tail_at, tags_at) = (body.len() - tail.len(), aside.len() - tail_aside.len());
    body[tail_at..].copy_from_slice(&tail);
    aside[tags_at..].copy_from_slice(&tail_aside);
    Segment { receipt, body, aside }
}

/// An object whose data key is always the same, so that segments of the same salt are the same.
struct Known {
    tape: Arc<Tape>,
    object: Object,
}

impl Known {
    fn new() -> Known {
        let (store, tape, data_key) = Store::with_tape();
        let object = tape.play(&[&[9; 16], &data_key[..], &[8; 24]].concat(), || store.create_segmented().0);
        Known { tape, object }
    }

    /// What a stream makes with the salt of the tickets: all bytes, and the receipt, have to be the same.
    #[track_caller]
    fn assert_as_streamed(&self, salt: &[u8; 24], plain: &[u8], made: &Segment) {
        let streamed = self.tape.play(salt, || Segment::seal(&self.object, 1, made.layout(), plain));
        assert!(streamed.body == made.body && streamed.aside == made.aside);
        assert_eq!(streamed.receipt, made.receipt);
        assert!(made.open(&self.object).as_deref() == Ok(plain));
    }
}

/// Threads that take tickets until there are none.
fn seal_on_threads(sealer: &TicketSealer, plain: &[u8], threads: usize) -> Vec<Sealed> {
    let work = || {
        let mut pieces = vec![];
        while let Ok(ticket) = sealer.reserve() {
            pieces.push(spend(sealer, &ticket, plain_of(plain, &ticket)).unwrap());
        }
        pieces
    };
    thread::scope(|scope| {
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        handles.into_iter().flat_map(|handle| handle.join().unwrap()).collect()
    })
}

#[test]
fn threads_seal_what_a_stream_would_in_each_layout() {
    let known = Known::new();
    // A ticket of PAGED is of 4 MiB: one of them, and a tail, do for it.
    let tails = [0, 1, CHUNK_LEN, 2 * CHUNK_LEN + 77];
    for (layout, tickets, tails) in
        [(Layout::Inline, 20, &tails[..]), (Layout::Detached, 20, &tails), (Layout::Paged, 2, &tails[3..])]
    {
        for &tail in tails {
            let chunks = tickets as usize * chunks_of(layout) as usize;
            let plain = pattern(chunks * CHUNK_LEN + tail);
            let salt = [layout as u8 + 1; 24];
            let sealer = known.tape.play(&salt, || sealer(&known.object, layout, tickets));
            let pieces = seal_on_threads(&sealer, &plain, 4);
            assert_eq!(pieces.len(), tickets as usize);
            let made = assemble(&pieces, finish(&sealer, &plain[chunks * CHUNK_LEN..]).unwrap());
            known.assert_as_streamed(&salt, &plain, &made);
        }
    }
}

proptest! {
    #![proptest_config(cases(25))]

    /// Tickets that are reserved, kept and spent in any order; not all that could be are reserved.
    #[test]
    fn any_interleaving_gives_the_same_bytes(
        detached: bool,
        chunks_per_ticket in 1..4u32,
        steps in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>()), 0..24),
        tail in prop_oneof![Just(0), 0..3 * CHUNK_LEN],
    ) {
        let layout = if detached { Layout::Detached } else { Layout::Inline };
        let known = Known::new();
        let make = || known.object.ticket_sealer(1, layout, 8, chunks_per_ticket).unwrap();
        let sealer = known.tape.play(&[7; 24], make);
        let plain = pattern(8 * chunks_per_ticket as usize * CHUNK_LEN);
        let (mut held, mut pieces) = (vec![], vec![]);
        for (reserve, which) in steps {
            if reserve {
                match sealer.reserve() {
                    Ok(ticket) => held.push(ticket),
                    Err(error) => {
                        prop_assert!(matches!(error, Error::State(_)));
                        prop_assert_eq!(held.len() + pieces.len(), 8, "all are reserved");
                    }
                }
            } else if !held.is_empty() {
                let ticket = held.swap_remove(which.index(held.len()));
                pieces.push(spend(&sealer, &ticket, plain_of(&plain, &ticket)).unwrap());
            }
        }
        if let Some(ticket) = held.first() {
            prop_assert!(matches!(finish(&sealer, b""), Err(Error::State(_))), "a ticket is not done");
            prop_assert_eq!(ticket.plain, chunks_per_ticket as usize * CHUNK_LEN);
        }
        for ticket in held {
            pieces.push(spend(&sealer, &ticket, plain_of(&plain, &ticket)).unwrap());
        }
        let taken = pieces.len() * chunks_per_ticket as usize * CHUNK_LEN;
        let whole = [&plain[..taken], &pattern(tail)].concat();
        let made = assemble(&pieces, finish(&sealer, &whole[taken..]).unwrap());
        known.assert_as_streamed(&[7; 24], &whole, &made);
    }
}

#[test]
fn tickets_seal_in_place() {
    let object = object();
    let sealer = object.ticket_sealer(1, Layout::Detached, 4, 3).unwrap();
    let plain = pattern(3 * CHUNK_LEN);
    let ticket = sealer.reserve().unwrap();
    let mut in_place = InPlace::to_seal(&plain);
    sealer.run(&ticket, &mut in_place).unwrap();
    let pieces = [(ticket, in_place.body, in_place.aside)];
    let made = assemble(&pieces, finish(&sealer, b"tail").unwrap());
    assert!(made.open(&object) == Ok([&plain[..], b"tail"].concat()));
}

#[test]
fn a_ticket_that_was_spent_is_used_up() {
    for layout in LAYOUTS {
        let sealer = sealer(&object(), layout, 1);
        let ticket = sealer.reserve().unwrap();
        let copy = ticket;
        let plain = pattern(ticket.plain);
        spend(&sealer, &ticket, &plain).unwrap();
        for again in [ticket, copy] {
            assert_eq!(spend(&sealer, &again, &plain).err(), Some(Error::Used));
        }
        finish(&sealer, b"").unwrap();
        assert_eq!(spend(&sealer, &ticket, &plain).err(), Some(Error::Used), "after the end, too");
    }
}

#[test]
fn a_ticket_that_was_changed_forged_or_is_of_another_sealer_is_refused_before_anything_is_written() {
    for layout in LAYOUTS {
        let object = object();
        let (own, foreign) = (sealer(&object, layout, 3), sealer(&object, layout, 3));
        let ticket = own.reserve().unwrap();
        let plain = pattern(ticket.plain);
        let refused = |ticket: &Ticket| {
            let room = (vec![UNTOUCHED; ticket.body.min(5_000_000)], vec![UNTOUCHED; ticket.aside.min(5_000_000)]);
            let (mut body, mut aside) = room;
            let outcome = own.run(ticket, &mut Slices::new(&plain, &mut body).writing_aside(&mut aside));
            assert!(matches!(outcome, Err(Error::Argument(_))), "{layout:?} {ticket:?}: {outcome:?}");
            assert!(untouched(&body) && untouched(&aside));
        };
        refused(&foreign.reserve().unwrap());
        refused(&Ticket::default());
        // The next ones, which were not given yet, and those that never will be.
        for by in [1, 2, 3, u64::from(u32::MAX)] {
            refused(&Ticket { id: ticket.id + by, ..ticket });
        }
        for bit in 0..64 {
            refused(&Ticket { id: ticket.id ^ 1 << bit, ..ticket });
        }
        refused(&Ticket { plain_off: ticket.plain_off + 1, ..ticket });
        refused(&Ticket { body_off: ticket.body_off + 1, ..ticket });
        refused(&Ticket { aside_off: ticket.aside_off + 1, ..ticket });
        refused(&Ticket { plain: ticket.plain - 1, ..ticket });
        refused(&Ticket { body: ticket.body - 1, ..ticket });
        refused(&Ticket { aside: ticket.aside + 1, ..ticket });
        spend(&own, &ticket, &plain).expect("none of that has spent it");
    }
}

#[test]
fn a_source_of_another_length_or_too_little_room_does_not_spend_a_ticket() {
    for layout in LAYOUTS {
        let object = object();
        let sealer = sealer(&object, layout, 1);
        let ticket = sealer.reserve().unwrap();
        let plain = pattern(ticket.plain + 1);
        for source in [&plain[..ticket.plain - 1], &plain, &[]] {
            assert!(matches!(spend(&sealer, &ticket, source), Err(Error::Argument(_))), "{layout:?}");
        }
        let plain = &plain[..ticket.plain];
        let (mut body, mut aside) = (vec![UNTOUCHED; ticket.body], vec![UNTOUCHED; ticket.aside]);
        let short = &mut body[..ticket.body - 1];
        let outcome = sealer.run(&ticket, &mut Slices::new(plain, short).writing_aside(&mut aside));
        assert_eq!(outcome, Err(Error::Buffer { needed: ticket.body }));
        if layout == Layout::Detached {
            let short = &mut aside[..ticket.aside - 1];
            let outcome = sealer.run(&ticket, &mut Slices::new(plain, &mut body).writing_aside(short));
            assert_eq!(outcome, Err(Error::Buffer { needed: TAG_LEN }));
        }
        assert!(untouched(&body) && untouched(&aside));
        assert!(matches!(finish(&sealer, b""), Err(Error::State(_))), "it is still not done");
        let pieces = [spend(&sealer, &ticket, plain).unwrap()];
        let made = assemble(&pieces, finish(&sealer, b"tail").unwrap());
        assert!(made.open(&object) == Ok([plain, b"tail"].concat()));
    }
}

#[test]
fn a_segment_ends_once_and_not_while_a_ticket_is_out() {
    for layout in LAYOUTS {
        let sealer = sealer(&object(), layout, 2);
        let ticket = sealer.reserve().unwrap();
        assert!(matches!(finish(&sealer, b"tail"), Err(Error::State(_))));
        spend(&sealer, &ticket, &pattern(ticket.plain)).unwrap();

        let needed = sealer.finish_len(4);
        let (mut body, mut aside) = (vec![UNTOUCHED; needed.written - 1], vec![UNTOUCHED; needed.aside]);
        let outcome = sealer.finish(&mut Slices::new(b"tail", &mut body).writing_aside(&mut aside));
        assert_eq!(outcome.err(), Some(Error::Buffer { needed: needed.written }));
        assert!(untouched(&body) && untouched(&aside), "and it may be finished with more room");

        let (_, _, receipt) = finish(&sealer, b"tail").unwrap();
        assert_eq!((receipt.plain, receipt.part), (ticket.plain as u64 + 4, 1));
        assert!(matches!(finish(&sealer, b"tail"), Err(Error::State(_))));
        for _ in 0..3 {
            assert!(matches!(sealer.reserve(), Err(Error::State(_))), "after the end");
        }
        // The second, which was never given: its chunks are the tail's. What was asked for in vain does not make it valid.
        let late = Ticket {
            id: ticket.id + 1,
            plain_off: ticket.plain as u64,
            body_off: ticket.body_off + ticket.body as u64,
            aside_off: ticket.aside_off + ticket.aside as u64,
            ..ticket
        };
        assert!(matches!(spend(&sealer, &late, &pattern(ticket.plain)), Err(Error::Argument(_))));
    }
}

#[test]
fn tickets_that_are_asked_for_in_vain_do_not_keep_a_segment_from_ending() {
    let object = object();
    let sealer = sealer(&object, Layout::Inline, 1);
    let ticket = sealer.reserve().unwrap();
    assert!((0..100).all(|_| matches!(sealer.reserve(), Err(Error::State(_)))));
    let pieces = [spend(&sealer, &ticket, &pattern(CHUNK_LEN)).unwrap()];
    let made = assemble(&pieces, finish(&sealer, b"").unwrap());
    assert!(made.open(&object) == Ok(pattern(CHUNK_LEN)));
}

#[test]
fn numbers_of_tickets_and_chunks_stay_within_their_limits() {
    let object = object();
    let make = |layout, tickets, chunks| object.ticket_sealer(1, layout, tickets, chunks).map(|_| ());
    let argument = |outcome: Result<()>| assert!(matches!(outcome, Err(Error::Argument(_))), "{outcome:?}");
    for layout in LAYOUTS {
        argument(make(layout, 0, 256));
        argument(make(layout, 1, 0));
        argument(make(layout, (1 << 24) + 1, 256));
        argument(make(layout, u32::MAX, u32::MAX));
        argument(make(layout, 1 << 16, 1 << 16)); // 2^32 chunks leave none for the last
        argument(make(layout, 2, 1 << 31));
        assert_eq!(make(layout, 1 << 16, (1 << 16) - 256), Ok(()));
    }
    for chunks in [1, 255, 257, 511] {
        argument(make(Layout::Paged, 1, chunks));
    }
    assert_eq!(make(Layout::Paged, 1, 512), Ok(()));
    // What lies far out is where it would lie in a stream.
    let sealer = object.ticket_sealer(1, Layout::Inline, 3, (1 << 30) + 1).unwrap();
    let last = [(); 3].map(|()| sealer.reserve().unwrap())[2];
    let first_chunk = 2 * ((1u64 << 30) + 1);
    assert_eq!(last.plain_off, first_chunk * CHUNK_LEN as u64);
    assert_eq!(last.body_off, size::stored_chunk(size::MAX_PLAIN_LEN, first_chunk).start);
    assert_eq!(last.body, ((1 << 30) + 1) * STORED_CHUNK_LEN);
}

/// Of all threads that spend a ticket, one succeeds: so no chunk is sealed twice under the salt of its segment. As many
/// tickets are replayed as OSSENC_REPLAYS says.
#[test]
fn threads_that_replay_tickets_seal_no_chunk_twice() {
    const THREADS: usize = 16;
    const TICKETS: usize = 64;
    let replays = std::env::var("OSSENC_REPLAYS").ok().and_then(|n| n.parse().ok()).unwrap_or(20_000usize);
    let (object, plain) = (object(), pattern(CHUNK_LEN));
    for round in 0..replays.div_ceil(THREADS * TICKETS) {
        let layout = LAYOUTS[round % 2];
        let sealer = sealer(&object, layout, TICKETS as u32);
        let successes: Vec<AtomicU32> = (0..TICKETS).map(|_| AtomicU32::new(0)).collect();
        let tickets: Vec<Ticket> = (0..TICKETS).map(|_| sealer.reserve().unwrap()).collect();
        let attempt = |buffers: &mut (Vec<u8>, Vec<u8>), index: usize| {
            let mut io = Slices::new(&plain, &mut buffers.0).writing_aside(&mut buffers.1);
            match sealer.run(&tickets[index], &mut io) {
                Ok(()) => {
                    successes[index].fetch_add(1, Relaxed);
                }
                Err(error) => assert_eq!(error, Error::Used),
            }
        };
        thread::scope(|scope| {
            for thread in 0..THREADS {
                let attempt = &attempt;
                scope.spawn(move || {
                    let mut buffers = (vec![0; STORED_CHUNK_LEN], vec![0; TAG_LEN]);
                    // Some go forwards and some backwards, so that they meet everywhere.
                    (0..TICKETS).for_each(|i| attempt(&mut buffers, if thread % 2 == 0 { i } else { TICKETS - 1 - i }));
                });
            }
        });
        assert!(successes.iter().all(|count| count.load(Relaxed) == 1), "{successes:?}");
        finish(&sealer, b"").unwrap();
    }
}

/// Threads that reserve while others end the segment: whatever comes first, no chunk of a ticket is one of the tail's.
#[test]
fn an_end_that_races_with_reservations_shares_no_chunk_with_them() {
    let (object, plain) = (object(), pattern(CHUNK_LEN));
    for _ in 0..200 {
        let sealer = sealer(&object, Layout::Inline, 8);
        let (pieces, ends) = thread::scope(|scope| {
            let reserving = || -> Vec<Sealed> {
                let reserved = (0..3).map_while(|_| sealer.reserve().ok());
                reserved.map(|ticket| spend(&sealer, &ticket, &plain).unwrap()).collect()
            };
            let threads: Vec<_> = (0..2).map(|_| scope.spawn(reserving)).collect();
            let ending = [(); 2].map(|()| scope.spawn(|| (0..4).find_map(|_| finish(&sealer, b"tail").ok())));
            let pieces: Vec<Sealed> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
            (pieces, ending.map(|thread| thread.join().unwrap()))
        });
        let ends: Vec<_> = ends.into_iter().flatten().chain(finish(&sealer, b"tail")).collect();
        assert_eq!(ends.len(), 1, "a segment ends once");
        let made = assemble(&pieces, ends.into_iter().next().unwrap());
        assert!(made.open(&object) == Ok([&plain.repeat(pieces.len())[..], b"tail"].concat()));
    }
}
