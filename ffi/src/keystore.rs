//! Keystores: images, snapshots, changes, enumeration, and the file.

use core::ffi::c_char;
use std::ffi::CStr;
use std::path::Path;
use std::sync::Arc;

use ossenc::{ImageInfo, Kdf, KeyState, Keystore, MasterKey, PassphraseCost, VersionState};

use crate::bytes::{Extensible, get, give, no_handle, ossenc_in, ossenc_out, room, sized, take_back, write_sized};
use crate::library::{Machine, ossenc_lib};
use crate::status::{Outcome, argument, guard, ossenc_error, ossenc_status};

/// An immutable snapshot of all master keys. Any number of threads may use it.
pub struct ossenc_keystore {
    pub(crate) machine: Machine,
    pub(crate) keystore: Arc<Keystore>,
}

/// What an image says without its root key: not authentic.
#[repr(C)]
pub struct ossenc_keystore_info {
    /// `sizeof (ossenc_keystore_info)`.
    pub size: usize,
    /// Counts the changes, from 1.
    pub generation: u64,
    /// Drawn when the keystore was made.
    pub keystore_id: [u8; 16],
    /// The root key that opens it, terminated.
    pub root_key_id: [c_char; 256],
    /// `OSSENC_KDF_...`: where that comes from.
    pub kdf: u32,
}

/// The root key is given as it is: `ossenc_keystore_load`.
pub const OSSENC_KDF_NONE: u32 = 0;
/// It is derived from a passphrase: `ossenc_keystore_load_passphrase`.
pub const OSSENC_KDF_ARGON2ID: u32 = 1;

/// Enabled: wraps and unwraps.
pub const OSSENC_KEY_ENABLED: u32 = 1;
/// Disabled: neither wraps nor unwraps.
pub const OSSENC_KEY_DISABLED: u32 = 2;
/// Waiting for its deletion: neither wraps nor unwraps.
pub const OSSENC_KEY_PENDING_DELETION: u32 = 3;
/// Waiting for material to be imported: neither wraps nor unwraps.
pub const OSSENC_KEY_PENDING_IMPORT: u32 = 4;

/// A master key.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ossenc_key_info {
    /// `sizeof (ossenc_key_info)`.
    pub size: usize,
    /// `OSSENC_KEY_...`.
    pub state: u32,
    /// 1: made by the keystore, 2: imported.
    pub origin: u32,
    /// Its id, borrowed from the keystore.
    pub key_id: ossenc_in,
    /// The version that wraps; 0 for none.
    pub primary: u64,
    /// Seconds since 1970.
    pub created_at: u64,
    /// Seconds since 1970 of the last promotion, or of the first material.
    pub last_rotated_at: u64,
    /// How many versions it has.
    pub versions: usize,
    /// How many aliases it has.
    pub aliases: usize,
    /// Seconds since 1970 from when on it may be deleted; 0 unless it waits for that.
    pub delete_at: u64,
    /// How often it is to be rotated, in seconds; 0 for never by time.
    pub period_s: u64,
    /// Seconds since 1970 from when on its primary is not used; 0 for never.
    pub not_after: u64,
}

// SAFETY: `repr(C)`, `size` first; integers and pointers may be zero.
unsafe impl Extensible for ossenc_key_info {}

/// Staged: unwraps, does not wrap yet.
pub const OSSENC_VERSION_STAGED: u32 = 1;
/// Active: unwraps, and wraps while it is the primary.
pub const OSSENC_VERSION_ACTIVE: u32 = 2;
/// Retired: neither; its material is kept.
pub const OSSENC_VERSION_RETIRED: u32 = 3;
/// Destroyed: its material is gone.
pub const OSSENC_VERSION_DESTROYED: u32 = 4;

/// A version of a master key.
#[repr(C)]
pub struct ossenc_version_info {
    /// `sizeof (ossenc_version_info)`.
    pub size: usize,
    /// `OSSENC_VERSION_...`.
    pub state: u32,
    /// Its number, from 1.
    pub number: u64,
    /// Seconds since 1970.
    pub created_at: u64,
    /// Seconds since 1970 from when on it is not used; 0 for never.
    pub not_after: u64,
    /// 1 if its material is in the image, 0 if it was destroyed or deleted or is still to be imported.
    pub has_material: u32,
}

