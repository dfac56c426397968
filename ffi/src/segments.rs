//! Objects of many segments: maps, manifests, receipts, uploads, sealed attributes.

use ossenc::{Layout, Manifest, Map, RECEIPT_LEN, Receipt, crc64_combine};

use crate::bytes::{array, get, get_mut, give, no_handle, ossenc_in, ossenc_out, room, sized, take_back, write_sized};
use crate::object::ossenc_object;
use crate::seal::{ossenc_receipt, write_receipt};
use crate::status::{Outcome, argument, guard, ossenc_error, ossenc_status};

/// For `ossenc_map_single`: the caller has no length that it trusts.
pub const OSSENC_UNKNOWN: u64 = u64::MAX;
/// Bytes of an encoded receipt.
pub const OSSENC_RECEIPT: usize = 104;
const _: () = assert!(OSSENC_RECEIPT == RECEIPT_LEN);

/// Where an object's bytes lie. Immutable; any number of threads may use it.
pub struct ossenc_map {
    pub(crate) map: Map,
}

/// Where a segment of a map lies.
#[repr(C)]
pub struct ossenc_segment {
    /// `sizeof (ossenc_segment)`.
    pub size: usize,
    /// Its part.
    pub part: u32,
    /// Its layout.
    pub layout: u32,
    /// Where its plaintext begins in the object.
    pub offset: u64,
    /// Bytes of its plaintext.
    pub plain: u64,
    /// Bytes of its body.
    pub body: u64,
}

/// The map of a single-segment object whose body takes `body` bytes.
///
/// `plain` is the length of the plaintext, if the caller knows it from a place that it trusts (PAGED needs it); a body
/// that does not go with it is `OSSENC_E_TRUNCATED`. With `OSSENC_UNKNOWN`, every answer that depends on the length
/// opens the last chunk too. `head` is the segment's 56 bytes, needed for `ossenc_opener_new`, and for `ossenc_open` of
/// PAGED; else it may be empty. Free with `ossenc_map_free`.
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

/// Opens a manifest of `object`, and maps its segments. `min_generation` is the newest generation that the caller has
/// seen: an older one is `OSSENC_E_EXPECT`. `layouts` has one layout for all segments (`n` 1), or one for each. Free
/// with `ossenc_map_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_map_open(
    object: *const ossenc_object,
    manifest: ossenc_in,
    min_generation: u64,
    layouts: *const u8,
    n: usize,
    map: *mut *mut ossenc_map,
    error: *mut ossenc_error,
) -> ossenc_status {
    guard(error, || {
        // SAFETY: by the rules of the header.
        unsafe { no_handle(map) }?;
        // SAFETY: by the rules of the header.
        unsafe {
            let (object, manifest, layouts) = (&get(object)?.object, manifest.bytes()?, array(layouts, n)?);
            let layouts =
                layouts.iter().map(|layout| Ok(Layout::from_number((*layout).into())?)).collect::<Outcome<Vec<_>>>()?;
            give(map, || {
                let manifest = object.open_manifest(manifest, min_generation)?;
                Ok(ossenc_map { map: Map::segmented(&manifest, &layouts)? })
            })
        }
    })
}

/// Length of the plaintext: as trusted, or as the manifest says; or as the body's length says, which is proved when an
/// extent with `last` opens. 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_map_plain(map: *const ossenc_map) -> u64 {
    // SAFETY: by the rules of the header.
    unsafe { get(map) }.map_or(0, |map| map.map.plain_len())
}

/// The manifest's generation, to be pinned in the caller's own index: detecting a rollback is the caller's. 0 for a
/// single-segment object, or NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_map_generation(map: *const ossenc_map) -> u64 {
    // SAFETY: by the rules of the header.
    unsafe { get(map) }.map_or(0, |map| map.map.generation())
}

/// How many segments there are. 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_map_segments(map: *const ossenc_map) -> usize {
    // SAFETY: by the rules of the header.
    unsafe { get(map) }.map_or(0, |map| map.map.segments())
}

/// Describes a segment, by index from 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_map_segment(
    map: *const ossenc_map,
    index: usize,
    segment: *mut ossenc_segment,
) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        let Some(place) = unsafe { get(map) }?.map.segment(index) else {
            return argument("there is no segment of this index");
        };
        let described = ossenc_segment {
            size: 0,
            part: place.part,
            layout: place.layout as u32,
            offset: place.offset,
            plain: place.plain_len,
            body: place.body_len,
        };
        // SAFETY: by the rules of the header.
        unsafe { write_sized(segment, described) }
    })
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

/// Encodes a receipt into the 104 bytes (`OSSENC_RECEIPT`) that a daemon stores in its part records.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_receipt_encode(
    receipt: *const ossenc_receipt,
    encoded: *mut ossenc_out,
) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        let (out, receipt) = unsafe { (room(encoded)?, read_receipt(receipt)?) };
        out.write(&receipt.encode())
    })
}

/// Decodes what `ossenc_receipt_encode` made. `OSSENC_E_FORMAT` for anything else: it carries a checksum.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_receipt_decode(encoded: ossenc_in, receipt: *mut ossenc_receipt) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        if receipt.is_null() {
            return argument("the receipt is NULL");
        }
        // SAFETY: by the rules of the header.
        unsafe { write_receipt(receipt, &Receipt::decode(encoded.bytes()?)?) }
    })
}

/// The CRC-64 (OSS's ECMA) of two pieces of plaintext in a row, from that of each and the length of the second: so the
/// checksum of a multipart object comes from those of its parts. The CRC-64 of nothing is 0.
#[unsafe(no_mangle)]
pub extern "C" fn ossenc_crc64_combine(first: u64, second: u64, second_len: u64) -> u64 {
    let mut combined = 0;
    guard(core::ptr::null_mut(), || {
        combined = crc64_combine(first, second, second_len);
        Ok(())
    });
    combined
}

