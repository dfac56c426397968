//! Man pages and completions are made, and speak of everything.

use std::fs::read_to_string;

use clap::Command;

#[path = "../examples/documents.rs"]
mod documents;

fn options(command: &Command) -> Vec<String> {
    command.get_arguments().filter_map(|arg| arg.get_long()).map(str::to_owned).collect()
}

#[test]
fn every_command_has_a_man_page_with_all_its_options() {
    let folder = tempfile::tempdir().unwrap();
    documents::write(folder.path()).unwrap();
    let mut pages = 0;
    let mut todo = vec![(ossenc_cli::command(), "ossenc".to_owned())];
    while let Some((command, name)) = todo.pop() {
        let page = read_to_string(folder.path().join(format!("man1/{name}.1"))).unwrap();
        for option in options(&command) {
            assert!(page.contains(&format!("\\-\\-{}", option.replace('-', "\\-"))), "{name}: --{option}");
        }
        assert!(command.get_about().is_some(), "{name} says nothing of itself");
        for argument in command.get_arguments() {
            assert!(argument.get_help().is_some(), "{name}: {} says nothing of itself", argument.get_id());
        }
        pages += 1;
        todo.extend(command.get_subcommands().map(|sub| (sub.clone(), format!("{name}-{}", sub.get_name()))));
    }
    assert!(pages > 35, "{pages}");
    let main = read_to_string(folder.path().join("man1/ossenc.1")).unwrap();
    assert!(main.contains("Exit codes"), "{main}");
    for file in ["ossenc.bash", "_ossenc", "ossenc.fish"] {
        let text = read_to_string(folder.path().join("completions").join(file)).unwrap();
        assert!(text.contains("schedule-deletion") && text.contains("root-key-file"), "{file}");
    }
}
