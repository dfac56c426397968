//! Changes of a keystore.

use ossenc::{Change, Engine, Secret};

use crate::bytes::{Extensible, get, ossenc_in, ossenc_out, room, sized};
use crate::keystore::ossenc_keystore;
use crate::status::{Outcome, argument, guard, ossenc_error, ossenc_status};

/// Makes the master key `key_id`, enabled, with version 1 as its primary.
pub const OSSENC_KS_CREATE: u32 = 1;
/// Makes the next version of `key_id`: it unwraps, and does not wrap yet. It is the last one listed once the image was
/// loaded.
pub const OSSENC_KS_STAGE: u32 = 2;
/// Makes `version` of `key_id` the primary, which wraps; an empty `version` takes the newest staged one.
pub const OSSENC_KS_PROMOTE: u32 = 3;
/// Switches the disabled key `key_id` on.
pub const OSSENC_KS_ENABLE: u32 = 4;
/// Switches the enabled key `key_id` off: it neither wraps nor unwraps.
pub const OSSENC_KS_DISABLE: u32 = 5;
/// Takes the enabled or disabled key `key_id` out of use, to be deleted after `window_days`: 7 to 366.
pub const OSSENC_KS_SCHEDULE_DELETION: u32 = 6;
/// Calls the deletion of `key_id` off. The key is disabled.
pub const OSSENC_KS_CANCEL_DELETION: u32 = 7;
/// Takes `version` of `key_id` out of use: what it wrapped does not open any more. Never the primary.
pub const OSSENC_KS_RETIRE: u32 = 8;
/// Brings the 32 bytes of `material` for `key_id`, which was made for it, to be used until `not_after`, or for ever if
/// that is 0. After the first time only the same material is taken.
pub const OSSENC_KS_IMPORT: u32 = 9;
/// Gives `key_id` an `alias` that no key has, not beginning `alias/acs` or `alias/aws`.
pub const OSSENC_KS_ALIAS: u32 = 10;
/// Sets the rotation period of `key_id` to `period_s`: 7 to 730 days in seconds, 0 for none.
pub const OSSENC_KS_PERIOD: u32 = 11;
/// Empties the material of the retired `version` of `key_id`: what it wrapped never opens again.
pub const OSSENC_KS_DESTROY: u32 = 12;
/// Removes `key_id` with all its material, when its deletion is due; or when it awaits an import and has no material.
pub const OSSENC_KS_DELETE: u32 = 13;
/// Makes the master key `key_id` without material, to be imported.
pub const OSSENC_KS_CREATE_FOR_IMPORT: u32 = 14;
/// Empties the imported material of `key_id`. The same can be imported again.
pub const OSSENC_KS_DELETE_MATERIAL: u32 = 15;
/// Moves `alias` from the key that has it to `key_id`.
pub const OSSENC_KS_MOVE_ALIAS: u32 = 16;
/// Takes `alias` from the key that has it. `key_id` is empty.
pub const OSSENC_KS_REMOVE_ALIAS: u32 = 17;
/// Gives `key_id` an `alias` of the service's own, which begins `alias/acs` or `alias/aws`, and takes it from the key
/// that had it. Not for a daemon's customers to ask for.
pub const OSSENC_KS_SERVICE_ALIAS: u32 = 18;

/// One change of a keystore. What a change does not take, by its description, stays empty or 0.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ossenc_change {
    /// `sizeof (ossenc_change)`.
    pub size: usize,
    /// `OSSENC_KS_...`.
    pub what: u32,
    /// The master key's id: 1 to 255 characters of 0x21 to 0x7e, not beginning `alias/`.
    pub key_id: ossenc_in,
    /// The version, in decimal.
    pub version: ossenc_in,
    /// 32 bytes, not all zero. The caller wipes its own copy.
    pub material: ossenc_in,
    /// `alias/`, and 1 to 249 characters of 0x21 to 0x7e.
    pub alias: ossenc_in,
    /// Seconds since 1970, later than now.
    pub not_after: u64,
    /// Seconds.
    pub period_s: u64,
    /// Days.
    pub window_days: u32,
}

// SAFETY: `repr(C)`, `size` first; integers, pointers and function pointers may be zero.
unsafe impl Extensible for ossenc_change {}

/// Makes the image of the next generation, with one change. The snapshot stays as it is: store the image by
/// compare-and-swap on the generation (`ossenc_keystore_swap_file`, etcd, RADOS), load it, and publish it. Stage on
/// every node before promoting on any.
///
/// `OSSENC_E_STATE` and `OSSENC_E_KEYSTATE` are changes that the state of the key or the version forbids (the error's
/// text says why), `OSSENC_E_NOVERSION` a key or version that is not there, `OSSENC_E_ARG` a field that is malformed, out
/// of its limits, missing, or not taken by the change.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_keystore_apply(
    keystore: *const ossenc_keystore,
    change: *const ossenc_change,
    image: *mut ossenc_out,
    error: *mut ossenc_error,
) -> ossenc_status {
    guard(error, || {
        let mut material = None;
        // SAFETY: by the rules of the header.
        let (out, snapshot) = unsafe { (room(image)?, get(keystore)?) };
        let machine = &snapshot.machine;
        // SAFETY: likewise.
        let change = unsafe { read_change(&machine.engine, change, &mut material) }?;
        let now = machine.now()?;
        out.fill(snapshot.keystore.apply_len(&change, now)?, |out| {
            out.copy_from_slice(&snapshot.keystore.apply(&machine.engine, &change, now)?);
            Ok(())
        })
    })
}

