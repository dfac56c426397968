//! The census: slots counted per version of a key.

use std::sync::OnceLock;

use ossenc::{Census, CensusKey, Error};

use crate::bytes::{get, get_mut, give, no_handle, ossenc_in, ossenc_out, room, take_back, write_sized};
use crate::library::ossenc_lib;
use crate::status::{guard, ossenc_error, ossenc_status};

/// Counts of slots per version of a key: says whether a version can be retired. Merged from shards.
pub struct ossenc_census {
    census: Census,
    /// Of the census as it is; made when it is first looked at.
    listed: OnceLock<Vec<(CensusKey, u64)>>,
}

impl ossenc_census {
    fn of(census: Census) -> ossenc_census {
        ossenc_census { census, listed: OnceLock::new() }
    }

    fn listed(&self) -> &[(CensusKey, u64)] {
        self.listed.get_or_init(|| self.census.iter().map(|(key, count)| (key.clone(), count)).collect())
    }
}

/// How many slots of one kind are under one version of a key.
#[repr(C)]
pub struct ossenc_census_entry_info {
    /// `sizeof (ossenc_census_entry_info)`.
    pub size: usize,
    /// 1 local master key, 2 remote master key, 3 bucket key by value, 4 bucket key by reference, 5 customer's key.
    pub kind: u32,
    /// The key management service, borrowed from the census until it is changed or freed, as are the next two; empty for
    /// local and customer keys.
    pub provider: ossenc_in,
    /// The master key's id; empty for customer keys.
    pub key_id: ossenc_in,
    /// Its version.
    pub key_version: ossenc_in,
    /// How many: at least 1.
    pub count: u64,
}

/// Makes a census with nothing counted. Free with `ossenc_census_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_census_new(lib: *const ossenc_lib, census: *mut *mut ossenc_census) -> ossenc_status {
    guard(core::ptr::null_mut::<ossenc_error>(), || {
        // SAFETY: by the rules of the header.
        unsafe {
            no_handle(census)?;
            get(lib)?;
            give(census, || Ok(ossenc_census::of(Census::new())))
        }
    })
}

/// Counts the slots of an envelope, which is not opened: nothing in a census is authentic. `OSSENC_E_FORMAT`,
/// `OSSENC_E_TOONEW` for an envelope that does not parse; `OSSENC_E_STATE` when there would be more than 1,048,576
/// versions of keys. The census is then as it was.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_census_add(census: *mut ossenc_census, envelope: ossenc_in) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        let (census, envelope) = unsafe { (get_mut(census)?, envelope.bytes()?) };
        census.listed.take();
        Ok(census.census.add(envelope)?)
    })
}

/// Adds the counts of another census, encoded: of another shard. Merging the same twice counts it twice.
/// `OSSENC_E_FORMAT` for bytes that are no census or damaged, `OSSENC_E_TOONEW` for a later one, `OSSENC_E_STATE` as
/// `ossenc_census_add`. The census is then as it was.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_census_merge(census: *mut ossenc_census, encoded: ossenc_in) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        let (census, encoded) = unsafe { (get_mut(census)?, encoded.bytes()?) };
        census.listed.take();
        Ok(census.census.merge(&Census::decode(encoded)?)?)
    })
}

/// Gives the bytes to be stored, or sent to where shards are merged. Equal censuses have equal bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_census_encode(census: *const ossenc_census, encoded: *mut ossenc_out) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        let (out, census) = unsafe { (room(encoded)?, get(census)?) };
        out.fill(census.census.encoded_len(), |out| {
            out.copy_from_slice(&census.census.encode());
            Ok(())
        })
    })
}

/// Says how many slots are under `version` of the key `key_id`, of whatever kind they are and whichever service has the
/// key; 0 if none is. With 0 in all shards the version can be retired, if no envelope was left out.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_census_count(
    census: *const ossenc_census,
    key_id: ossenc_in,
    version: ossenc_in,
    n: *mut u64,
) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        let (census, key_id, version, n) = unsafe { (get(census)?, key_id.str()?, version.str()?, get_mut(n)?) };
        *n = census.census.count(key_id, version);
        Ok(())
    })
}

/// How many envelopes were counted; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_census_envelopes(census: *const ossenc_census) -> u64 {
    // SAFETY: by the rules of the header.
    unsafe { get(census) }.map_or(0, |census| census.census.envelopes())
}

/// How many entries `ossenc_census_entry` lists; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_census_entries(census: *const ossenc_census) -> usize {
    // SAFETY: by the rules of the header.
    unsafe { get(census) }.map_or(0, |census| census.census.iter().len())
}

/// Describes the entry of that index, counted from 0, sorted by kind, provider, key id and version.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_census_entry(
    census: *const ossenc_census,
    index: usize,
    info: *mut ossenc_census_entry_info,
) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        let census = unsafe { get(census) }?;
        let (key, count) = census.listed().get(index).ok_or(Error::Argument("a census has no entry of that index"))?;
        let borrowed = |text: &str| ossenc_in { p: text.as_ptr().cast(), n: text.len() };
        let described = ossenc_census_entry_info {
            size: 0,
            kind: key.kind() as u32,
            provider: borrowed(key.provider()),
            key_id: borrowed(key.key_id()),
            key_version: borrowed(key.key_version()),
            count: *count,
        };
        // SAFETY: by the rules of the header.
        unsafe { write_sized(info, described) }
    })
}

/// Frees a census. NULL is legal.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_census_free(census: *mut ossenc_census) {
    guard(core::ptr::null_mut(), || {
        // SAFETY: a handle of ours or NULL, by the rules of the header.
        unsafe { take_back(census) };
        Ok(())
    });
}
