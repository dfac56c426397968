//! Random sequences of changes against a plain model: what may happen happens, everything else is refused and leaves
//! the keystore as it was, and every image reads back as it was written.

mod common;

use std::collections::BTreeMap;

use common::entropy::Counter;
use common::store::{NOW, Store};
use ossenc::{Change, Error, KeyState, Keystore, Origin, Secret, VersionState};
use proptest::prelude::*;

const DAY: u64 = 86_400;
const KEYS: [&str; 3] = ["a", "b", "c"];
const ALIASES: [&str; 4] = ["alias/x", "alias/y", "alias/acs/z", "alias/aws/s3"];

/// A key as the model has it: versions are `(state, material)`, counted from 1.
#[derive(Clone, Debug, PartialEq)]
struct Key {
    imported: bool,
    state: KeyState,
    delete_at: Option<u64>,
    period: Option<u64>,
    primary: usize,
    versions: Vec<(VersionState, bool)>,
    brought: Option<u8>,
    aliases: Vec<&'static str>,
}

type Model = BTreeMap<&'static str, Key>;

#[derive(Clone, Debug)]
struct Step {
    what: u8,
    key: usize,
    number: u8,
    alias: usize,
    days: u64,
}

fn step() -> impl Strategy<Value = Step> {
    (0u8..18, 0..KEYS.len(), 0u8..5, 0..ALIASES.len(), 0u64..6).prop_map(|(what, key, number, alias, days)| Step {
        what,
        key,
        number,
        alias,
        days,
    })
}

fn change<'a>(step: &Step, material: &'a Secret) -> Change<'a> {
    let (key_id, alias, version) = (KEYS[step.key], ALIASES[step.alias], u64::from(step.number));
    match step.what {
        0 => Change::Create { key_id },
        1 => Change::CreateForImport { key_id },
        2 => Change::Stage { key_id },
        3 => Change::Promote { key_id, version: (version != 0).then_some(version) },
        4 => Change::Retire { key_id, version },
        5 => Change::Destroy { key_id, version },
        6 => Change::Enable { key_id },
        7 => Change::Disable { key_id },
        8 => Change::ScheduleDeletion { key_id, window_days: 7 },
        9 => Change::CancelDeletion { key_id },
        10 => Change::Delete { key_id },
        11 | 12 => Change::Import { key_id, material, not_after: None },
        13 => Change::DeleteImportedMaterial { key_id },
        14 => Change::SetAlias { key_id, alias },
        15 => Change::MoveAlias { key_id, alias },
        16 if step.number < 3 => Change::RemoveAlias { alias },
        16 => Change::SetServiceAlias { key_id, alias },
        _ => Change::SetPeriod { key_id, seconds: version * 7 * DAY },
    }
}