/// What is set of a change. Each field is taken by the change that wants it; what is left at the end is a mistake.
#[derive(Default, PartialEq)]
struct Given<'a> {
    key_id: Option<&'a str>,
    version: Option<&'a str>,
    material: Option<&'a [u8]>,
    alias: Option<&'a str>,
    not_after: Option<u64>,
    period_s: Option<u64>,
    window_days: Option<u32>,
}

impl<'a> Given<'a> {
    fn version(&mut self) -> Outcome<Option<u64>> {
        let parse = |text: &str| text.parse().or_else(|_| argument("a version is a decimal number"));
        self.version.take().map(parse).transpose()
    }

    fn needed_version(&mut self) -> Outcome<u64> {
        self.version()?.map_or_else(|| argument("this change needs a version"), Ok)
    }

    fn alias(&mut self) -> Outcome<&'a str> {
        self.alias.take().map_or_else(|| argument("this change needs an alias"), Ok)
    }
}

/// # Safety
/// `change` is NULL or a sized struct whose strings are readable.
unsafe fn read_change<'a>(
    engine: &Engine,
    change: *const ossenc_change,
    material: &'a mut Option<Secret>,
) -> Outcome<Change<'a>> {
    // SAFETY: as the caller says.
    let (what, mut given) = unsafe {
        let c = sized(change)?;
        let text = |field: ossenc_in| -> Outcome<_> { Ok(Some(field.str()?).filter(|text| !text.is_empty())) };
        let number = |field: u64| Some(field).filter(|number| *number != 0);
        let given = Given {
            key_id: text(c.key_id)?,
            version: text(c.version)?,
            material: Some(c.material.bytes()?).filter(|bytes| !bytes.is_empty()),
            alias: text(c.alias)?,
            not_after: number(c.not_after),
            period_s: number(c.period_s),
            window_days: Some(c.window_days).filter(|days| *days != 0),
        };
        (c.what, given)
    };
    if what == OSSENC_KS_REMOVE_ALIAS && given.key_id.is_some() {
        return argument("this change takes no key id");
    }
    // The core refuses an empty one.
    let key_id = given.key_id.take().unwrap_or("");
    let change = match what {
        OSSENC_KS_CREATE => Change::Create { key_id },
        OSSENC_KS_CREATE_FOR_IMPORT => Change::CreateForImport { key_id },
        OSSENC_KS_STAGE => Change::Stage { key_id },
        OSSENC_KS_PROMOTE => Change::Promote { key_id, version: given.version()? },
        OSSENC_KS_RETIRE => Change::Retire { key_id, version: given.needed_version()? },
        OSSENC_KS_DESTROY => Change::Destroy { key_id, version: given.needed_version()? },
        OSSENC_KS_ENABLE => Change::Enable { key_id },
        OSSENC_KS_DISABLE => Change::Disable { key_id },
        OSSENC_KS_SCHEDULE_DELETION => {
            Change::ScheduleDeletion { key_id, window_days: given.window_days.take().unwrap_or(0) }
        }
        OSSENC_KS_CANCEL_DELETION => Change::CancelDeletion { key_id },
        OSSENC_KS_DELETE => Change::Delete { key_id },
        OSSENC_KS_IMPORT => {
            let bytes = given.material.take().unwrap_or(&[]);
            let material = material.insert(engine.secret(bytes)?);
            Change::Import { key_id, material, not_after: given.not_after.take() }
        }
        OSSENC_KS_DELETE_MATERIAL => Change::DeleteImportedMaterial { key_id },
        OSSENC_KS_ALIAS => Change::SetAlias { key_id, alias: given.alias()? },
        OSSENC_KS_MOVE_ALIAS => Change::MoveAlias { key_id, alias: given.alias()? },
        OSSENC_KS_REMOVE_ALIAS => Change::RemoveAlias { alias: given.alias()? },
        OSSENC_KS_SERVICE_ALIAS => Change::SetServiceAlias { key_id, alias: given.alias()? },
        OSSENC_KS_PERIOD => Change::SetPeriod { key_id, seconds: given.period_s.take().unwrap_or(0) },
        _ => return argument("what is none of OSSENC_KS_..."),
    };
    if given != Given::default() {
        return argument("a field is set that this change does not take");
    }
    Ok(change)
}
