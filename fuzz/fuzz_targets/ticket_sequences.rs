//! Sequences of calls with tickets, through the C ABI: reserved, spent in any order, again, changed, forged, of another
//! sealer, before and after the end. Each status is the one that a model says, no chunk is sealed twice, and what comes
//! out opens to what went in.
#![no_main]
#![allow(dead_code, non_camel_case_types, reason = "the ABI's sources, of which this program uses its share")]

// At the root of this program as at the root of the library, which has no rlib to link.
#[path = "../../ffi/src/bytes.rs"]
mod bytes;
#[path = "../../ffi/src/change.rs"]
mod change;
#[path = "../../ffi/src/iov.rs"]
mod iov;
#[path = "../../ffi/src/keyring.rs"]
mod keyring;
#[path = "../../ffi/src/keystore.rs"]
mod keystore;
#[path = "../../ffi/src/library.rs"]
mod library;
#[path = "../../ffi/src/object.rs"]
mod object;
#[path = "../../ffi/src/op.rs"]
mod op;
#[path = "../../ffi/src/open.rs"]
mod open;
#[path = "../../ffi/src/seal.rs"]
mod seal;
#[path = "../../ffi/src/segments.rs"]
mod segments;
#[path = "../../ffi/src/status.rs"]
mod status;

use std::collections::HashSet;
use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::ptr::{null, null_mut};
use std::slice;
use std::sync::LazyLock;

