//! Which backend is chosen. The emulated runs say which one their CPU must choose: one that fell back would prove nothing.

mod common;

use common::ISAS;
use ossenc_gcm::{Backend, Isa};

#[test]
fn the_cpu_chooses_as_expected() {
    let chosen = format!("{:?}", Backend::detect(Isa::Best).unwrap().isa());
    if let Ok(expected) = std::env::var("OSSENC_GCM_EXPECT") {
        assert_eq!(chosen, expected);
    }
}

#[test]
fn a_cap_is_kept() {
    let best = Backend::detect(Isa::Best).unwrap().isa();
    for &cap in ISAS {
        let chosen = Backend::detect(cap).unwrap().isa();
        assert!(chosen <= cap && chosen <= best, "{chosen:?} within {cap:?}");
    }
    assert_eq!(Backend::detect(Isa::Portable).unwrap().isa(), Isa::Portable);
}
