//! Sessions of one token, one caller at a time each; login, and what to do when they are gone.

use std::sync::{Mutex, MutexGuard, PoisonError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::session::{Session, SessionState, UserType};
use cryptoki::slot::{Slot, TokenInfo};
use cryptoki::types::AuthPin;

use super::trouble::{Trouble, failure, is_stale, refuses_pin};
use crate::Failure;
use crate::providers::{LATER, NONSENSE};

pub(super) struct Pool {
    module: Pkcs11,
    token_label: String,
    pin: AuthPin,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    idle: Vec<Session>,
    /// Counts how often all sessions were given up: one of an earlier epoch does not come back into `idle`.
    epoch: u64,
    /// Every further try would bring the token closer to being locked.
    pin_refused: bool,
}

impl Pool {
    pub(super) fn new(module: Pkcs11, token_label: &str, pin: &str) -> Pool {
        Pool { module, token_label: token_label.to_string(), pin: AuthPin::new(pin.into()), state: Mutex::default() }
    }

    /// Does `work` in a session that is logged in; a second time in a new one, if the first turned out to be stale.
    ///
    /// A session that failed is closed, and the session objects that it may have left go with it.
    pub(super) fn with_session<T>(&self, work: impl Fn(&Session) -> Result<T, Trouble>) -> Result<T, Failure> {
        for _ in 0..2 {
            let (session, epoch) = self.take()?;
            let result = work(&session);
            match result {
                Err(Trouble::Module(error)) => {
                    // Closed before others are opened: a new session may get the number of one that is gone.
                    drop(session);
                    if !is_stale(&error) {
                        return Err(failure(&error));
                    }
                    self.give_up(epoch);
                }
                Err(Trouble::Answer(failure)) => {
                    self.put_back(session, epoch);
                    return Err(failure);
                }
                Ok(value) => {
                    self.put_back(session, epoch);
                    return Ok(value);
                }
            }
        }
        Err(LATER)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Result<(Session, u64), Failure> {
        let mut state = self.state();
        if state.pin_refused {
            return Err(Failure::Denied);
        }
        let session = match state.idle.pop() {
            Some(session) => session,
            // Under the lock: of several threads with a wrong PIN one tries it.
            None => self.open(&mut state).map_err(|trouble| match trouble {
                Trouble::Answer(failure) => failure,
                Trouble::Module(error) => failure(&error),
            })?,
        };
        Ok((session, state.epoch))
    }

    fn put_back(&self, session: Session, epoch: u64) {
        let mut state = self.state();
        if state.epoch == epoch {
            state.idle.push(session);
        }
    }

    fn give_up(&self, epoch: u64) {
        let mut state = self.state();
        if state.epoch == epoch {
            state.epoch += 1;
            state.idle.clear();
        }
    }

    fn open(&self, state: &mut State) -> Result<Session, Trouble> {
        match self.module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(error) => return Err(error.into()),
        }
        let (slot, token) = self.token()?;
        let session = self.module.open_ro_session(slot)?;
        // The login is the process's, not the session's.
        if matches!(session.get_session_info()?.session_state(), SessionState::RoPublic | SessionState::RwPublic) {
            self.log_in(&session, &token, state)?;
        }
        Ok(session)
    }

    fn token(&self) -> Result<(Slot, TokenInfo), Trouble> {
        let mut found = None;
        for slot in self.module.get_slots_with_token()? {
            // Another slot's token does not matter, whatever is wrong with it.
            let Ok(token) = self.module.get_token_info(slot) else { continue };
            if token.label() == self.token_label && found.replace((slot, token)).is_some() {
                return Err(NONSENSE.into());
            }
        }
        found.ok_or(LATER.into())
    }

    fn log_in(&self, session: &Session, token: &TokenInfo, state: &mut State) -> Result<(), Trouble> {
        if token.user_pin_locked() || token.user_pin_final_try() {
            return Err(Failure::Denied.into());
        }
        match session.login(UserType::User, Some(&self.pin)) {
            Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
            Err(error) => {
                state.pin_refused = refuses_pin(&error);
                Err(error.into())
            }
            Ok(()) => Ok(()),
        }
    }
}
