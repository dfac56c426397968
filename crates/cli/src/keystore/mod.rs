//! `ossenc keystore`: its commands.

mod change;
mod import;
mod make;
mod rotate;
mod show;

use clap::Subcommand;

use crate::app::App;
use crate::fail::Failure;

#[derive(Subcommand)]
pub(crate) enum Command {
    Init(make::Init),
    List(show::List),
    Show(show::Show),
    Due(show::Due),
    Create(change::Create),
    Rotate(rotate::Rotate),
    Stage(rotate::Stage),
    Promote(rotate::Promote),
    Retire(rotate::Retire),
    Destroy(rotate::Destroy),
    Period(change::Period),
    Enable(change::Enable),
    Disable(change::Disable),
    ScheduleDeletion(change::ScheduleDeletion),
    CancelDeletion(change::CancelDeletion),
    DeleteDue(change::DeleteDue),
    Import(import::Import),
    DeleteMaterial(import::DeleteMaterial),
    /// Other names of keys
    #[command(subcommand)]
    Alias(change::Alias),
    RootKey(make::RootKey),
    Export(make::Export),
    ForgetPrevious(make::ForgetPrevious),
}

pub(crate) fn run(app: &App, command: Command) -> Result<(), Failure> {
    match command {
        Command::Init(args) => make::init(app, &args),
        Command::List(args) => show::list(app, &args),
        Command::Show(args) => show::show(app, &args),
        Command::Due(args) => show::due(app, &args),
        Command::Create(args) => change::create(app, &args),
        Command::Rotate(args) => rotate::rotate(app, &args),
        Command::Stage(args) => rotate::stage(app, &args),
        Command::Promote(args) => rotate::promote(app, &args),
        Command::Retire(args) => rotate::retire(app, &args),
        Command::Destroy(args) => rotate::destroy(app, &args),
        Command::Period(args) => change::period(app, &args),
        Command::Enable(args) => change::enable(app, &args),
        Command::Disable(args) => change::disable(app, &args),
        Command::ScheduleDeletion(args) => change::schedule_deletion(app, &args),
        Command::CancelDeletion(args) => change::cancel_deletion(app, &args),
        Command::DeleteDue(args) => change::delete_due(app, &args),
        Command::Import(args) => import::import(app, &args),
        Command::DeleteMaterial(args) => import::delete_material(app, &args),
        Command::Alias(command) => change::alias(app, &command),
        Command::RootKey(args) => make::root_key(app, &args),
        Command::Export(args) => make::export(app, &args),
        Command::ForgetPrevious(args) => make::forget_previous(app, &args),
    }
}
