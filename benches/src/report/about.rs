//! What was measured on, and with.

use crate::peers::Ossenc;

/// The CPU's name.
#[must_use]
pub fn cpu() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = info.lines().find(|line| line.split(':').next().is_some_and(|key| key.trim() == name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let name = field("model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    match (field("cpu family"), field("model")) {
        (Some(family), Some(model)) => format!("{name} (family {family}, model {model})"),
        _ => name,
    }
}

/// CPU, backend, and the versions of what the system brings.
#[must_use]
pub fn about() -> String {
    let mut lines = vec![format!("CPU      {}", cpu()), format!("ossenc   {:?}", Ossenc::best().isa())];
    #[cfg(feature = "openssl")]
    lines.push(format!("openssl  {}", openssl::version::version()));
    #[cfg(not(feature = "openssl"))]
    lines.push("openssl  SKIPPED: built without the feature openssl".into());
    #[cfg(not(feature = "sodium"))]
    lines.push("secretstream  SKIPPED: built without the feature sodium".into());
    lines.join("\n") + "\n"
}
