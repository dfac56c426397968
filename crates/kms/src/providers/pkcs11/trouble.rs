//! What the return codes of a module mean.

use cryptoki::error::{Error, RvError};

use crate::Failure;
use crate::providers::{LATER, NONSENSE};

/// Why a session did not do as asked.
pub(super) enum Trouble {
    /// It did, and this is what came out.
    Answer(Failure),
    /// The module returned an error, after which the session is not used again.
    Module(Error),
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Trouble {
        Trouble::Answer(failure)
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Trouble {
        Trouble::Module(error)
    }
}

/// Whether a session, a token or a key that was there before is gone: worth one more try from the start.
pub(super) fn is_stale(error: &Error) -> bool {
    matches!(
        error,
        Error::Pkcs11(
            RvError::SessionHandleInvalid
                | RvError::SessionClosed
                | RvError::DeviceRemoved
                | RvError::TokenNotPresent
                | RvError::SlotIdInvalid
                | RvError::UserNotLoggedIn
                | RvError::CryptokiNotInitialized
                | RvError::OperationActive
                | RvError::ObjectHandleInvalid
                | RvError::KeyHandleInvalid
                | RvError::WrappingKeyHandleInvalid
                | RvError::UnwrappingKeyHandleInvalid,
            _
        )
    )
}

/// Whether the token has judged the PIN, and not in its favour.
pub(super) fn refuses_pin(error: &Error) -> bool {
    matches!(
        error,
        Error::Pkcs11(
            RvError::PinIncorrect
                | RvError::PinInvalid
                | RvError::PinLenRange
                | RvError::PinExpired
                | RvError::PinLocked
                | RvError::UserPinNotInitialized,
            _
        )
    )
}

pub(super) fn failure(error: &Error) -> Failure {
    let Error::Pkcs11(code, _) = error else { return NONSENSE };
    match code {
        RvError::ActionProhibited | RvError::UserAnotherAlreadyLoggedIn | RvError::UserTooManyTypes => Failure::Denied,
        _ if refuses_pin(error) => Failure::Denied,
        RvError::KeyFunctionNotPermitted => Failure::Disabled,
        RvError::DeviceError
        | RvError::DeviceMemory
        | RvError::HostMemory
        | RvError::FunctionCanceled
        | RvError::SessionCount
        | RvError::TokenNotRecognized => LATER,
        _ if is_stale(error) => LATER,
        other => Failure::Error { code: number(*other) },
    }
}

/// The `CKR_` value of what a log should tell apart; the crate keeps the number only of codes that it does not know.
fn number(code: RvError) -> i32 {
    match code {
        RvError::GeneralError => 0x05,
        RvError::FunctionFailed => 0x06,
        RvError::ArgumentsBad => 0x07,
        RvError::AttributeSensitive => 0x11,
        RvError::AttributeTypeInvalid => 0x12,
        RvError::AttributeValueInvalid => 0x13,
        RvError::DataInvalid => 0x20,
        RvError::EncryptedDataInvalid => 0x40,
        RvError::EncryptedDataLenRange => 0x41,
        RvError::FunctionNotSupported => 0x54,
        RvError::KeySizeRange => 0x62,
        RvError::KeyTypeInconsistent => 0x63,
        RvError::KeyNotWrappable => 0x69,
        RvError::KeyUnextractable => 0x6a,
        RvError::MechanismInvalid => 0x70,
        RvError::TemplateIncomplete => 0xd0,
        RvError::TemplateInconsistent => 0xd1,
        RvError::WrappedKeyInvalid => 0x110,
        RvError::WrappedKeyLenRange => 0x112,
        // Vendors' codes have the highest bit set: kept as the bits that they are.
        RvError::VendorDefined(code) | RvError::UnknownErrorCode(code) => code as u32 as i32,
        _ => 0,
    }
}