const _: () = {
    assert!(OSSENC_KEY_ENABLED == KeyState::Enabled as u32);
    assert!(OSSENC_KEY_DISABLED == KeyState::Disabled as u32);
    assert!(OSSENC_KEY_PENDING_DELETION == KeyState::PendingDeletion as u32);
    assert!(OSSENC_KEY_PENDING_IMPORT == KeyState::PendingImport as u32);
    assert!(OSSENC_VERSION_STAGED == VersionState::Staged as u32);
    assert!(OSSENC_VERSION_ACTIVE == VersionState::Active as u32);
    assert!(OSSENC_VERSION_RETIRED == VersionState::Retired as u32);
    assert!(OSSENC_VERSION_DESTROYED == VersionState::Destroyed as u32);
};

/// Makes the image of a keystore without keys, generation 1, sealed under the 32 bytes of `root_key`. `root_key_id`
/// names the root key in clear: 1 to 255 characters of 0x21 to 0x7e.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_keystore_init(
    lib: *const ossenc_lib,
    root_key_id: ossenc_in,
    root_key: ossenc_in,
    image: *mut ossenc_out,
    error: *mut ossenc_error,
) -> ossenc_status {
    guard(error, || {
        // SAFETY: by the rules of the header.
        let (out, lib, id, root_key) = unsafe { (room(image)?, get(lib)?, root_key_id.str()?, root_key.bytes()?) };
        let root_key = lib.machine.engine.secret(root_key)?;
        out.fill(Keystore::init_len(id, false)?, |out| {
            out.copy_from_slice(&Keystore::init(&lib.machine.engine, id, &root_key)?);
            Ok(())
        })
    })
}

/// Opens an image under the 32 bytes of `root_key`. `min_generation` is the newest generation that the caller has seen:
/// an older image is refused with `OSSENC_E_EXPECT`. `OSSENC_E_COMMIT` is a wrong root key. Free with
/// `ossenc_keystore_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_keystore_load(
    lib: *const ossenc_lib,
    image: ossenc_in,
    root_key: ossenc_in,
    min_generation: u64,
    keystore: *mut *const ossenc_keystore,
    error: *mut ossenc_error,
) -> ossenc_status {
    guard(error, || {
        // SAFETY: by the rules of the header.
        unsafe { no_handle(keystore.cast::<*mut ossenc_keystore>()) }?;
        // SAFETY: by the rules of the header.
        unsafe {
            let (lib, image) = (get(lib)?, image.bytes()?);
            let root_key = lib.machine.engine.secret(root_key.bytes()?)?;
            give(keystore.cast(), || {
                let loaded = Keystore::load(&lib.machine.engine, image, &root_key, min_generation)?;
                Ok(ossenc_keystore { machine: lib.machine.clone(), keystore: Arc::new(loaded) })
            })
        }
    })
}

/// Makes the image of the next generation under another root key, with the same master keys: 32 bytes, named by
/// `root_key_id` as in `ossenc_keystore_init`. The old image opens with the old root key as before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_keystore_reseal(
    keystore: *const ossenc_keystore,
    root_key_id: ossenc_in,
    root_key: ossenc_in,
    image: *mut ossenc_out,
    error: *mut ossenc_error,
) -> ossenc_status {
    guard(error, || {
        // SAFETY: by the rules of the header.
        let (out, snapshot, id, root_key) =
            unsafe { (room(image)?, get(keystore)?, root_key_id.str()?, root_key.bytes()?) };
        let root_key = snapshot.machine.engine.secret(root_key)?;
        out.fill(snapshot.keystore.reseal_len(id, false)?, |out| {
            out.copy_from_slice(&snapshot.keystore.reseal(&snapshot.machine.engine, id, &root_key)?);
            Ok(())
        })
    })
}

