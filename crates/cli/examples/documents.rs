//! Writes the man pages and completions of the `ossenc` command: `make man`. usage: documents FOLDER
#![allow(dead_code, unreachable_pub, reason = "a test writes them, too")]

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use clap_complete::Shell;

fn main() -> io::Result<()> {
    let folder = env::args_os().nth(1).map(PathBuf::from).ok_or(io::ErrorKind::InvalidInput)?;
    write(&folder)
}

/// `man1/` and `completions/` below a folder.
pub fn write(folder: &Path) -> io::Result<()> {
    let (man, completions) = (folder.join("man1"), folder.join("completions"));
    fs::create_dir_all(&man)?;
    fs::create_dir_all(&completions)?;
    clap_mangen::generate_to(ossenc_cli::command(), &man)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut ossenc_cli::command(), "ossenc", &completions)?;
    }
    Ok(())
}