/// The model after a step; `None` if it is refused.
fn after(model: &Model, step: &Step, now: u64) -> Option<Model> {
    use KeyState::{Disabled, Enabled, PendingDeletion, PendingImport};
    use VersionState::{Active, Destroyed, Retired, Staged};
    let (id, alias, number) = (KEYS[step.key], ALIASES[step.alias], usize::from(step.number));
    let mut model = model.clone();
    let holder = model.iter().find(|(_, key)| key.aliases.contains(&alias)).map(|(id, _)| *id);
    let service = alias.starts_with("alias/acs") || alias.starts_with("alias/aws");
    let new = Key {
        imported: step.what == 1,
        state: if step.what == 1 { PendingImport } else { Enabled },
        delete_at: None,
        period: None,
        primary: usize::from(step.what != 1),
        versions: if step.what == 1 { vec![] } else { vec![(Active, true)] },
        brought: None,
        aliases: vec![],
    };
    if step.what < 2 {
        return model.insert(id, new).is_none().then_some(model);
    }
    if step.what == 16 && number < 3 {
        let aliases = &mut model.get_mut(holder.filter(|_| !service)?)?.aliases;
        aliases.retain(|other| *other != alias);
        return Some(model);
    }
    let key = model.get_mut(id)?;
    let has_material = key.versions.iter().any(|(_, material)| *material);
    let mut ok = true;
    match step.what {
        2 if key.state == Enabled && !key.imported => key.versions.push((Staged, true)),
        3 if key.state == Enabled => {
            let staged = || key.versions.iter().rposition(|(state, _)| *state == Staged).map(|at| at + 1);
            let number = if number == 0 { staged()? } else { number };
            let version = key.versions.get_mut(number.checked_sub(1)?)?;
            ok = number != key.primary && matches!(version.0, Staged | Active);
            (version.0, key.primary) = (Active, number);
        }
        4 => {
            let version = key.versions.get_mut(number.checked_sub(1)?)?;
            ok = number != key.primary && matches!(version.0, Staged | Active);
            version.0 = Retired;
        }
        5 => {
            let version = key.versions.get_mut(number.checked_sub(1)?)?;
            ok = version.0 == Retired;
            *version = (Destroyed, false);
        }
        6 if key.state == Disabled => key.state = Enabled,
        7 if key.state == Enabled => key.state = Disabled,
        8 if matches!(key.state, Enabled | Disabled) => {
            (key.state, key.delete_at) = (PendingDeletion, Some(now + 7 * DAY));
        }
        9 if key.state == PendingDeletion => (key.state, key.delete_at) = (Disabled, None),
        10 => {
            let due = key.delete_at.is_some_and(|at| at <= now);
            ok = due || key.state == PendingImport && !has_material;
            model.remove(id);
            return ok.then_some(model);
        }
        11 | 12 if key.imported && matches!(key.state, Enabled | PendingImport) => {
            let material = step.number % 2;
            ok = key.brought.is_none_or(|brought| brought == material);
            (key.state, key.primary, key.brought) = (Enabled, 1, Some(material));
            key.versions = vec![(Active, true)];
        }
        13 if key.imported && has_material && key.state != PendingDeletion => {
            (key.state, key.versions[0].1) = (PendingImport, false);
        }
        14..=16 => {
            ok = key.state != PendingDeletion && service == (step.what == 16) && holder != Some(id);
            ok &= step.what == 16 || holder.is_some() == (step.what == 15);
            key.aliases.push(alias);
            key.aliases.sort_unstable();
            if let Some(holder) = holder.filter(|holder| *holder != id) {
                model.get_mut(holder)?.aliases.retain(|other| *other != alias);
            }
        }
        17 => {
            ok = key.state != PendingDeletion && (number == 0 || !key.imported);
            key.period = (number != 0).then_some(number as u64 * 7 * DAY);
        }
        _ => ok = false,
    }
    ok.then_some(model)
}

fn seen(keystore: &Keystore, model: &Model) -> Model {
    let keys = keystore.keys().iter().map(|key| {
        let name = |wanted: &str, names: &[&'static str]| *names.iter().find(|name| **name == wanted).unwrap();
        let id = name(key.id(), &KEYS);
        let shown = Key {
            imported: key.origin() == Origin::Imported,
            state: key.state(),
            delete_at: key.delete_at(),
            period: key.period(),
            primary: key.primary().unwrap_or(0) as usize,
            versions: key.versions().iter().map(|version| (version.state(), version.has_material())).collect(),
            brought: model.get(id).and_then(|key| key.brought),
            aliases: key.aliases().iter().map(|alias| name(alias, &ALIASES)).collect(),
        };
        (id, shown)
    });
    keys.collect()
}

proptest! {
    #![proptest_config(common::cases(200))]

    #[test]
    fn any_sequence_of_changes_does_what_the_model_does(steps in prop::collection::vec(step(), 1..60)) {
        let mut store = Store::empty(Counter::engine());
        let (mut model, mut now) = (Model::new(), NOW);
        for step in &steps {
            now += step.days * DAY;
            let material = Secret::new(&[step.number % 2 + 1; 32]);
            let change = change(step, &material);
            let outcome = store.keystore.apply(&store.engine, &change, now);
            prop_assert_eq!(store.keystore.apply_len(&change, now), outcome.as_ref().map(Vec::len).map_err(|e| *e));
            match (after(&model, step, now), outcome) {
                (Some(next), Ok(image)) => {
                    model = next;
                    store.keystore = store.load(&image).unwrap();
                    common::store::assert_lossless(&store.engine, &store.keystore, &image, &store.root_key);
                }
                (None, Err(error)) => prop_assert!(matches!(
                    error,
                    Error::State(_) | Error::KeyState | Error::NoVersion | Error::Argument(_)
                )),
                (expected, outcome) => prop_assert!(false, "{change:?}: {outcome:?}, not {expected:?} of {model:?}"),
            }
            prop_assert_eq!(seen(&store.keystore, &model), model.clone(), "{:?}", change);
        }
    }
}