/// What deriving a root key from a passphrase costs (Argon2id, RFC 9106), the owner and the attacker alike. NULL for
/// the default: 64 MiB, 3 passes, 4 lanes, which are computed one after the other.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ossenc_passphrase_cost {
    /// `sizeof (ossenc_passphrase_cost)`.
    pub size: usize,
    /// Memory in KiB: 8 for each lane to 2,097,152. Allocated for the time of the derivation, and wiped.
    pub kib: u32,
    /// Passes over it: 1 to 32.
    pub passes: u32,
    /// Lanes: 1 to 32.
    pub lanes: u32,
}

// SAFETY: `repr(C)`, `size` first; integers may be zero.
unsafe impl Extensible for ossenc_passphrase_cost {}

/// # Safety
/// `cost` is NULL or a sized struct.
unsafe fn read_cost(cost: *const ossenc_passphrase_cost) -> Outcome<PassphraseCost> {
    if cost.is_null() {
        return Ok(PassphraseCost::default());
    }
    // SAFETY: as the caller says.
    let cost = unsafe { sized(cost) }?;
    Ok(PassphraseCost { kib: cost.kib, passes: cost.passes, lanes: cost.lanes })
}

/// As `ossenc_keystore_init`, under a root key that is derived from a passphrase: any bytes, not empty. `root_key_id`
/// names the passphrase. `OSSENC_E_STATE` without the memory that the cost asks for.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_keystore_init_passphrase(
    lib: *const ossenc_lib,
    root_key_id: ossenc_in,
    passphrase: ossenc_in,
    cost: *const ossenc_passphrase_cost,
    image: *mut ossenc_out,
    error: *mut ossenc_error,
) -> ossenc_status {
    guard(error, || {
        // SAFETY: by the rules of the header.
        let (out, lib, id, passphrase, cost) =
            unsafe { (room(image)?, get(lib)?, root_key_id.str()?, passphrase.bytes()?, read_cost(cost)?) };
        out.fill(Keystore::init_len(id, true)?, |out| {
            out.copy_from_slice(&Keystore::init_with_passphrase(&lib.machine.engine, id, passphrase, cost)?);
            Ok(())
        })
    })
}

/// As `ossenc_keystore_load`, of an image that is under a passphrase; `OSSENC_E_COMMIT` is a wrong one, `OSSENC_E_ARG`
/// an image that is not under any. Takes the time and the memory that the image says, within the limits of
/// `ossenc_passphrase_cost`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_keystore_load_passphrase(
    lib: *const ossenc_lib,
    image: ossenc_in,
    passphrase: ossenc_in,
    min_generation: u64,
    keystore: *mut *const ossenc_keystore,
    error: *mut ossenc_error,
) -> ossenc_status {
    guard(error, || {
        // SAFETY: by the rules of the header.
        unsafe { no_handle(keystore.cast::<*mut ossenc_keystore>()) }?;
        // SAFETY: by the rules of the header.
        unsafe {
            let (lib, image, passphrase) = (get(lib)?, image.bytes()?, passphrase.bytes()?);
            give(keystore.cast(), || {
                let engine = &lib.machine.engine;
                let loaded = Keystore::load_with_passphrase(engine, image, passphrase, min_generation)?;
                Ok(ossenc_keystore { machine: lib.machine.clone(), keystore: Arc::new(loaded) })
            })
        }
    })
}

/// As `ossenc_keystore_reseal`, under a root key that is derived from a passphrase.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_keystore_reseal_passphrase(
    keystore: *const ossenc_keystore,
    root_key_id: ossenc_in,
    passphrase: ossenc_in,
    cost: *const ossenc_passphrase_cost,
    image: *mut ossenc_out,
    error: *mut ossenc_error,
) -> ossenc_status {
    guard(error, || {
        // SAFETY: by the rules of the header.
        let (out, snapshot, id, passphrase, cost) =
            unsafe { (room(image)?, get(keystore)?, root_key_id.str()?, passphrase.bytes()?, read_cost(cost)?) };
        out.fill(snapshot.keystore.reseal_len(id, true)?, |out| {
            let engine = &snapshot.machine.engine;
            out.copy_from_slice(&snapshot.keystore.reseal_with_passphrase(engine, id, passphrase, cost)?);
            Ok(())
        })
    })
}