/// Seals the manifest of a segmented object: the receipts that count, parts strictly increasing from 1 on, at most
/// 2^20. `n` 0 makes an empty object. `generation` counts from 1; store the manifest by compare-and-swap on it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_manifest_seal(
    object: *const ossenc_object,
    generation: u64,
    receipts: *const ossenc_receipt,
    n: usize,
    manifest: *mut ossenc_out,
) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        let (out, object, receipts) = unsafe { (room(manifest)?, &get(object)?.object, read_receipts(receipts, n)?) };
        let manifest = Manifest::new(generation, &receipts)?;
        out.fill(manifest.sealed_len(), |out| {
            out.copy_from_slice(&object.seal_manifest(&manifest)?);
            Ok(())
        })
    })
}

/// Seals the manifest of the next generation, with further segments behind those of `old`. With `replace_last`, the
/// first receipt takes the place of the last segment, whose bytes it must hold together with the new ones: so small
/// appends do not make the manifest grow without bound.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_manifest_append(
    object: *const ossenc_object,
    old: ossenc_in,
    receipts: *const ossenc_receipt,
    n: usize,
    replace_last: i32,
    manifest: *mut ossenc_out,
) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        let (out, object, old, receipts) =
            unsafe { (room(manifest)?, &get(object)?.object, old.bytes()?, read_receipts(receipts, n)?) };
        let manifest = object.open_manifest(old, 0)?.append(&receipts, replace_last != 0)?;
        out.fill(manifest.sealed_len(), |out| {
            out.copy_from_slice(&object.seal_manifest(&manifest)?);
            Ok(())
        })
    })
}

/// Seals a small value for this object under a name: an ETag, a content type. A digest of plaintext in clear would
/// betray small objects. The name has 1 to 255 bytes and does not begin `ossenc:`; the value at most 65,535; it grows
/// by 72 bytes and 16 for every 16,384.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_attr_seal(
    object: *const ossenc_object,
    name: ossenc_in,
    plain: ossenc_in,
    sealed: *mut ossenc_out,
) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        let (out, object, name, plain) =
            unsafe { (room(sealed)?, &get(object)?.object, name.bytes()?, plain.bytes()?) };
        let len = ossenc::message::size::sealed_len(plain.len() as u64)?;
        out.fill(usize::try_from(len).or_else(|_| argument("too long"))?, |out| {
            out.copy_from_slice(&object.seal_attribute(name, plain)?);
            Ok(())
        })
    })
}

/// Opens a value that was sealed under this name. `OSSENC_E_COMMIT` for another name or object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_attr_open(
    object: *const ossenc_object,
    name: ossenc_in,
    sealed: ossenc_in,
    plain: *mut ossenc_out,
) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        let (out, object, name, sealed) =
            unsafe { (room(plain)?, &get(object)?.object, name.bytes()?, sealed.bytes()?) };
        out.write(&object.open_attribute(name, sealed)?)
    })
}

/// Seals the record of a multipart upload that begins (81 bytes), to be kept with the upload's state.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_upload_begin(object: *const ossenc_object, record: *mut ossenc_out) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        let (out, handle) = unsafe { (room(record)?, get(object)?) };
        out.fill(UPLOAD_RECORD_LEN, |out| {
            out.copy_from_slice(&handle.object.seal_upload_record(handle.machine.now()?)?);
            Ok(())
        })
    })
}

const UPLOAD_RECORD_LEN: usize = 56 + 9 + 16;

/// Checks an upload's record before each part is sealed: `OSSENC_E_COMMIT` says that `object` is not the one that the
/// upload began with, so somebody has swapped its envelope. `began_at` (NULL, or set to seconds since 1970) is when it
/// began.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_upload_check(
    object: *const ossenc_object,
    record: ossenc_in,
    began_at: *mut i64,
) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        unsafe {
            let began = get(object)?.object.open_upload_record(record.bytes()?)?;
            if !began_at.is_null() {
                *get_mut(began_at)? = i64::try_from(began).unwrap_or(i64::MAX);
            }
            Ok(())
        }
    })
}

/// # Safety
/// `receipt` is NULL or a sized struct.
unsafe fn read_receipt(receipt: *const ossenc_receipt) -> Outcome<Receipt> {
    // SAFETY: as the caller says.
    let receipt = unsafe { sized(receipt) }?;
    Ok(Receipt {
        part: receipt.part,
        layout: Layout::from_number(receipt.layout)?,
        head: receipt.head,
        plain: receipt.plain,
        body: receipt.body,
        crc64_plain: receipt.crc64_plain,
        crc32c_body: receipt.crc32c_body,
    })
}

/// # Safety
/// `receipts` points to `n` sized structs, each as long as the first says.
unsafe fn read_receipts(receipts: *const ossenc_receipt, n: usize) -> Outcome<Vec<Receipt>> {
    if n == 0 {
        return Ok(Vec::new());
    }
    // SAFETY: as the caller says.
    let step = unsafe { sized(receipts) }?.size;
    let at = |i: usize| receipts.cast::<u8>().wrapping_add(i * step).cast::<ossenc_receipt>();
    if n.checked_mul(step).is_none_or(|len| len > isize::MAX as usize) {
        return argument("more receipts than memory");
    }
    // SAFETY: as the caller says; a struct's size keeps the next one aligned.
    (0..n).map(|i| unsafe { read_receipt(at(i)) }).collect()
}