use arbitrary::{Arbitrary, Result, Unstructured};
use bytes::{ossenc_in, ossenc_out};
use iov::ossenc_iov;
use libfuzzer_sys::fuzz_target;
use object::ossenc_object;
use ossenc::Entropy;
use ossenc_fuzz::entropy::Counter;
use ossenc_fuzz::output::pattern;
use seal::{OSSENC_CHUNK, OSSENC_DETACHED, OSSENC_HEAD, OSSENC_INLINE, ossenc_receipt, ossenc_sealer, ossenc_ticket};
use status::{OSSENC_E_ARG, OSSENC_E_NOENTROPY, OSSENC_E_STATE, OSSENC_E_USED, OSSENC_OK, ossenc_status};

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Change {
    Nothing,
    Id(u64),
    NextId(u8),
    PlainOff(u64),
    BodyOff(u64),
    SideOff(u64),
    Plain(usize),
    Body(usize),
    Side(usize),
    /// The ticket of that index, well-formed in all its fields, given or not.
    Index(u8),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Step {
    Reserve,
    /// One of the tickets that were given, changed or not.
    Run(u8, Change),
    /// Of another sealer of the same shape.
    RunForeign,
    Finish(u16),
}

#[derive(Debug)]
struct Case {
    detached: bool,
    tickets: u32,
    chunks: u32,
    steps: Vec<Step>,
}

impl<'a> Arbitrary<'a> for Case {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Case> {
        let (detached, tickets, chunks) = (u.arbitrary()?, u.int_in_range(1..=5)?, u.int_in_range(1..=2)?);
        let steps = (0..u.int_in_range(0..=30)?).map(|_| u.arbitrary()).collect::<Result<_>>()?;
        Ok(Case { detached, tickets, chunks, steps })
    }
}

/// Shared by all runs; an object may be used by any number of threads.
struct Shared(*const ossenc_object);
// SAFETY: as the header says of ossenc_object.
unsafe impl Sync for Shared {}
// SAFETY: the same.
unsafe impl Send for Shared {}

fn input(bytes: &[u8]) -> ossenc_in {
    ossenc_in { p: bytes.as_ptr().cast(), n: bytes.len() }
}

fn room(bytes: &mut [u8]) -> ossenc_out {
    ossenc_out { p: bytes.as_mut_ptr().cast(), cap: bytes.len(), n: 0 }
}

/// Every call of the C ABI here gets pointers to live memory of the length that it says.
macro_rules! call {
    ($call:expr) => {
        // SAFETY: as said above.
        unsafe { $call }
    };
}

/// A struct as C callers set it: its size, what is named, and zeros.
macro_rules! sized {
    ($type:ty { $($field:ident: $value:expr),* $(,)? }) => {{
        // SAFETY: of every struct that begins with its size, all zeros are a value.
        let mut value: $type = unsafe { MaybeUninit::zeroed().assume_init() };
        value.size = size_of::<$type>();
        $(value.$field = $value;)*
        value
    }};
}

unsafe extern "C" fn entropy(_: *mut c_void, p: *mut c_void, n: usize) -> ossenc_status {
    static COUNTER: LazyLock<Counter> = LazyLock::new(Counter::default);
    // SAFETY: the library gives n bytes of room.
    COUNTER.fill(unsafe { slice::from_raw_parts_mut(p.cast::<u8>(), n) }).map_or(OSSENC_E_NOENTROPY, |()| OSSENC_OK)
}

static OBJECT: LazyLock<Shared> = LazyLock::new(|| {
    let (mut library, mut ring, mut keys, mut operation, mut made) =
        (null_mut(), null_mut(), null(), null_mut(), null());
    let mut image = [0; 1024];
    let mut out = room(&mut image);
    let config = sized!(library::ossenc_config { entropy: Some(entropy) });
    let ok = |status: ossenc_status| assert_eq!(status, OSSENC_OK);
    ok(call!(library::ossenc_lib_new(&config, &mut library, null_mut())));
    ok(call!(keyring::ossenc_keyring_new(library, null(), &mut ring)));
    ok(call!(keystore::ossenc_keystore_init(library, input(b"r"), input(&[7; 32]), &mut out, null_mut())));
    let n = out.n;
    ok(call!(keystore::ossenc_keystore_load(library, input(&image[..n]), input(&[7; 32]), 1, &mut keys, null_mut())));
    let change = sized!(change::ossenc_change { what: change::OSSENC_KS_CREATE, key_id: input(b"oss") });
    out = room(&mut image);
    ok(call!(change::ossenc_keystore_apply(keys, &change, &mut out, null_mut())));
    let n = out.n;
    call!(keystore::ossenc_keystore_free(keys));
    ok(call!(keystore::ossenc_keystore_load(library, input(&image[..n]), input(&[7; 32]), 2, &mut keys, null_mut())));
    ok(call!(keyring::ossenc_keyring_publish(ring, keys)));
    let choice = sized!(object::ossenc_choice { method: object::OSSENC_METHOD_SSE_OSS, key_id: input(b"oss") });
    let context = sized!(object::ossenc_context { bucket_id: input(b"b"), object: input(b"o") });
    ok(call!(object::ossenc_object_create(ring, &choice, &context, 1, null_mut(), &mut operation)));
    ok(call!(op::ossenc_op_run(operation, null(), null_mut(), 0, null_mut())));
    ok(call!(op::ossenc_op_object(operation, &mut made)));
    call!(op::ossenc_op_free(operation));
    call!(keyring::ossenc_keyring_free(ring));
    call!(keystore::ossenc_keystore_free(keys));
    call!(library::ossenc_lib_free(library));
    Shared(made)
});

fn new_sealer(case: &Case) -> *mut ossenc_sealer {
    let (mut sealer, layout) = (null_mut(), if case.detached { OSSENC_DETACHED } else { OSSENC_INLINE });
    let (tickets, chunks) = (case.tickets, case.chunks);
    let made = call!(seal::ossenc_sealer_new(OBJECT.0, 1, layout, tickets, chunks, &mut sealer, null_mut()));
    assert_eq!(made, OSSENC_OK);
    sealer
}

fn same(a: &ossenc_ticket, b: &ossenc_ticket) -> bool {
    (a.id, a.plain_off, a.body_off, a.side_off, a.plain, a.body, a.side)
        == (b.id, b.plain_off, b.body_off, b.side_off, b.plain, b.body, b.side)
}

/// Spends it: with a source of the length that the sealer's tickets have, and room for one.
fn run(sealer: *const ossenc_sealer, ticket: &ossenc_ticket, plain: &[u8]) -> (ossenc_status, Vec<u8>, Vec<u8>) {
    let (mut body, mut side) = (vec![0xa5; plain.len() + 32], vec![0xa5; 32]);
    let source = ossenc_iov { p: plain.as_ptr().cast_mut().cast(), n: plain.len() };
    let target = ossenc_iov { p: body.as_mut_ptr().cast(), n: body.len() };
    let mut aside = room(&mut side);
    let status = call!(seal::ossenc_seal_run(sealer, ticket, &source, 1, &target, 1, &mut aside));
    let written = (body.iter().chain(&side)).any(|byte| *byte != 0xa5);
    assert_eq!(written, status == OSSENC_OK, "written, although it says {status}");
    (status, body, side)
}

fuzz_target!(|case: Case| {
    let (sealer, foreign) = (new_sealer(&case), new_sealer(&case));
    let len = case.chunks as usize * OSSENC_CHUNK;
    let plain = pattern(case.tickets as usize * len + usize::from(u16::MAX));
    let mut given: Vec<ossenc_ticket> = vec![];
    let mut spent = HashSet::new();
    let mut pieces = vec![];
    let mut finished: Option<(Vec<u8>, Vec<u8>, ossenc_receipt)> = None;
    let mut steps = case.steps.clone();
    // In the end all that was given is spent, and the segment ends.
    steps.extend((0..case.tickets as u8).map(|i| Step::Run(i, Change::Nothing)));
    steps.push(Step::Finish(777));
    for step in steps {
        let all_given = given.len() == case.tickets as usize;
        match step {
            Step::Reserve => {
                let mut ticket =
                    ossenc_ticket { id: 0, plain_off: 0, body_off: 0, side_off: 0, plain: 0, body: 0, side: 0 };
                let status = call!(seal::ossenc_seal_reserve(sealer, &mut ticket));
                assert_eq!(status, if all_given || finished.is_some() { OSSENC_E_STATE } else { OSSENC_OK });
                if status == OSSENC_OK {
                    assert_eq!((ticket.plain_off, ticket.plain), ((given.len() * len) as u64, len));
                    given.push(ticket);
                }
            }
            Step::Run(which, change) => {
                let Some(of) = given.get(usize::from(which) % given.len().max(1)) else { continue };
                let ticket = changed(*of, &given[0], change);
                let index = given.iter().position(|one| same(one, &ticket));
                let source = index.map_or(&plain[..len], |index| &plain[index * len..][..len]);
                let (status, body, side) = run(sealer, &ticket, source);
                match index {
                    None => assert_eq!(status, OSSENC_E_ARG, "{ticket_id:#x}", ticket_id = ticket.id),
                    Some(index) if spent.insert(index) => {
                        assert_eq!(status, OSSENC_OK);
                        assert!(finished.is_none(), "a segment ended without one of its tickets");
                        pieces.push((ticket, body, side));
                    }
                    Some(_) => assert_eq!(status, OSSENC_E_USED),
                }
            }
            Step::RunForeign => {
                let mut ticket =
                    ossenc_ticket { id: 0, plain_off: 0, body_off: 0, side_off: 0, plain: 0, body: 0, side: 0 };
                if call!(seal::ossenc_seal_reserve(foreign, &mut ticket)) == OSSENC_OK {
                    assert_eq!(run(sealer, &ticket, &plain[..len]).0, OSSENC_E_ARG);
                }
            }
            Step::Finish(tail) => {
                let (mut body, mut side) = (vec![0; usize::from(tail) + 100], vec![0; 100]);
                let (mut body_out, mut side_out) = (room(&mut body), room(&mut side));
                let from = &plain[given.len() * len..][..usize::from(tail)];
                let source = ossenc_iov { p: from.as_ptr().cast_mut().cast(), n: from.len() };
                let mut receipt = ossenc_receipt {
                    size: size_of::<ossenc_receipt>(),
                    part: 0,
                    layout: 0,
                    head: [0; 56],
                    plain: 0,
                    body: 0,
                    crc64_plain: 0,
                    crc32c_body: 0,
                };
                let status =
                    call!(seal::ossenc_seal_finish(sealer, &source, 1, &mut body_out, &mut side_out, &mut receipt));
                let may = finished.is_none() && spent.len() == given.len();
                assert_eq!(status, if may { OSSENC_OK } else { OSSENC_E_STATE });
                if may {
                    assert_eq!(receipt.plain as usize, given.len() * len + from.len());
                    body.truncate(body_out.n);
                    side.truncate(side_out.n);
                    finished = Some((body, side, receipt));
                }
            }
        }
    }
    let (tail, tags, receipt) = finished.expect("it ended");
    check(&case, &pieces, &tail, &tags, &receipt, &plain);
    call!(seal::ossenc_sealer_free(sealer));
    call!(seal::ossenc_sealer_free(foreign));
});

fn changed(of: ossenc_ticket, first: &ossenc_ticket, change: Change) -> ossenc_ticket {
    match change {
        Change::Nothing => of,
        Change::Id(id) => ossenc_ticket { id, ..of },
        Change::NextId(by) => ossenc_ticket { id: of.id.wrapping_add(by.into()), ..of },
        Change::PlainOff(plain_off) => ossenc_ticket { plain_off, ..of },
        Change::BodyOff(body_off) => ossenc_ticket { body_off, ..of },
        Change::SideOff(side_off) => ossenc_ticket { side_off, ..of },
        Change::Plain(plain) => ossenc_ticket { plain, ..of },
        Change::Body(body) => ossenc_ticket { body, ..of },
        Change::Side(side) => ossenc_ticket { side, ..of },
        Change::Index(index) => {
            let i = u64::from(index % 8);
            ossenc_ticket {
                id: first.id + i,
                plain_off: first.plain_off + i * first.plain as u64,
                body_off: first.body_off + i * first.body as u64,
                side_off: first.side_off + i * first.side as u64,
                ..*first
            }
        }
    }
}

/// Puts the pieces together, and opens them as the only segment of the object.
fn check(
    case: &Case,
    pieces: &[(ossenc_ticket, Vec<u8>, Vec<u8>)],
    tail: &[u8],
    tags: &[u8],
    receipt: &ossenc_receipt,
    plain: &[u8],
) {
    let layout = if case.detached { OSSENC_DETACHED } else { OSSENC_INLINE };
    let (mut body_len, mut side_len) = (0, 0);
    assert_eq!(call!(seal::ossenc_layout_size(layout, receipt.plain, &mut body_len, &mut side_len)), OSSENC_OK);
    let (mut body, mut side) = (vec![0; body_len as usize], vec![0; side_len as usize]);
    let head_place = if case.detached { &mut side } else { &mut body };
    head_place[..OSSENC_HEAD].copy_from_slice(&receipt.head);
    for (ticket, piece, piece_tags) in pieces {
        body[ticket.body_off as usize..][..ticket.body].copy_from_slice(&piece[..ticket.body]);
        side[ticket.side_off as usize..][..ticket.side].copy_from_slice(&piece_tags[..ticket.side]);
    }
    let (at, tags_at) = (body.len() - tail.len(), side.len() - tags.len());
    body[at..].copy_from_slice(tail);
    side[tags_at..].copy_from_slice(tags);

    let (mut manifest, mut map) = ([0; 256], null_mut());
    let mut out = room(&mut manifest);
    assert_eq!(call!(segments::ossenc_manifest_seal(OBJECT.0, 1, receipt, 1, &mut out)), OSSENC_OK);
    let (n, layouts) = (out.n, [layout as u8]);
    let mapped =
        call!(segments::ossenc_map_open(OBJECT.0, input(&manifest[..n]), 1, layouts.as_ptr(), 1, &mut map, null_mut()));
    assert_eq!(mapped, OSSENC_OK);
    let mut opened = vec![0; receipt.plain as usize];
    let mut opened_out = room(&mut opened);
    let status = call!(open::ossenc_open(OBJECT.0, map, input(&body), input(&side), &mut opened_out, null_mut()));
    assert_eq!(status, OSSENC_OK);
    assert!(opened == plain[..opened.len()]);
    call!(segments::ossenc_map_free(map));
}