/// Replaces the image in the file `path` (terminated), if the one there has generation `if_generation` (0: if there is
/// no file), by `image`, which must be the next generation of the same keystore.
///
/// Takes a lock on `<path>.lock`, writes `<path>.tmp` with mode 0600, syncs it, renames it, and syncs the folder. The
/// replaced image is kept as `<path>.previous`, with what the change removed: delete it when that has to be gone. When
/// this returns `OSSENC_OK` the image is durable, and at any moment of a crash the file is the old or the new image,
/// whole. `OSSENC_E_CONFLICT` tells that another writer was first, `OSSENC_E_ARG` an image that is not the next
/// generation or of another keystore. Blocks while another writer is at work.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_keystore_swap_file(
    path: *const c_char,
    if_generation: u64,
    image: ossenc_in,
    error: *mut ossenc_error,
) -> ossenc_status {
    guard(error, || {
        // SAFETY: by the rules of the header.
        let (path, image) = unsafe { (c_path(path)?, image.bytes()?) };
        Ok(ossenc_kms::swap_file(path, if_generation, image)?)
    })
}

/// # Safety
/// `path` is NULL or a terminated string.
unsafe fn c_path<'a>(path: *const c_char) -> Outcome<&'a Path> {
    if path.is_null() {
        return argument("the path is NULL");
    }
    // SAFETY: as the caller says.
    let path = unsafe { CStr::from_ptr(path) };
    #[cfg(unix)]
    return Ok(Path::new(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(path.to_bytes())));
    #[cfg(not(unix))]
    path.to_str().map(Path::new).or_else(|_| argument("the path is not UTF-8"))
}

/// Reads what an image says in clear, without its root key: not authentic.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_keystore_read(image: ossenc_in, info: *mut ossenc_keystore_info) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        let read = ImageInfo::read(unsafe { image.bytes() }?)?;
        let mut root_key_id = [0; 256];
        for (place, byte) in root_key_id.iter_mut().zip(read.root_key_id.bytes()) {
            *place = byte as c_char;
        }
        let (generation, keystore_id) = (read.generation, read.keystore_id);
        let kdf = if read.kdf == Kdf::None { OSSENC_KDF_NONE } else { OSSENC_KDF_ARGON2ID };
        // SAFETY: by the rules of the header.
        unsafe { write_sized(info, ossenc_keystore_info { size: 0, generation, keystore_id, root_key_id, kdf }) }
    })
}

/// The generation; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_keystore_generation(keystore: *const ossenc_keystore) -> u64 {
    // SAFETY: by the rules of the header.
    unsafe { get(keystore) }.map_or(0, |keystore| keystore.keystore.generation())
}

/// How many master keys there are; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_keystore_keys(keystore: *const ossenc_keystore) -> usize {
    // SAFETY: by the rules of the header.
    unsafe { get(keystore) }.map_or(0, |keystore| keystore.keystore.keys().len())
}

/// Keys to rotate: enabled, with a period that has passed since the last promotion.
pub const OSSENC_DUE_ROTATION: u32 = 1;
/// Keys to delete: their deletion was scheduled, and its time has come.
pub const OSSENC_DUE_DELETION: u32 = 2;
/// Keys of which material that is in use has expired: to be deleted, or imported again before.
pub const OSSENC_DUE_EXPIRY: u32 = 3;

/// Lists the ids of the keys for which something is due at `wall_s`, seconds since 1970, now or in the future: each
/// terminated, one after the other. The key ids take no bytes if there are none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_keystore_due(
    keystore: *const ossenc_keystore,
    what: u32,
    wall_s: i64,
    key_ids: *mut ossenc_out,
) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        let (out, keystore) = unsafe { (room(key_ids)?, get(keystore)?) };
        let at = u64::try_from(wall_s).or_else(|_| argument("a time before 1970"))?;
        let keystore = &keystore.keystore;
        let keys: Vec<&MasterKey> = match what {
            OSSENC_DUE_ROTATION => keystore.rotations_due(at).collect(),
            OSSENC_DUE_DELETION => keystore.deletions_due(at).collect(),
            OSSENC_DUE_EXPIRY => keystore.expiring(at).collect(),
            _ => return argument("what is none of OSSENC_DUE_..."),
        };
        out.write(&keys.iter().flat_map(|key| key.id().bytes().chain([0])).collect::<Vec<u8>>())
    })
}

