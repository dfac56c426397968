//! Other names of keys. Each belongs to one key of the keystore.

use alloc::string::{String, ToString};

use super::find;
use crate::keystore::master_key::{KeyState, MasterKey};
use crate::{Error, Result, ident};

/// What begins so is the service's own: the default keys of OSS and S3 have such names.
const SERVICE_PREFIXES: [&str; 2] = ["alias/acs", "alias/aws"];
/// The count of a key's aliases is a u16.
const PER_KEY: usize = u16::MAX as usize;

pub(super) fn set(keys: &mut [MasterKey], key_id: &str, alias: &str) -> Result<()> {
    let alias = customers(alias)?;
    if holder(keys, &alias).is_some() {
        return Err(Error::State("a key has this alias already: it can be moved"));
    }
    give(find(keys, key_id)?, alias)
}

pub(super) fn move_to(keys: &mut [MasterKey], key_id: &str, alias: &str) -> Result<()> {
    let alias = customers(alias)?;
    if holder(keys, &alias).ok_or(Error::State("no key has this alias"))?.id == key_id {
        return Err(Error::State("this key has this alias already"));
    }
    give(find(keys, key_id)?, alias.clone())?;
    take(keys, key_id, &alias);
    Ok(())
}

pub(super) fn remove(keys: &mut [MasterKey], alias: &str) -> Result<()> {
    let alias = customers(alias)?;
    let holder = holder(keys, &alias).ok_or(Error::State("no key has this alias"))?;
    holder.aliases.retain(|other| *other != alias);
    Ok(())
}

pub(super) fn set_service(keys: &mut [MasterKey], key_id: &str, alias: &str) -> Result<()> {
    let alias = well_formed(alias)?;
    if !is_service(&alias) {
        return Err(Error::Argument("an alias of the service begins \"alias/acs\" or \"alias/aws\""));
    }
    if holder(keys, &alias).is_some_and(|holder| holder.id == key_id) {
        return Err(Error::State("this key has this alias already"));
    }
    give(find(keys, key_id)?, alias.clone())?;
    take(keys, key_id, &alias);
    Ok(())
}

fn well_formed(alias: &str) -> Result<String> {
    let alias = ident::alias(alias.as_bytes());
    alias.map(str::to_string).ok_or(Error::Argument("an alias is \"alias/\" and 1 to 249 characters of 0x21 to 0x7e"))
}

fn customers(alias: &str) -> Result<String> {
    let alias = well_formed(alias)?;
    if is_service(&alias) {
        return Err(Error::Argument("aliases that begin \"alias/acs\" or \"alias/aws\" are the service's own"));
    }
    Ok(alias)
}

fn is_service(alias: &str) -> bool {
    SERVICE_PREFIXES.iter().any(|prefix| alias.starts_with(prefix))
}

fn holder<'k>(keys: &'k mut [MasterKey], alias: &str) -> Option<&'k mut MasterKey> {
    keys.iter_mut().find(|key| key.aliases.iter().any(|other| other == alias))
}

fn give(key: &mut MasterKey, alias: String) -> Result<()> {
    if key.state == KeyState::PendingDeletion {
        return Err(Error::State("this key waits for its deletion: it gets no alias"));
    }
    if key.aliases.len() >= PER_KEY {
        return Err(Error::State("a key has at most 65,535 aliases"));
    }
    let place = key.aliases.partition_point(|other| *other < alias);
    key.aliases.insert(place, alias);
    Ok(())
}

/// From every key but the one that has just got it.
fn take(keys: &mut [MasterKey], new_holder: &str, alias: &str) {
    keys.iter_mut().filter(|key| key.id != new_holder).for_each(|key| key.aliases.retain(|other| other != alias));
}
