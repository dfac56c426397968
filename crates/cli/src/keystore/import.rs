//! Material that a customer brings.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use ossenc::Change;

use super::change::{FORGET, apply, report};
use crate::app::App;
use crate::fail::Failure;
use crate::out::name;
use crate::root_key::material;
use crate::time;

/// Bring the material of a key that was made with `create --import`
///
/// 32 bytes, or 64 hexadecimal digits. After the first time only the same material is taken: to bring back what has
/// expired or was deleted, or to change when it expires.
#[derive(Args)]
#[command(group(ArgGroup::new("material").required(true)))]
pub(crate) struct Import {
    /// The key's id
    key: String,
    /// File of mode 0600 with the material
    #[arg(long, value_name = "PATH", group = "material")]
    material_file: Option<PathBuf>,
    /// Read the material from standard input
    #[arg(long, group = "material")]
    material_stdin: bool,
    /// From when on it is not used any more: YYYY-MM-DD, YYYY-MM-DDTHH:MM:SSZ (UTC) or seconds since 1970
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    not_after: Option<u64>,
}

/// Empty imported material: the key awaits the same material again
#[derive(Args)]
pub(crate) struct DeleteMaterial {
    /// The key's id
    key: String,
}

pub(super) fn import(app: &App, args: &Import) -> Result<(), Failure> {
    let material = material(args.material_file.as_deref())?;
    let change = Change::Import { key_id: &args.key, material: &material, not_after: args.not_after };
    let keystore = apply(app, &change)?;
    let until = args.not_after.map_or(String::new(), |end| format!(", until {}", time::show(end)));
    report(app, &keystore, Some(&args.key), format!("{}: material imported{until}", name(&args.key)), "")
}

pub(super) fn delete_material(app: &App, args: &DeleteMaterial) -> Result<(), Failure> {
    let keystore = apply(app, &Change::DeleteImportedMaterial { key_id: &args.key })?;
    report(app, &keystore, Some(&args.key), format!("{}: its material is deleted", name(&args.key)), FORGET)
}