/// Finds the index of the master key with that id or alias. `OSSENC_E_NOVERSION` if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_keystore_find(
    keystore: *const ossenc_keystore,
    id_or_alias: ossenc_in,
    index: *mut usize,
) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        let (keystore, id, place) = unsafe { (get(keystore)?, id_or_alias.str()?, crate::bytes::get_mut(index)?) };
        let keys = keystore.keystore.keys();
        let found = keystore.keystore.resolve(id).ok_or(ossenc::Error::NoVersion)?;
        *place = keys.iter().position(|key| key.id() == found.id()).unwrap_or(keys.len());
        Ok(())
    })
}

/// Describes the master key of that index, counted from 0, sorted by id.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_keystore_key(
    keystore: *const ossenc_keystore,
    index: usize,
    info: *mut ossenc_key_info,
) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        let key = unsafe { key_at(keystore, index) }?;
        let primary = key.versions().iter().find(|version| Some(version.number()) == key.primary());
        let described = ossenc_key_info {
            size: 0,
            state: key.state() as u32,
            origin: key.origin() as u32,
            key_id: borrowed(key.id()),
            primary: key.primary().unwrap_or(0),
            created_at: key.created_at(),
            last_rotated_at: key.last_rotated_at(),
            versions: key.versions().len(),
            aliases: key.aliases().len(),
            delete_at: key.delete_at().unwrap_or(0),
            period_s: key.period().unwrap_or(0),
            not_after: primary.and_then(|version| version.not_after()).unwrap_or(0),
        };
        // SAFETY: by the rules of the header.
        unsafe { write_sized(info, described) }
    })
}

/// Describes a version of a master key, both by index, counted from 0, in the order of the versions' numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_keystore_version(
    keystore: *const ossenc_keystore,
    key: usize,
    index: usize,
    info: *mut ossenc_version_info,
) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        let versions = unsafe { key_at(keystore, key) }?.versions();
        let Some(version) = versions.get(index) else { return argument("there is no version of this index") };
        let described = ossenc_version_info {
            size: 0,
            state: version.state() as u32,
            number: version.number(),
            created_at: version.created_at(),
            not_after: version.not_after().unwrap_or(0),
            has_material: version.has_material().into(),
        };
        // SAFETY: by the rules of the header.
        unsafe { write_sized(info, described) }
    })
}

/// An alias of a master key, both by index, counted from 0; borrowed from the keystore.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_keystore_alias(
    keystore: *const ossenc_keystore,
    key: usize,
    index: usize,
    alias: *mut ossenc_in,
) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        let (aliases, place) = unsafe { (key_at(keystore, key)?.aliases(), crate::bytes::get_mut(alias)?) };
        let Some(found) = aliases.get(index) else { return argument("there is no alias of this index") };
        *place = borrowed(found);
        Ok(())
    })
}

/// Frees a keystore. NULL is legal. Keyrings to which it was published keep what they need.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_keystore_free(keystore: *const ossenc_keystore) {
    guard(core::ptr::null_mut(), || {
        // SAFETY: a handle of ours or NULL, by the rules of the header.
        unsafe { take_back(keystore.cast_mut()) };
        Ok(())
    });
}

/// # Safety
/// `keystore` is NULL or a live handle.
unsafe fn key_at<'a>(keystore: *const ossenc_keystore, index: usize) -> Outcome<&'a MasterKey> {
    // SAFETY: as the caller says.
    let keystore = unsafe { get(keystore) }?;
    keystore.keystore.keys().get(index).map_or_else(|| argument("there is no key of this index"), Ok)
}

fn borrowed(text: &str) -> ossenc_in {
    ossenc_in { p: text.as_ptr().cast(), n: text.len() }
}
